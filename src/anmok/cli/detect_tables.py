"""What ``anmok detect`` prints, and the photos that it draws boxes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from anmok.i18n import _, ngettext

if TYPE_CHECKING:
    from anmok.detection.boxset import BoxSet
    from anmok.detection.measures import Figures
    from anmok.detection.predictor import Detection
    from anmok.records import Interval, PredictionFailure


def show_boxes(boxes: BoxSet, problems: Mapping[str, int]) -> None:
    """Print the table of classes, the number of pictures, and what is wrong with the files: codes with their number."""
    from rich.markup import escape
    from rich.table import Table

    from anmok.cli.console import harmless, stdout
    from anmok.detection.statistics import describe

    found = describe(boxes)
    table = Table(title=escape(harmless(boxes.name)), title_justify="left")
    for title in (_("class"), _("boxes"), _("pictures"), _("median size")):
        table.add_column(title, justify="left" if title == _("class") else "right", overflow="fold")
    for row in found.classes:
        table.add_row(escape(harmless(row.label)), str(row.boxes), str(row.pictures), f"{row.median_side:.0%}")
    console = stdout()
    console.print(table)
    text = ngettext(
        "{count} picture, {empty} of them with nothing in it.",
        "{count} pictures, {empty} of them with nothing in them.",
        len(boxes),
    )
    console.print(text.format(count=len(boxes), empty=found.empty))
    for code, count in problems.items():
        console.print(f"{count} × {code}", markup=False)
    for problem in boxes.problems[:10]:
        console.print(harmless(f"{'!' if problem.left_out else '-'} {problem.reason}"), markup=False)
    if len(boxes.problems) > 10:
        console.print(_("… and {count} more.").format(count=len(boxes.problems) - 10))


def show_figures(figures: Figures) -> None:
    """Print the figures of each class and of all, with 95% intervals."""
    from rich.markup import escape
    from rich.table import Table

    from anmok.cli.console import harmless, stdout

    caption = ngettext("{count} picture", "{count} pictures", figures.pictures).format(count=figures.pictures)
    caption += ", " + _("score from {threshold} on").format(threshold=f"{figures.threshold:.3f}")
    table = Table(caption=caption, caption_justify="left")
    table.add_column(_("class"), overflow="fold")
    for title in (_("boxes"), "mAP50", "mAP50-95", _("precision"), _("recall")):
        table.add_column(title, justify="right")
    for one in figures.classes:
        cells = [_cell(interval) for interval in (one.map50, one.map, one.precision, one.recall)]
        table.add_row(escape(harmless(one.label)), str(one.true), *cells)
    table.add_section()
    names: Sequence[str] = ("map50", "map", "precision", "recall")
    table.add_row(
        _("all"), str(sum(one.true for one in figures.classes)), *(_cell(figures.figures[name]) for name in names)
    )
    stdout().print(table)


def _cell(interval: Interval | None) -> str:
    return "–" if interval is None else f"{interval.value:.1%} ({interval.low:.0%}–{interval.high:.0%})"


def print_answer(answer: Detection | PredictionFailure) -> None:
    """Print one line: what was found in a picture, or why it could not be read."""
    from anmok.cli.console import harmless
    from anmok.records import PredictionFailure

    if isinstance(answer, PredictionFailure):
        typer.echo(harmless(f"! {answer.error}"))
        return
    found = ", ".join(f"{box.label} {box.score:.2f}" for box in answer.boxes) or _("nothing found")
    typer.echo(harmless(f"{answer.path}: {found}"))


def draw(answer: Detection, data: bytes, folder: Path) -> None:
    """Write the photo with its boxes under its own path, as a JPEG; nothing outside of ``folder``."""
    from anmok.data.names import unescape
    from anmok.detection.drawing import draw_boxes
    from anmok.images import decode
    from anmok.storage import write_bytes

    parts = [part for part in answer.path.replace(":", "/").split("/") if part not in ("", ".", "..")]
    path = folder.joinpath(*map(unescape, parts))
    pixels = decode(data, name=answer.path).pixels
    write_bytes(path.with_name(path.name + ".boxes.jpg"), draw_boxes(pixels, answer.boxes, answer.indices))
