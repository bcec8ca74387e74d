"""Turns stored results into rich tables; computes nothing."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.table import Table

from anmok.evaluation.comparison import best_marks
from anmok.evaluation.results import HEADLINE_METRICS, Comparison
from anmok.i18n import _
from anmok.records import Interval
from anmok.report.words import metric_title

#: Below so many characters a terminal cannot hold all columns.
NARROW = 96


def figure(interval: Interval | None) -> str:
    """Return the figure with its interval below, narrow enough for 80 columns; a dash where nothing was measured."""
    if interval is None:
        return "–"
    return f"{interval.value:.3f}\n[dim]{interval.low:.2f}-{interval.high:.2f}[/]"


def comparison_table(comparison: Comparison, *, width: int) -> Table:
    """Return models by metrics with 95 % intervals, the best ones marked where the intervals allow it.

    Args:
        width: of the terminal, in characters; where it is narrow, macro F1 is left to the report.
    """
    pictures = comparison.models[0].evaluation.pictures
    table = Table(
        title=_("{source}: {pictures} test pictures, 95% intervals").format(
            source=comparison.data.source, pictures=pictures
        ),
        title_justify="left",
        padding=(0, 1, 0, 0),
        box=SIMPLE_HEAD,
        show_edge=False,
    )
    table.add_column(_("model"), no_wrap=True)
    shown = [name for name in HEADLINE_METRICS if width >= NARROW or name != "macro_f1"]
    for name in shown:
        table.add_column(metric_title(name).replace(" ", "\n", 1), justify="right", no_wrap=True)
    table.add_column(_("training"), justify="right", no_wrap=True)
    table.add_column(_("pictures\nper s"), justify="right", no_wrap=True)
    marks = {name: best_marks(comparison.models, name) for name in shown}
    for model in comparison.models:
        cells = []
        for name in shown:
            text = figure(model.evaluation.metrics.get(name))
            cells.append(f"[bold green]{text}[/]" if model.name in marks[name] else text)
        title = f"[bold]{model.name}[/]" if model.name == comparison.best else model.name
        table.add_row(
            title,
            *cells,
            _("{seconds} s").format(seconds=f"{model.seconds_to_train:.1f}"),
            f"{model.pictures_per_second:,.0f}",
        )
    return table
