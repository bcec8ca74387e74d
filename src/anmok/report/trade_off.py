"""What accuracy costs: every model as a point of accuracy against time for one picture, and against size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from anmok.evaluation.results import ModelResult
from anmok.i18n import _
from anmok.records import Interval
from anmok.report.names import cut, shown
from anmok.report.plots import ACCENT, INK, MUTED, PLOT_STYLE, themed

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Where the largest cost is so many times the least, the axis is logarithmic.
_LOG_FROM = 4
_NAME_COLUMNS = 24
#: Labels in points: the height of one, and how near two must be side by side to be kept apart.
_LINE, _NEAR = 12.0, 130.0


@dataclass(frozen=True, slots=True)
class Point:
    """One model: its name, its cost, its accuracy as a share, whether it is recommended."""

    name: str
    cost: float
    accuracy: Interval
    recommended: bool


@dataclass(frozen=True, slots=True)
class TradeOff:
    """One plot: what stands above it and at its axis."""

    title: str
    axis: str
    svg: Markup


def build(models: Sequence[ModelResult], best: str) -> tuple[TradeOff, ...]:
    """Return the plots of time and size; nothing for fewer than two models that have an accuracy."""
    import matplotlib.style

    costs = (
        ("time", _("Accuracy and time"), _("Milliseconds for one picture, on this machine"), _milliseconds),
        ("size", _("Accuracy and size"), _("Size of the bundle, MB"), lambda model: model.bundle_bytes / 1e6),
    )
    made = []
    with matplotlib.style.context(["default", PLOT_STYLE]):
        for key, title, axis, cost in costs:
            points = [
                Point(model.name, cost(model), model.evaluation.metrics["accuracy"], model.name == best)
                for model in models
                if "accuracy" in model.evaluation.metrics
            ]
            points = [point for point in points if _drawable(point)]
            if len(points) >= 2:
                texts = {f"@{number}": cut(shown(point.name), _NAME_COLUMNS) for number, point in enumerate(points)}
                made.append(TradeOff(title, axis, themed(_drawn(points), title, f"cost-{key}", texts)))
    return tuple(made)


def frontier(points: Sequence[Point]) -> list[Point]:
    """Return the points that no other beats in both accuracy and cost, cheapest first."""
    kept: list[Point] = []
    for point in sorted(points, key=lambda point: (point.cost, -point.accuracy.value)):
        if not kept or point.accuracy.value > kept[-1].accuracy.value:
            kept.append(point)
    return kept


def _milliseconds(model: ModelResult) -> float:
    if model.latency_ms is not None:
        return model.latency_ms
    # An older Anmok measured the rate of many pictures alone.
    return 1000 / model.pictures_per_second if model.pictures_per_second > 0 else math.nan


def _drawable(point: Point) -> bool:
    accuracy = point.accuracy
    return point.cost > 0 and all(map(math.isfinite, (point.cost, accuracy.low, accuracy.value, accuracy.high)))


def _drawn(points: Sequence[Point]) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.4, 3.4))
    axes = figure.add_axes((0.085, 0.1, 0.9, 0.87))
    best_of = frontier(points)
    axes.plot(
        [point.cost for point in best_of],
        [point.accuracy.value * 100 for point in best_of],
        color=MUTED,
        linewidth=1.2,
        linestyle=(0, (2, 2)),
    )
    for point in points:
        colour = ACCENT if point.recommended else INK
        figure_of = point.accuracy
        axes.vlines(point.cost, figure_of.low * 100, figure_of.high * 100, color=colour, linewidth=2.2, alpha=0.45)
        axes.plot(point.cost, figure_of.value * 100, "o", color=colour, markersize=8)
    _scale(axes, [point.cost for point in points])
    axes.margins(y=0.1)
    axes.locator_params(axis="y", nbins=5)
    _label(axes, points)
    return figure


def _scale(axes: Axes, costs: Sequence[float]) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

    low, high = min(costs), max(costs)
    if high > _LOG_FROM * low:
        axes.set_xscale("log")
        axes.set_xlim(low / 1.35, high * 1.35)
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=12))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.xaxis.set_tick_params(which="minor", bottom=False)
    else:
        axes.set_xlim(0, high * 1.15)
        axes.xaxis.set_major_locator(MaxNLocator(6))
    # Plain digits: powers of ten would be set by matplotlib's own fonts.
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _place: f"{value:g}"))


def _label(axes: Axes, points: Sequence[Point]) -> None:
    """Write the names beside their points, to the inside of the plot, one line apart where they would meet."""
    left, right = axes.bbox.x0, axes.bbox.x1
    unit = axes.figure.dpi / 72
    taken: list[tuple[float, float]] = []
    places = axes.transData.transform([(point.cost, point.accuracy.value * 100) for point in points])
    for number in sorted(range(len(points)), key=lambda number: places[number][1]):
        x, y = places[number] / unit
        at = y
        for other_x, other_y in taken:
            if abs(other_x - x) < _NEAR and abs(at - other_y) < _LINE:
                at = other_y + _LINE
        taken.append((x, at))
        inward = places[number][0] > left + 0.6 * (right - left)
        axes.annotate(
            f"@{number}",
            (points[number].cost, points[number].accuracy.value * 100),
            xytext=(-9 if inward else 9, at - y),
            textcoords="offset points",
            ha="right" if inward else "left",
            va="center",
            color=ACCENT if points[number].recommended else INK,
            annotation_clip=False,
        )
