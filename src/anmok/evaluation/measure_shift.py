"""Measures a domain shift: pictures against what a bundle remembers of those that it was made from.

Everything is compared within a class and then averaged, so that a source with other shares of the classes is not
called shifted for that. Only what is beyond chance and large enough to matter is told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anmok.bundle.info import Measured
from anmok.bundle.origin import QUANTILES, Origin, Spread
from anmok.evaluation.results import Evaluation
from anmok.evaluation.shift import DISTANCE, ClassShift, FormatShift, MeasureShift, Shift
from anmok.metrics import rate_interval
from anmok.metrics.corrections import holm
from anmok.records import Interval

Floats = NDArray[np.float64]

#: Chance of any false alarm where nothing is different: among the measures; among the classes, and of them together.
ALPHA_MEASURES, ALPHA_CLASSES = 0.02, 0.015
#: A measure matters from here on: in so many of 100 pairs a new picture lies on the one side of an old one (50: no
#: difference; 64: half a standard deviation, Cohen's middling effect).
MATTERS = 0.64
#: File formats matter where this share of the pictures has another one.
FORMAT_MATTERS = 0.2
#: A class suffers where it loses at least this much recall, and all together where they lose this much.
CLASS_MATTERS, ALL_MATTER = 0.05, 0.02
#: With fewer pictures nothing is concluded.
FEWEST = 10


@dataclass(frozen=True, eq=False)
class Seen:
    """The pictures of now: rows of the bundle's classes that could be read.

    Attributes:
        paths: N. labels: (N,) class numbers of the bundle.
        measures: by name (N,), the names of the origin's measures.
        formats: N names.
        distances: (N,) of embeddings to the remembered ones; None where the bundle remembers none.
    """

    paths: tuple[str, ...]
    labels: NDArray[np.int64]
    measures: Mapping[str, Floats]
    formats: tuple[str, ...]
    distances: Floats | None = None


def compare_with_origin(origin: Origin, measured: Measured | None, seen: Seen, evaluation: Evaluation) -> Shift | None:
    """Return what is different about the pictures that were seen; None where there are too few to tell.

    Args:
        origin, measured: of the bundle.
        evaluation: of these pictures, classes in the bundle's order.
    """
    if len(seen.paths) < FEWEST:
        return None
    values = {name: (origin.measures[name], seen.measures[name]) for name in origin.measures if name in seen.measures}
    if seen.distances is not None and origin.distances:
        values[DISTANCE] = (origin.distances, seen.distances)
    measures = [
        found
        for name, (spreads, now) in values.items()
        if (found := _measure(name, spreads, now, seen.labels, tests=len(values))) is not None
    ]
    classes, before, now, worse = _classes(measured, evaluation)
    order = np.argsort(seen.distances, kind="stable") if seen.distances is not None else np.zeros(0, dtype=np.int64)
    return Shift(
        pictures=len(seen.paths),
        measures=tuple(sorted(measures, key=lambda one: (not one.matters, -abs(one.above - 0.5)))),
        formats=_formats(origin.formats, seen.formats),
        before=before,
        now=now,
        worse=worse,
        classes=classes,
        nearest=tuple(seen.paths[row] for row in order[:6]),
        farthest=tuple(seen.paths[row] for row in order[::-1][:6]),
    )


def _measure(
    name: str, spreads: Sequence[Spread], values: Floats, labels: NDArray[np.int64], *, tests: int
) -> MeasureShift | None:
    """Compare one measure by the places of the new values among the old ones of their class (a rank-sum test).

    Under no difference a place is even between 0 and 1, so their mean is normal around a half with variance
    1/12 (1/n + 1/m) for n new and m old pictures of a class (Wilcoxon-Mann-Whitney).
    """
    of_class = labels if len(spreads) > 1 else np.zeros(len(labels), dtype=np.int64)
    known = np.isfinite(values) & np.array([spreads[number].pictures > 0 for number in of_class], dtype=bool)
    if known.sum() < FEWEST:
        return None
    values, of_class = values[known], of_class[known]
    places = np.empty(len(values))
    variance = 0.0
    for number in np.unique(of_class):
        rows = of_class == number
        places[rows] = spreads[number].places(values[rows])
        weight, old = rows.sum() / len(values), spreads[number].pictures
        variance += weight**2 / 12 * (1 / rows.sum() + 1 / old)
    above = float(places.mean())
    p = _two_sided((above - 0.5) / np.sqrt(variance))
    # A distance that became smaller is no strangeness: it is what pictures give that were learned from.
    effect = above if name == DISTANCE else max(above, 1 - above)
    return MeasureShift(
        measure=name,
        before=_five(spreads, of_class),
        now=tuple(float(value) for value in np.quantile(values, (0, 0.25, 0.5, 0.75, 1))),
        above=above,
        p=p,
        matters=bool(p < ALPHA_MEASURES / tests and effect >= MATTERS),
    )


def _five(spreads: Sequence[Spread], of_class: NDArray[np.int64]) -> tuple[float, ...]:
    """Return minimum, quartiles and maximum of old pictures, the classes weighted as they are among the new ones."""
    # Twenty values for each class, at even places between its quantiles, weighted.
    places = (np.arange(20) + 0.5) / 20
    numbers, counts = np.unique(of_class, return_counts=True)
    steps = np.linspace(0, 1, QUANTILES)
    values = np.concatenate([np.interp(places, steps, spreads[number].quantiles) for number in numbers])
    weights = np.repeat(counts / counts.sum() / 20, 20)
    order = np.argsort(values)
    below = np.cumsum(weights[order]) - weights[order] / 2
    middle = np.interp((0.25, 0.5, 0.75), below, values[order])
    ends = [spreads[number].quantiles for number in numbers]
    return (min(one[0] for one in ends), *(float(value) for value in middle), max(one[-1] for one in ends))


def _formats(before: Mapping[str, int], now: Sequence[str]) -> tuple[FormatShift, ...]:
    """Return the formats whose shares changed, where in all enough pictures have another one (total variation)."""
    old = sum(before.values())
    if not old or not now:
        return ()
    names = sorted({*before, *now})
    shares = [FormatShift(name, before.get(name, 0) / old, now.count(name) / len(now)) for name in names]
    changed = sum(abs(one.now - one.before) for one in shares) / 2
    # The distance of two samples of one kind is about this large at most, so that few pictures raise no alarm.
    chance = 2 * np.sqrt(len(names) / 4 * (1 / old + 1 / len(now)))
    if changed < max(FORMAT_MATTERS, chance):
        return ()
    return tuple(sorted((one for one in shares if one.now != one.before), key=lambda one: -abs(one.now - one.before)))


def _classes(
    measured: Measured | None, evaluation: Evaluation
) -> tuple[tuple[ClassShift, ...], Interval | None, Interval | None, bool]:
    """Compare each class's recall with the bundle's own by Fisher's exact test, one-sided, with Holm's correction.

    And the mean recall of the classes that were measured both times, by the normal distribution of its variance.
    """
    if measured is None or not measured.of_class:
        return (), None, None, False
    now_right = np.array([row[number] for number, row in enumerate(evaluation.confusion)], dtype=np.float64)
    now_count = np.array([sum(row) for row in evaluation.confusion], dtype=np.float64)
    old_right, old_count = (np.array(counts, dtype=np.float64) for counts in (measured.recognised, measured.of_class))
    both = np.flatnonzero((now_count > 0) & (old_count > 0))
    if not len(both):
        return (), None, None, False
    p = np.array([_fisher(now_right[k], now_count[k], old_right[k], old_count[k]) for k in both])
    corrected = holm(p)
    found = []
    for at, number in enumerate(both.tolist()):
        before, now = _rate(old_right[number], old_count[number]), _rate(now_right[number], now_count[number])
        suffers = bool(corrected[at] < ALPHA_CLASSES and before.value - now.value >= CLASS_MATTERS)
        found.append(ClassShift(evaluation.classes[number], before, now, float(p[at]), suffers))
    before, old_variance = _mean_recall(old_right[both], old_count[both])
    now, new_variance = _mean_recall(now_right[both], now_count[both])
    z = (before.value - now.value) / np.sqrt(old_variance + new_variance)
    worse = bool(_two_sided(z) < 2 * ALPHA_CLASSES and before.value - now.value >= ALL_MATTER)
    found.sort(key=lambda one: (not one.suffers, one.now.value - one.before.value, one.label))
    return tuple(found), before, now, worse


def _mean_recall(right: Floats, count: Floats) -> tuple[Interval, float]:
    """Return the mean recall with its 95 % interval, and its variance, in which no class is quite certain."""
    rates = right / count
    shrunk = (right + 1) / (count + 2)
    variance = float((shrunk * (1 - shrunk) / count).sum() / len(count) ** 2)
    mean = float(rates.mean())
    low, high = rate_interval(mean * _worth(mean, variance), _worth(mean, variance))
    return Interval(mean, float(low), float(high)), variance


def _worth(rate: float, variance: float) -> float:
    """Return how many pictures a plain rate would have that is as uncertain."""
    return max(rate * (1 - rate), 0.01) / variance


def _rate(right: float, count: float) -> Interval:
    low, high = rate_interval(right, count)
    return Interval(float(right / count), float(low), float(high))


def _fisher(right: float, count: float, old_right: float, old_count: float) -> float:
    from scipy.stats import hypergeom

    # How likely are so few right ones now, with as many right in both together.
    return float(hypergeom.cdf(right, count + old_count, right + old_right, count))


def _two_sided(z: float) -> float:
    from scipy.special import ndtr

    return float(2 * ndtr(-abs(z)))
