"""Distributions ready to be drawn: a row for each class, a column for each measure, small shapes on one common axis."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from anmok.explore.results import Distribution, Exploration, Measured, StandOut
from anmok.i18n import _
from anmok.report import explore_words, words

#: Size of a small shape in its own units; the page stretches it.
WIDE, HIGH = 96, 20


@dataclass(frozen=True, slots=True)
class Column:
    """One measure: title, unit, what it says, and the ends of its axis as text."""

    title: str
    unit: str
    meaning: str
    low: str
    high: str


@dataclass(frozen=True, slots=True)
class Cell:
    """One distribution.

    Attributes:
        text: its median; sort: the same as a number.
        about: the five numbers in words.
        shape: outline of the histogram, SVG path data; ``""`` without pictures.
        middle: place of the median on the axis, in the shape's units.
        marked: the group stands out in this measure.
    """

    text: str
    sort: float
    about: str
    shape: str
    middle: float
    marked: bool


@dataclass(frozen=True, slots=True)
class Row:
    """All distributions of one group of pictures."""

    label: str
    count: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Distributions:
    """What the tables of distributions show; classes that stand out come first."""

    columns: tuple[Column, ...]
    whole: Row
    classes: tuple[Row, ...]
    splits: tuple[Row, ...]


def build(found: Exploration) -> Distributions:
    """Return the values of both tables."""
    marked = {(one.among, one.group, one.measure) for one in found.stand_outs}
    order = class_order(found)
    columns = tuple(_column(measured) for measured in found.measured)
    of_class = [{one.group: one for one in measured.classes} for measured in found.measured]
    of_split = [{one.group: one for one in measured.splits} for measured in found.measured]
    totals = totals_of(found.counts)
    return Distributions(
        columns=columns,
        whole=_row("", found.pictures, found.measured, [measured.whole for measured in found.measured], frozenset()),
        classes=tuple(
            _row(
                label,
                totals.get(label, 0),
                found.measured,
                [column.get(label) for column in of_class],
                {measure for among, group, measure in marked if (among, group) == ("class", label)},
            )
            for label in order
        ),
        splits=tuple(
            _row(
                words.split_title(split),
                sum(found.counts[split].values()),
                found.measured,
                [column.get(split) for column in of_split],
                {measure for among, group, measure in marked if (among, group) == ("split", split)},
            )
            for split in found.splits
        ),
    )


def class_order(found: Exploration) -> tuple[str, ...]:
    """Return the classes, those that stand out first, the clearest before the others."""
    place: dict[str, int] = {}
    for one in found.stand_outs:
        if one.among == "class":
            place.setdefault(one.group, len(place))
    return tuple(sorted(found.classes, key=lambda label: place.get(label, len(place))))


def totals_of(counts: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    """Return pictures by class, all splits together."""
    totals: dict[str, int] = {}
    for of_split in counts.values():
        for label, count in of_split.items():
            totals[label] = totals.get(label, 0) + count
    return totals


def _column(measured: Measured) -> Column:
    name = measured.measure
    return Column(
        title=explore_words.measure_title(name),
        unit=explore_words.measure_unit(name),
        meaning=explore_words.measure_meaning(name),
        low=explore_words.measure_figure(name, measured.low),
        high=explore_words.measure_figure(name, measured.high),
    )


def _row(
    label: str,
    count: int,
    measured: Sequence[Measured],
    distributions: Sequence[Distribution | None],
    marked: frozenset[str] | set[str],
) -> Row:
    cells = tuple(
        _cell(of_measure, distribution, marked=of_measure.measure in marked)
        for of_measure, distribution in zip(measured, distributions, strict=True)
    )
    return Row(label, count, cells)


def _cell(measured: Measured, distribution: Distribution | None, *, marked: bool) -> Cell:
    if distribution is None or not distribution.count:
        return Cell(words.MISSING, -math.inf, "", "", 0.0, marked)
    figures = [explore_words.measure_figure(measured.measure, value) for value in distribution.quantiles]
    least, lower, middle, upper, most = figures
    about = _("median {middle}; half lie in {lower} – {upper}, all in {least} – {most}")
    return Cell(
        text=middle,
        sort=distribution.quantiles[2],
        about=about.format(middle=middle, lower=lower, upper=upper, least=least, most=most),
        shape=outline(distribution.histogram),
        middle=round(place_on_axis(measured, distribution.quantiles[2]) * WIDE, 1),
        marked=marked,
    )


def place_on_axis(measured: Measured, value: float) -> float:
    """Return where a value stands on the axis of its measure, 0-1."""
    low, high = measured.low, measured.high
    if measured.logarithmic:
        value, low, high = (math.log(max(number, 1e-300)) for number in (value, low, high))
    return min(1.0, max(0.0, (value - low) / (high - low)))


def outline(histogram: Sequence[float]) -> str:
    """Return a histogram as SVG path data: an area ``WIDE`` by ``HIGH`` whose highest bin touches the top."""
    top = max(histogram, default=0.0)
    if top <= 0:
        return ""
    step = WIDE / len(histogram)
    steps: list[tuple[int, str]] = []
    for number, share in enumerate(histogram):
        height = f"V{HIGH - share / top * HIGH:.1f}".replace(".0", "")
        if not steps or height != steps[-1][1]:
            steps.append((number, height))
    # Runs of equal bins are one step of the outline, so that empty ends cost nothing.
    ends = [number for number, _height in steps[1:]] + [len(histogram)]
    return (
        f"M0 {HIGH}"
        + "".join(f"{height}H{end * step:g}" for (_number, height), end in zip(steps, ends, strict=True))
        + f"V{HIGH}Z"
    )


@dataclass(frozen=True, slots=True)
class KindRow:
    """Pictures stored alike: format, mode, count, share of all in per cent, and classes that have most of them."""

    format: str
    mode: str
    count: int
    share: str
    classes: tuple[tuple[str, int], ...]
    more: int


#: Classes that are named beside a kind.
NAMED = 4


def build_kinds(found: Exploration) -> tuple[KindRow, ...]:
    """Return how pictures are stored."""
    rows = []
    for kind in found.kinds:
        by_count = sorted(kind.classes.items(), key=lambda row: -row[1])
        rows.append(
            KindRow(
                format=kind.format,
                mode=kind.mode,
                count=kind.count,
                share=words.percent(kind.count / max(1, found.pictures)),
                classes=tuple(by_count[:NAMED]),
                more=max(0, len(by_count) - NAMED),
            )
        )
    return tuple(rows)


def build_told(found: Exploration) -> tuple[tuple[StandOut, ...], ...]:
    """Return what stands out, groups that do so alike together, in the order in which it was found."""
    alike: dict[tuple[str, ...], list[StandOut]] = {}
    for one in found.stand_outs:
        key = (one.among, one.code, one.measure, one.value, str(one.more))
        alike.setdefault(key, []).append(one)
    return tuple(tuple(told) for told in alike.values())
