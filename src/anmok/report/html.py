"""The report: one HTML file that needs nothing else, drawn from a stored comparison. Nothing is computed here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from anmok.evaluation.results import Comparison
from anmok.i18n import use_language
from anmok.report import (
    all_curves,
    answer,
    checks,
    class_table,
    details,
    galleries,
    learning_curve,
    next_steps,
    pairs,
    pictureset,
    scores,
    side_by_side,
    timing,
    trade_off,
)
from anmok.report.page import render_page
from anmok.report.pictures import Thumbnails

#: Characters that all thumbnails together may take, and the small ones of the lists of all mistakes, so that the file
#: stays far below 25 MB whatever the pictures are; those of a few classes take a tenth of it.
THUMBNAIL_BUDGET, SMALL_BUDGET = 5_000_000, 9_000_000


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
    small = galleries.SmallPictures(Thumbnails(read_picture, budget=SMALL_BUDGET))
    with use_language(language):
        values = _values(comparison, thumbnails, small)
    return render_page(
        "report.html", path, language=language, values=values, scripts=("comparison.js",), styles=("comparison.css",)
    )


def _values(comparison: Comparison, thumbnails: Thumbnails, small: galleries.SmallPictures) -> dict[str, object]:
    # Mistakes come before samples: where the budget is short, they say more.
    axis = scores.class_axis(comparison.models)
    mistakes = galleries.build(comparison, thumbnails)
    models = [
        details.build(
            model, index, axis=axis, recommended=model.name == comparison.best, thumbnails=thumbnails, small=small
        )
        for index, model in enumerate(comparison.models)
    ]
    found = checks.build(comparison, thumbnails)
    return {
        "comparison": comparison,
        # One model that nothing was compared with: the words are those of a training, and none is recommended.
        "alone": len(comparison.models) + len(comparison.left_out) == 1,
        "answer": answer.build(comparison),
        "steps": next_steps.build(comparison, found),
        "checks": found,
        "table": scores.build(comparison),
        "trade_off": trade_off.build(comparison.models, comparison.best),
        "pairs": pairs.build(comparison),
        "all_curves": all_curves.build(comparison.models),
        "side_by_side": side_by_side.build(comparison),
        "class_table": class_table.build(comparison, axis),
        "mistakes": mistakes,
        "more_pictures": _more_pictures(comparison),
        "data": pictureset.build(comparison.data, thumbnails),
        # The recommended model is read first, whatever its place in the table.
        "models": sorted(models, key=lambda model: not model.recommended),
        "timing": timing.build(comparison),
        "parity": timing.parity(comparison),
        "pictures": thumbnails.any_shown,
        "small_pictures": small.block,
    }


def _more_pictures(comparison: Comparison) -> dict[str, object] | None:
    curve = comparison.learning_curve
    if curve is None:
        return None
    plot = learning_curve.curve_plot(curve, key="data-size")
    return {"model": curve.model, "sentences": learning_curve.sentences(curve), "plot": plot}
