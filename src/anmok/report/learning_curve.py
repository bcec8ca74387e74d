"""The page of ``anmok learning-curve``: accuracy against training pictures, in words, as a plot and by class."""

from __future__ import annotations

import math
from pathlib import Path

from markupsafe import Markup

from anmok.evaluation.data_size import ClassGain, DataSizeCurve, LearningCurve
from anmok.i18n import _, ngettext, use_language
from anmok.records import Interval
from anmok.report import words
from anmok.report.page import render_page
from anmok.report.plots import PLOT_STYLE, themed

_ACCENT, _INK = "#040404", "#010101"
#: Classes that the table shows; of more, those with the largest gains.
MOST_CLASSES = 100


def render_learning_curve(found: LearningCurve, path: Path, *, language: str) -> Path:
    """Draw ``found`` as a self-contained HTML file and return its path.

    Raises:
        StorageError: the file could not be written.
    """
    with use_language(language):
        curve = found.curve
        values: dict[str, object] = {
            "found": found,
            "curve": curve,
            "sentences": sentences(curve),
            "plot": curve_plot(curve, key="data-size"),
            "points": [
                (words.count(point.pictures), _share(point.accuracy.value), ", ".join(map(_share, point.accuracies)))
                for point in curve.points
            ],
            "forecasts": [
                (f"{one.times:g}×", words.count(one.pictures), *map(_with_span, (one.accuracy, one.elsewhere)))
                for one in curve.forecasts
            ],
            "classes": [_class_row(one) for one in curve.per_class[:MOST_CLASSES]],
        }
    return render_page("learning_curve.html", path, language=language, values=values)


def sentences(curve: DataSizeCurve) -> tuple[str, ...]:
    """Return in the language of the moment what more pictures would bring, the answer first."""
    twice = curve.forecasts[0].accuracy
    said = [
        _(
            "With twice as many pictures expect {low:.2f} to {high:.2f} on these test pictures; now it is {now:.2f}."
        ).format(low=twice.low, high=_below_one(twice.high), now=_below_one(curve.now.accuracy.value)),
        _shape(curve),
    ]
    if curve.shape != "flat":
        last = curve.forecasts[-1]
        said.append(
            _(
                "With {times:g} times as many, {low:.2f} to {high:.2f}: so far from what was measured this is a guess."
            ).format(times=last.times, low=last.accuracy.low, high=_below_one(last.accuracy.high))
        )
    return (*said, _class_sentence(curve))


def _shape(curve: DataSizeCurve) -> str:
    if curve.now.accuracy.value == 1:
        return ngettext(
            "The {count} test picture is recognised already: it cannot show what more training pictures would bring.",
            "All {count} test pictures are recognised already: they cannot show what more training pictures would"
            " bring.",
            curve.measured,
        ).format(count=curve.measured)
    points = {"low": 100 * max(curve.gain.low, 0), "high": 100 * max(curve.gain.high, 0)}
    if curve.shape == "flat":
        return _(
            "The curve is flat: on average twice as many such pictures bring {low:.1f} to {high:.1f} points. Other"
            " pictures, cleaner labels or another model will help more."
        ).format(**points)
    if curve.shape == "rising":
        return _(
            "The curve is still rising: on average twice as many such pictures bring {low:.1f} to {high:.1f} points."
        ).format(**points)
    return _(
        "Whether the curve still rises cannot be told from {count} test pictures: on average twice as many training"
        " pictures bring {low:.1f} to {high:.1f} points."
    ).format(count=curve.measured, **points)


