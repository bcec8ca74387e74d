""" "None of these" on known pictures: how many are answered, and how right the answers are if fewer are given."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from anmok.evaluation.results import ModelResult
from anmok.evaluation.unknown import CoverageCurve, UnknownResult
from anmok.i18n import _
from anmok.records import Interval
from anmok.report import words
from anmok.report.plots import ACCENT, MUTED, PLOT_STYLE, WARM, themed

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, slots=True)
class Refusals:
    """What the part about "none of these" of one model shows.

    Attributes:
        facts: (title, figure with its interval).
        score: name of the score that decides.
        svg: accuracy of the answered pictures against the share that is answered.
    """

    facts: tuple[tuple[str, str], ...]
    score: str
    svg: Markup


def build(model: ModelResult, *, key: str) -> Refusals | None:
    """Return the values of a model; None where its "none of these" was not measured.

    Args:
        key: unique in the page.
    """
    found = model.unknown
    if found is None or not found.by_probability.points:
        return None
    return Refusals(
        facts=(
            (_("Known pictures that are answered"), _share(found.accepted)),
            (_("Right among the answered"), _share(found.accuracy_accepted)),
            (_("Right among all, if none were refused"), _share(found.accuracy)),
            (_("Right among the refused, had they been answered"), _share(found.accuracy_refused)),
        ),
        score=_(found.title),
        svg=_drawn(found, key),
    )


def _share(interval: Interval) -> str:
    if not math.isfinite(interval.value):
        return words.MISSING
    return f"{words.percent(interval.value)}% ({words.percent(interval.low)} – {words.percent(interval.high)})"


def _drawn(found: UnknownResult, key: str) -> Markup:
    import matplotlib.style
    from matplotlib.figure import Figure

    with matplotlib.style.context(["default", PLOT_STYLE]):
        figure = Figure(figsize=(5.4, 3.0))
        axes = figure.add_axes((0.085, 0.11, 0.9, 0.86))
        _line(axes, found.by_probability, ACCENT, "-")
        _line(axes, found.by_score, WARM, (0, (4, 1.6)))
        axes.axvline(100 * found.accepted.value, color=MUTED, linewidth=1)
        axes.set_xlim(0, 101)
        # Few answers have wide intervals; the lines are what is looked at, so a band may leave the plot.
        curves = (found.by_probability, found.by_score)
        least = min(100 * point.accuracy.value for curve in curves for point in curve.points)
        axes.set_ylim(max(0, least - 8), 101)
        axes.locator_params(axis="y", nbins=5)
        return themed(figure, _("Accuracy against the share of pictures that is answered"), f"{key}-coverage")


def _line(axes: Axes, curve: CoverageCurve, colour: str, style: str | tuple[int, tuple[float, float]]) -> None:
    share = [100 * point.coverage for point in curve.points]
    axes.plot(
        share, [100 * point.accuracy.value for point in curve.points], color=colour, linestyle=style, linewidth=1.8
    )
    low = [100 * point.accuracy.low for point in curve.points]
    high = [100 * point.accuracy.high for point in curve.points]
    axes.fill_between(share, low, high, color=colour, alpha=0.1, linewidth=0)
