"""The report: one HTML file that needs nothing else, drawn from a stored comparison. Nothing is computed here."""

from __future__ import annotations

import base64
import hashlib
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

import anmok
from anmok import storage
from anmok.evaluation.results import Comparison
from anmok.i18n import gettext, ngettext, use_language
from anmok.report import answer, checks, details, names, pictureset, scores, timing, words
from anmok.report.pictures import Thumbnails

if TYPE_CHECKING:
    from jinja2 import Environment

#: Characters that all thumbnails together may take, so that the file can be mailed.
THUMBNAIL_BUDGET = 3_400_000


def render_report(
    comparison: Comparison,
    path: Path,
    *,
    read_picture: Callable[[str], bytes] | None,
    language: str,
) -> Path:
    """Draw ``comparison`` as a self-contained HTML file and return its path.

    The same comparison, pictures and language give the same bytes.

    Args:
        path: the file to write; it appears whole or not at all.
        read_picture: gives the bytes of a picture by its path in the source; None where the source is not at hand,
            and the report then has no pictures. A picture that cannot be read is shown as an empty frame.
        language: ``"en"`` or ``"ko"``.

    Raises:
        StorageError: the file could not be written.
    """
    with use_language(language):
        text = _render(comparison, Thumbnails(read_picture, budget=THUMBNAIL_BUDGET), language)
    storage.write_text(path, text)
    return path


def _render(comparison: Comparison, thumbnails: Thumbnails, language: str) -> str:
    environment = _environment()
    script = _asset(environment, "report.js")
    # Mistakes come before samples: where the budget is short, they say more.
    axis = scores.class_axis(comparison.models)
    models = [
        details.build(model, index, axis=axis, recommended=model.name == comparison.best, thumbnails=thumbnails)
        for index, model in enumerate(comparison.models)
    ]
    return environment.get_template("report.html").render(
        language=language,
        version=anmok.__version__,
        comparison=comparison,
        answer=answer.build(comparison),
        checks=checks.build(comparison, thumbnails, command=shlex.join(["anmok", "clean", comparison.data.location])),
        table=scores.build(comparison),
        data=pictureset.build(comparison.data, thumbnails),
        # The recommended model is read first, whatever its place in the table.
        models=sorted(models, key=lambda model: not model.recommended),
        timing=timing.build(comparison),
        parity=timing.parity(comparison),
        pictures=thumbnails.any_shown,
        style=_asset(environment, "style.css"),
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii"),
    )


def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("anmok.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_printed,
    )
    environment.globals.update(_=gettext, gettext=gettext, ngettext=ngettext)
    environment.globals.update(words=words, name=names.name, plain_name=names.plain_name, sentence=names.sentence)
    return environment


def _printed(value: object) -> object:
    # Whatever text reaches the page, its control characters are made visible; markup was made by this room.
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    return names.unbroken(names.shown(value))


def _asset(environment: Environment, file: str) -> Markup:
    """Return one of the package's own style sheets or scripts, as it is."""
    assert environment.loader is not None
    return Markup(environment.loader.get_source(environment, file)[0])  # noqa: S704 - a file of this package
