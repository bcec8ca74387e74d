"""One HTML file that needs nothing else: the frame, styles, scripts and policy that all pages of Anmok share.

A page is a template that extends ``page.html``, which has the blocks ``title``, ``contents`` (items of the list at the
top), ``header`` and ``main``. A style sheet or script of a page of its own lies beside its template.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

import anmok
from anmok import storage
from anmok.i18n import gettext, ngettext, use_language
from anmok.report import names, words

if TYPE_CHECKING:
    from jinja2 import Environment

#: Scripts and styles that every page has, in ``templates``; ``THEME`` runs before the page is drawn, and ``DARK`` holds
#: the values that differ on dark screens.
SCRIPT, STYLE = "report.js", "style.css"
THEME, DARK = "theme.js", "dark.css"


def render_page(
    template: str,
    path: Path,
    *,
    language: str,
    values: Mapping[str, object],
    scripts: Sequence[str] = (),
    styles: Sequence[str] = (),
) -> Path:
    """Draw a template as a self-contained HTML file and return its path.

    The same values and language give the same bytes. The page may run no script but its own and may load nothing.

    Args:
        template: a file in ``templates`` that extends ``page.html``.
        path: the file to write; it appears whole or not at all.
        language: ``"en"`` or ``"ko"``; sentences among ``values`` were made in it already.
        values: what the template names.
        scripts, styles: further files in ``templates``, after those of every page.

    Raises:
        StorageError: the file could not be written.
    """
    environment = _environment()
    script = Markup("\n").join(_asset(environment, file) for file in (SCRIPT, *scripts))
    sheets = (_asset(environment, STYLE), _dark(_asset(environment, DARK)), *(_asset(environment, s) for s in styles))
    theme = _asset(environment, THEME)
    with use_language(language):
        text = environment.get_template(template).render(
            **values,
            language=language,
            version=anmok.__version__,
            style=Markup("\n").join(sheets),
            script=script,
            theme=theme,
            script_hashes=[_hash(script), _hash(theme)],
        )
    storage.write_text(path, text)
    return path


def data_block(key: str, value: Any) -> Markup:
    """Return plain values as a block that scripts of the page read; no text in them can end it.

    Args:
        key: the block's id, unique in the page.
        value: fit for JSON; NaN and infinity are refused.
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    # Inside of a script element HTML looks for nothing but "<"; JSON has it in strings alone.
    text = text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    return Markup('<script type="application/json" id="{}">{}</script>').format(key, Markup(text))  # noqa: S704


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
    environment.globals.update(
        words=words, name=names.name, plain_name=names.plain_name, sentence=names.sentence, exact=names.exact
    )
    return environment


def _printed(value: object) -> object:
    # Whatever text reaches the page, its control characters are made visible; markup was made by this room.
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    return names.unbroken(names.shown(value))


def _dark(values: Markup) -> Markup:
    """Return the rules that apply values to dark screens: where the system is dark, or the reader chose so."""
    system = '@media screen and (prefers-color-scheme: dark) {{\n:root:not([data-theme="light"]) {{\n{}}}\n}}\n'
    chosen = '@media screen {{\n:root[data-theme="dark"] {{\ncolor-scheme: dark;\n{}}}\n}}'
    return Markup(system).format(values) + Markup(chosen).format(values)  # noqa: S704 - rules of this package


def _hash(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")


def _asset(environment: Environment, file: str) -> Markup:
    """Return one of the package's own style sheets or scripts, as it is."""
    assert environment.loader is not None
    return Markup(environment.loader.get_source(environment, file)[0])  # noqa: S704 - a file of this package
