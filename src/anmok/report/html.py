"""The report: one HTML file that needs nothing else, drawn from a stored comparison. Nothing is computed here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from anmok.evaluation.results import Comparison
from anmok.i18n import use_language
from anmok.report import answer, checks, details, pictureset, scores, timing
from anmok.report.page import render_page
from anmok.report.pictures import Thumbnails

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
    thumbnails = Thumbnails(read_picture, budget=THUMBNAIL_BUDGET)
    with use_language(language):
        values = _values(comparison, thumbnails)
    return render_page("report.html", path, language=language, values=values)


def _values(comparison: Comparison, thumbnails: Thumbnails) -> dict[str, object]:
    # Mistakes come before samples: where the budget is short, they say more.
    axis = scores.class_axis(comparison.models)
    models = [
        details.build(model, index, axis=axis, recommended=model.name == comparison.best, thumbnails=thumbnails)
        for index, model in enumerate(comparison.models)
    ]
    return {
        "comparison": comparison,
        # One model that nothing was compared with: the words are those of a training, and none is recommended.
        "alone": len(comparison.models) + len(comparison.left_out) == 1,
        "answer": answer.build(comparison),
        "checks": checks.build(comparison, thumbnails),
        "table": scores.build(comparison),
        "data": pictureset.build(comparison.data, thumbnails),
        # The recommended model is read first, whatever its place in the table.
        "models": sorted(models, key=lambda model: not model.recommended),
        "timing": timing.build(comparison),
        "parity": timing.parity(comparison),
        "pictures": thumbnails.any_shown,
    }
