"""The page of ``anmok evaluate --out``: what is different about these pictures, and which classes suffer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from anmok.evaluation.shift import ClassShift, MeasureShift, Shifted
from anmok.i18n import use_language
from anmok.records import Interval
from anmok.report import words
from anmok.report.page import render_page
from anmok.report.pictures import Thumbnails
from anmok.report.shift_words import measure_meaning, measure_title, shift_sentences

#: Characters that all thumbnails together may take, and their longer side, pixels.
BUDGET, SIDE = 4_000_000, 160


@dataclass(frozen=True, slots=True)
class Row:
    """A measure on the page: its words, and where the five numbers lie, 0-100 on an axis of both together."""

    title: str
    meaning: str
    before: str
    now: str
    share: str
    matters: bool
    before_at: tuple[float, ...]
    now_at: tuple[float, ...]


def render_shift(found: Shifted, path: Path, *, read_picture: Callable[[str], bytes] | None, language: str) -> Path:
    """Draw ``found`` as a self-contained HTML file and return its path.

    Args:
        read_picture: gives the bytes of a picture by its path; None where the source is not at hand.

    Raises:
        StorageError: the file could not be written.
    """
    thumbnails = Thumbnails(read_picture, budget=BUDGET)
    with use_language(language):
        shift = found.shift
        values: dict[str, object] = {
            "found": found,
            "shift": shift,
            "sentences": shift_sentences(shift),
            "accuracy": _interval(found.accuracy),
            "rows": [_row(one) for one in shift.measures],
            "classes": [_class(one) for one in shift.classes],
            "formats": [(one.format, words.percent(one.before), words.percent(one.now)) for one in shift.formats],
            "nearest": [thumbnails.of(picture, SIDE) for picture in shift.nearest],
            "farthest": [thumbnails.of(picture, SIDE) for picture in shift.farthest],
            "shown": read_picture is not None,
        }
    return render_page("shift.html", path, language=language, values=values, styles=("shift.css",))


def _row(one: MeasureShift) -> Row:
    # The axis leaves out the far ends, which single pictures make.
    quarters = (one.before[1], one.before[3], one.now[1], one.now[3])
    inside = max(one.before[3] - one.before[1], one.now[3] - one.now[1], 0.2 * (max(quarters) - min(quarters)), 1e-9)
    low, high = min(quarters) - inside, max(quarters) + inside

    def places(numbers: tuple[float, ...]) -> tuple[float, ...]:
        return tuple(round(min(100.0, max(0.0, 100 * (number - low) / (high - low))), 2) for number in numbers)

    return Row(
        title=measure_title(one.measure),
        meaning=measure_meaning(one.measure),
        before=words.decimal(one.before[2]),
        now=words.decimal(one.now[2]),
        share=words.percent(one.above),
        matters=one.matters,
        before_at=places(one.before),
        now_at=places(one.now),
    )


def _class(one: ClassShift) -> tuple[str, str, str, bool]:
    return one.label, _interval(one.before), _interval(one.now), one.suffers


def _interval(interval: Interval) -> str:
    return f"{words.percent(interval.value)} ({words.percent(interval.low)} – {words.percent(interval.high)})"
