"""The page of two hand-made features: three drawings of the same points with different boundaries, and their scores."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from markupsafe import Markup

from anmok.features.plane import GRID, Axis, Boundary, PairScore, Wiggliness
from anmok.i18n import _, use_language
from anmok.records import Interval
from anmok.report import explore_words, words
from anmok.report.page import render_page
from anmok.report.plots import PLOT_STYLE, themed

#: What each class is drawn with; the colours are those of the style sheet, in the same order.
MARKERS = ("o", "s", "^", "D", "v", "P")
_COLOURS = tuple(f"#0d0d0{number}" for number in range(len(MARKERS)))
#: From so much more accuracy on training than on test pictures on, a boundary has learnt by heart.
BY_HEART = 0.10


@dataclass(frozen=True, slots=True)
class Point:
    """One picture: where it lies, the number of its class, and whether it is a test picture."""

    x: float
    y: float
    label: int
    test: bool


@dataclass(frozen=True, kw_only=True)
class Features2d:
    """All that the page shows.

    Attributes:
        source, location, content_hash: of the manifest.
        x, y: the two measures. Logarithmic ones stand as logarithms (base 10), here and in ``points``.
        classes: in the order of all numbers. train, test: pictures of each; ``train`` counts validation pictures too.
        points: a sample of the pictures. boundaries: straight, moderate, wiggly.
        guessing: accuracy on test pictures of always answering the largest class, 0-1.
        pairs: measures that tell the classes apart best, on training pictures.
        chosen: the measures were chosen by that.
        notes: sentences on how the pictures were chosen and divided.
    """

    source: str
    location: str
    content_hash: str
    x: Axis
    y: Axis
    classes: tuple[str, ...]
    train: tuple[int, ...]
    test: tuple[int, ...]
    points: tuple[Point, ...]
    boundaries: tuple[Boundary, ...]
    guessing: float
    pairs: tuple[PairScore, ...]
    chosen: bool
    notes: tuple[str, ...]
    seed: int
    command: str
    created: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """One boundary on the page."""

    title: str
    method: str
    svg: Markup
    train: str
    train_span: str
    test: str
    test_span: str


def render_features2d(found: Features2d, path: Path, *, language: str) -> Path:
    """Draw ``found`` as a self-contained HTML file and return its path.

    Raises:
        StorageError: the file could not be written.
    """
    with use_language(language):
        titles = [axis_title(axis.measure) for axis in (found.x, found.y)]
        drawings = [_drawing(found, one, " × ".join(titles)) for one in found.boundaries]
        values: dict[str, object] = {
            "found": found,
            "titles": titles,
            "meanings": [_meaning(axis.measure) for axis in (found.x, found.y)],
            "drawings": drawings,
            "seen": what_one_sees(found),
            "markers": [_marker(number) for number in range(len(found.classes))],
            "pairs": [(axis_title(one.x), axis_title(one.y), words.percent(one.accuracy)) for one in found.pairs],
            "drawn": len(found.points),
            "all": sum(found.train) + sum(found.test),
        }
    return render_page("features2d.html", path, language=language, values=values, styles=("features2d.css",))


def kind_title(kind: Wiggliness) -> str:
    """Return what a boundary is called."""
    return {"straight": _("Straight"), "moderate": _("Moderate"), "wiggly": _("Wiggly")}[kind]


def _method(kind: Wiggliness) -> str:
    return {
        "straight": _("logistic regression"),
        "moderate": _("logistic regression on powers up to 3, strength by cross-validation"),
        "wiggly": _("1 nearest neighbour"),
    }[kind]


def what_one_sees(found: Features2d) -> tuple[str, ...]:
    """Return in sentences what the three boundaries teach, in the language of the moment."""
    by_kind = {one.kind: one for one in found.boundaries}
    straight, moderate, wiggly = (by_kind[kind] for kind in ("straight", "moderate", "wiggly"))
    sentences = []
    values = {"train": f"{wiggly.train.value:.2f}", "test": f"{wiggly.test.value:.2f}"}
    if wiggly.train.value - wiggly.test.value > BY_HEART:
        sentences.append(
            _(
                "The wiggly boundary knows its training pictures by heart: {train} of them right, but only {test} of"
                " the test pictures, which it never saw. That is overfitting."
            ).format(**values)
        )
    else:
        sentences.append(
            _(
                "Even the wiggly boundary does about as well on test pictures ({test}) as on training pictures"
                " ({train}): these classes lie far apart."
            ).format(**values)
        )
    simple = max((straight, moderate), key=lambda one: one.test.value)
    values = {
        "kind": kind_title(simple.kind).lower(),
        "train": f"{simple.train.value:.2f}",
        "test": f"{simple.test.value:.2f}",
    }
    if simple.test.value > wiggly.test.value:
        sentences.append(
            _(
                "The {kind} one makes more mistakes on training pictures ({train}) and fewer on test pictures ({test}):"
                " a simpler boundary is often the better one."
            ).format(**values)
            if simple.train.value < wiggly.train.value
            else _("The {kind} one does better on test pictures ({test}).").format(**values)
        )
    best = max(found.boundaries, key=lambda one: one.test.value)
    if best.test.low <= found.guessing:
        text = (
            _(
                "These two numbers say little about the classes: always answering the largest class would be right on"
                " {guessing:.2f} of the test pictures. Try a network."
            )
            if found.chosen
            else _(
                "These two numbers say little about the classes: always answering the largest class would be right on"
                " {guessing:.2f} of the test pictures. Try --x auto --y auto, or a network."
            )
        )
        sentences.append(text.format(guessing=found.guessing))
    elif rivals := [
        kind_title(one.kind).lower() for one in found.boundaries if one is not best and _overlap(one, best)
    ]:
        sentences.append(
            _(
                "On {count} test pictures the {best} boundary cannot be told apart from others ({rivals}): their"
                " intervals overlap."
            ).format(count=sum(found.test), best=kind_title(best.kind).lower(), rivals=", ".join(rivals))
        )
    return tuple(sentences)


def _overlap(first: Boundary, second: Boundary) -> bool:
    return first.test.overlaps(second.test)


def axis_title(measure: str) -> str:
    """Return what a measure is called, in the language of the moment."""
    channels = {"mean_r": _("Mean of red"), "mean_g": _("Mean of green"), "mean_b": _("Mean of blue")}
    return channels.get(measure) or explore_words.measure_title(measure)


def _meaning(measure: str) -> str:
    if measure in ("mean_r", "mean_g", "mean_b"):
        return _("Mean of one channel, 0 – 255.")
    return explore_words.measure_meaning(measure)


def _drawing(found: Features2d, boundary: Boundary, label: str) -> Drawing:
    def shares(interval: Interval) -> tuple[str, str]:
        return f"{interval.value:.2f}", f"{interval.low:.2f} – {interval.high:.2f}"

    title = kind_title(boundary.kind)
    svg = _plot(found, boundary, f"{title}: {label}")
    return Drawing(title, _method(boundary.kind), svg, *shares(boundary.train), *shares(boundary.test))


def _plot(found: Features2d, boundary: Boundary, label: str) -> Markup:
    import matplotlib.style
    from matplotlib.figure import Figure
    from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

    regions = np.array([[int(digit) for digit in row] for row in boundary.regions])
    with matplotlib.style.context(["default", PLOT_STYLE]):
        figure = Figure(figsize=(4.0, 3.5))
        axes = figure.add_axes((0.15, 0.09, 0.84, 0.89))
        axes.grid(visible=False)
        x, y = (np.linspace(axis.low, axis.high, GRID) for axis in (found.x, found.y))
        for number, colour in enumerate(_COLOURS[: len(found.classes)]):
            if (regions == number).any():
                axes.contourf(x, y, (regions == number).astype(float), levels=[0.5, 1.5], colors=[colour], alpha=0.22)
            for test in (False, True):
                points = [(p.x, p.y) for p in found.points if p.label == number and p.test == test]
                if points:
                    axes.plot(
                        *zip(*points, strict=True),
                        linestyle="",
                        marker=MARKERS[number],
                        markersize=4.2 if test else 3.4,
                        markerfacecolor="none" if test else colour,
                        markeredgecolor=colour,
                        markeredgewidth=1.0 if test else 0,
                    )
        axes.set_xlim(found.x.low, found.x.high)
        axes.set_ylim(found.y.low, found.y.high)
        for axis, its in ((axes.xaxis, found.x), (axes.yaxis, found.y)):
            if its.logarithmic:
                axis.set_major_locator(FixedLocator(_round_places(its)))
                axis.set_major_formatter(FuncFormatter(lambda value, _place: words.decimal(10**value)))
            else:
                axis.set_major_locator(MaxNLocator(5))
        return _coloured(themed(figure, label, f"plane-{boundary.kind}"))


def _round_places(axis: Axis) -> list[float]:
    """Return where 1, 2 or 5 times a power of ten stand on a logarithmic axis, five or so of them."""
    powers = range(math.floor(axis.low), math.ceil(axis.high) + 1)
    places = [power + math.log10(step) for power in powers for step in (1, 1.5, 2, 3, 5, 7)]
    inside = [place for place in places if axis.low <= place <= axis.high]
    return inside[:: max(1, round(len(inside) / 5))]


def _coloured(svg: Markup) -> Markup:
    text = str(svg)
    for number, colour in enumerate(_COLOURS):
        text = text.replace(colour, f"var(--k{number})")
    return Markup(text)  # noqa: S704 - numbers of our own drawing, escaped by ``themed``


def _marker(number: int) -> Markup:
    """Return the sign of a class for the legend, filled and hollow."""
    shapes = (
        '<circle cx="6" cy="6" r="4"/>',
        '<rect x="2" y="2" width="8" height="8"/>',
        '<path d="M6 1.5 10.5 10 1.5 10Z"/>',
        '<path d="M6 1 11 6 6 11 1 6Z"/>',
        '<path d="M6 10.5 10.5 2 1.5 2Z"/>',
        '<path d="M4.5 1.5h3v3h3v3h-3v3h-3v-3h-3v-3h3Z"/>',
    )
    return Markup('<svg class="sign k{}" viewBox="0 0 12 12" aria-hidden="true">{}</svg>').format(
        number,
        Markup(shapes[number]),  # noqa: S704 - one of the texts above
    )