def _class_sentence(curve: DataSizeCurve) -> str:
    ahead = [one for one in curve.per_class if one.stands_out]
    if ahead:
        first = ahead[0]
        text = _(
            "{label} would gain most: of its pictures {now:.2f} are recognised now, and {low:.2f} to {high:.2f} are"
            " expected with twice as many of every class."
        ).format(label=first.label, **_expected(first))
        if len(ahead) > 1:
            names = ", ".join(one.label for one in ahead[1:4])
            text += " " + ngettext(
                "Then: {names}.", "Then, among {count} that stand out: {names}.", len(ahead) - 1
            ).format(names=names, count=len(ahead))
        return text
    weakest = min(curve.per_class, key=lambda one: (one.recall.value, one.label))
    text = _("No class would surely gain more than the others.")
    if weakest.recall.value < 1:
        # All pictures are learned from once, so this is a whole number.
        right = round(weakest.recall.value * weakest.measured)
        text += " " + ngettext(
            "The least is recognised of {label}: {right} of {count} test picture.",
            "The least is recognised of {label}: {right} of {count} test pictures.",
            weakest.measured,
        ).format(label=weakest.label, right=right, count=weakest.measured)
    return text


def _expected(one: ClassGain) -> dict[str, float]:
    now = one.recall.value
    return {"now": now, "low": max(now + one.gain.low, 0), "high": _below_one(min(now + one.gain.high, 1))}


def _below_one(share: float) -> float:
    """Return the share so that two decimals do not write 1 for what is below it."""
    return share if share == 1 else min(share, 0.994)


def curve_plot(curve: DataSizeCurve, *, key: str) -> Markup:
    """Return the curve as inline SVG: each subset a dot, the expected accuracy a line, its interval a band.

    Args:
        key: unique in the page.
    """
    import matplotlib.style
    from matplotlib.figure import Figure
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    with matplotlib.style.context(["default", PLOT_STYLE]):
        figure = Figure(figsize=(7.6, 3.6))
        # Fixed margins: a layout that measures text would depend on the fonts of the machine.
        axes = figure.add_axes((0.06, 0.1, 0.92, 0.87))
        axes.set_xscale("log")
        places = [place.pictures for place in curve.curve]
        low, middle, high = (
            [100 * getattr(place.accuracy, name) for place in curve.curve] for name in ("low", "value", "high")
        )
        now = curve.now.pictures
        axes.fill_between(places, low, high, color=_ACCENT, alpha=0.16, linewidth=0)
        inside = sum(place <= now for place in places)
        axes.plot(places[: inside + 1], middle[: inside + 1], color=_ACCENT, linewidth=1.8)
        axes.plot(places[inside:], middle[inside:], color=_ACCENT, linewidth=1.8, linestyle=(0, (4, 1.6)))
        for point in curve.points:
            count = len(point.accuracies)
            dots = [100 * value for value in point.accuracies]
            axes.plot([point.pictures] * count, dots, linestyle="", marker="o", markersize=4, color=_INK)
        axes.axvline(now, color=_INK, linewidth=0.8)
        ticks = sorted({*(point.pictures for point in curve.points), *(one.pictures for one in curve.forecasts)})
        axes.xaxis.set_major_locator(FixedLocator(_apart(ticks, now)))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _place: words.count(value)))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.locator_params(axis="y", nbins=6)
        axes.set_xlim(places[0] / 1.05, places[-1] * 1.05)
        label = _("Accuracy against the number of training pictures, per cent")
        return themed(figure, label, key)


def _apart(ticks: list[int], keep: int) -> list[int]:
    """Return the ticks that do not crowd each other on a logarithmic axis; ``keep`` and the last always stay."""
    kept = [keep]
    for tick in sorted(ticks, key=lambda one: (one != ticks[-1], one)):
        if all(abs(math.log(tick / other)) > 0.2 for other in kept):
            kept.append(tick)
    return sorted(kept)


def _class_row(one: ClassGain) -> tuple[str, str, str, str, str, bool]:
    return (
        one.label,
        words.count(one.pictures),
        f"{one.recall.value:.2f}",
        f"{one.recall.low:.2f} – {one.recall.high:.2f} ({words.count(one.measured)})",
        f"{100 * one.gain.value:+.1f} ({100 * one.gain.low:+.1f} – {100 * one.gain.high:+.1f})",
        one.stands_out,
    )


def _share(value: float) -> str:
    return words.percent(value)


def _with_span(interval: Interval) -> str:
    return f"{words.percent(interval.value)} ({words.percent(interval.low)} – {words.percent(interval.high)})"
