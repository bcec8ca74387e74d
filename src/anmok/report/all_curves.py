"""The learning curves of all models in one figure: validation as lines, training dashed in the same colours."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from anmok.evaluation.results import ModelResult
from anmok.i18n import _
from anmok.report.plots import PALETTE, PLOT_STYLE, SERIES, themed

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True)
class Panel:
    """One measure of all models by epoch."""

    title: str
    svg: Markup


@dataclass(frozen=True, slots=True)
class AllCurves:
    """The figure.

    Attributes:
        panels: loss and accuracy, where any model has them.
        names: models with curves, each with its colour in the palette.
        without: models that learned in one step and have none.
    """

    panels: tuple[Panel, ...]
    names: tuple[tuple[str, int], ...]
    without: tuple[str, ...]


def build(models: Sequence[ModelResult]) -> AllCurves | None:
    """Return the figure; None where fewer than two models were compared or none has a history."""
    import matplotlib.style

    learned = [(number, model) for number, model in enumerate(models) if model.history]
    if len(models) < 2 or not learned:
        return None
    panels = []
    with matplotlib.style.context(["default", PLOT_STYLE]):
        for measure, title, scale in (
            ("accuracy", _("Accuracy by epoch, %"), 100),
            ("loss", _("Loss by epoch"), 1),
        ):
            figure = _drawn(learned, measure, scale)
            if figure is not None:
                panels.append(Panel(title, themed(figure, title, f"all-{measure}")))
    return AllCurves(
        panels=tuple(panels),
        names=tuple((model.name, PALETTE[number % len(PALETTE)]) for number, model in learned),
        without=tuple(model.name for model in models if not model.history),
    )


def _drawn(learned: Sequence[tuple[int, ModelResult]], measure: str, scale: int) -> Figure | None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.4, 3.2))
    axes = figure.add_axes((0.085, 0.1, 0.9, 0.87))
    axes.locator_params(axis="x", integer=True, nbins=8)
    axes.locator_params(axis="y", nbins=5)
    drawn = 0
    for number, model in learned:
        for part, style, width in (("train", (0, (3, 2)), 1.1), ("valid", "-", 2.0)):
            points = _points(model.history, f"{part}_{measure}", scale)
            if points:
                x, y = zip(*points, strict=True)
                colour = SERIES[number % len(SERIES)]
                mark = "o" if len(points) < 3 else ""
                axes.plot(x, y, color=colour, linestyle=style, linewidth=width, marker=mark, markersize=4)
                drawn += 1
    axes.margins(x=0.02, y=0.06)
    return figure if drawn else None


def _points(history: Sequence[Mapping[str, float]], name: str, scale: int) -> list[tuple[float, float]]:
    pairs = [(row.get("epoch", number), row.get(name, math.nan)) for number, row in enumerate(history, 1)]
    return [(x, y * scale) for x, y in pairs if math.isfinite(x) and math.isfinite(y)]
