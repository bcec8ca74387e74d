"""Which classes, and which splits, are unlike the others: a rule that is robust, and silent where chance could do it.

A group stands out *as a whole* in a measure where

- a picture of the group and one of the rest differ clearly more often in one direction than in the other: Cliff's delta
  (N. Cliff, Dominance statistics, Psychological Bulletin 114, 1993), which no single odd picture moves, is large -
  0.474 for a class, after J. Romano et al. (2006). Between splits, which a fair draw makes alike, a medium one of 0.33
  is enough;
- and it would still be so at the lower end of its 95 % interval, so that small groups must differ more;
- and, for classes, its median lies away from those of the other classes by more than twice their own spread (median
  absolute deviation, scaled to a standard deviation): where classes lie side by side in an even row, none stands out.

*A part* of a class stands out where more of its pictures lie beyond a bound that only 2.5 % of all others pass than six
times as many, again at the lower end of its 95 % interval, and five at least. That is how a few photos among
drawings show.

A *kind* (format, mode) stands out by the first rule, with "is of that kind" as the measure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anmok.data.manifest import Manifest
from anmok.explore.distributions import split_numbers
from anmok.explore.measures import Measure, known_measures
from anmok.explore.results import Among, Imbalance, StandOut, StandOutCode
from anmok.metrics import rate_interval

LARGE, MEDIUM = 0.474, 0.33
#: How many spreads of the other medians a class's median lies away from them.
APART = 2.0
#: Quantile of the others that a part passes, and the share of the group that must pass it.
RARE, PART = 0.025, 0.15
#: So few pictures are no part of a class; and a bound that 2.5 % pass wants 40 others to be seen at all.
FEWEST = 5
#: Half width of a 95 % interval in standard errors.
Z95 = 1.959964
#: A median absolute deviation times this is the standard deviation of a normal distribution.
MAD_TO_SIGMA = 1.4826


@dataclass(frozen=True, slots=True)
class Groups:
    """How pictures are divided.

    Attributes:
        among: into classes or into splits.
        names: of the groups.
        numbers: (N,) int64, the group of each picture; -1 where it is in none.
    """

    among: Among
    names: tuple[str, ...]
    numbers: NDArray[np.int64]


def find_stand_outs(manifest: Manifest) -> tuple[StandOut, ...]:
    """Return all that stands out: splits before classes, the clearest first.

    A measure that says what another one has said of the same group is left out (``Measure.follows``).
    """
    splits, split_of = split_numbers(manifest.table)
    both = (
        Groups("split", splits, split_of),
        Groups("class", manifest.classes, manifest.label_indices()),
    )
    measures = [measure for measure in known_measures(manifest.table) if measure.compared]
    columns = [(measure, measure.of(manifest.table)) for measure in measures]
    found: list[StandOut] = []
    for groups in both:
        if len(groups.names) < 2:
            continue
        of_groups = [one for measure, values in columns for one in _in_measure(measure, values, groups)]
        of_groups += _in_kinds(manifest, groups)
        found += sorted(_without_echoes(of_groups, measures), key=_order)
    return tuple(found)


def find_imbalance(counts: Sequence[tuple[str, int]]) -> tuple[Imbalance, ...]:
    """Return the largest and the smallest class that has pictures; nothing with fewer than two classes."""
    filled = [(label, count) for label, count in counts if count]
    if len(filled) < 2:
        return ()
    most, fewest = max(filled, key=lambda row: row[1]), min(filled, key=lambda row: row[1])
    return (Imbalance(largest=most[0], smallest=fewest[0], ratio=most[1] / fewest[1]),)


def cliffs_delta(
    values: NDArray[np.float64], numbers: NDArray[np.int64], groups: int
) -> tuple[NDArray[np.float64], ...]:
    """Return for each group Cliff's delta against all pictures of the other groups, and its standard error.

    From one ranking of all pictures: delta = 2 U / (n m) - 1 with Mann and Whitney's U.

    Args:
        values: (N,) float64, finite.
        numbers: (N,) int64, 0 to ``groups`` - 1.

    Returns:
        Two arrays float64 ``(groups,)``; the delta is -1 (all less) to 1 (all more), 0 where a group or its rest is
        empty. The standard error is that of two equal groups, the largest that it can be.
    """
    from scipy.stats import rankdata

    ranks = rankdata(values)
    own = np.bincount(numbers, minlength=groups).astype(np.float64)
    others = len(values) - own
    pairs = np.maximum(own * others, 1.0)
    wins = np.bincount(numbers, ranks, minlength=groups) - own * (own + 1) / 2
    delta = np.where(own * others > 0, 2 * wins / pairs - 1, 0.0)
    return delta, np.sqrt((len(values) + 1) / (3 * pairs))


@dataclass(frozen=True, slots=True)
class _Against:
    """The pictures of one group and those of all others, in one measure.

    ``own`` and ``others`` are sorted, so that their quantiles cost nothing; ``delta`` has its standard error.
    """

    measure: str
    groups: Groups
    number: int
    own: NDArray[np.float64]
    others: NDArray[np.float64]
    delta: float
    error: float

    def stand_out(self, code: StandOutCode, *, more: bool, others: float, share: float) -> StandOut:
        return StandOut(
            code=code,
            among=self.groups.among,
            group=self.groups.names[self.number],
            against=_against(self.groups, self.number),
            measure=self.measure,
            more=more,
            own=_quantile(self.own, 0.5),
            others=others,
            share=share,
            delta=self.delta,
        )


def _in_measure(measure: Measure, values: NDArray[np.float64], groups: Groups) -> Iterator[StandOut]:
    sound = np.flatnonzero(np.isfinite(values) & (groups.numbers >= 0))
    # Sorted once for all groups: what is taken out of it is sorted too.
    sound = sound[np.argsort(values[sound], kind="stable")]
    values, numbers = values[sound], groups.numbers[sound]
    if measure.logarithmic:
        values = np.maximum(values, np.finfo(np.float64).tiny)
    count = len(groups.names)
    delta, error = cliffs_delta(values, numbers, count)
    medians = _medians(values, numbers, count, logarithmic=measure.logarithmic)
    for number in _told(groups):
        mine = numbers == number
        if mine.any() and not mine.all():
            side = _Against(
                measure.name, groups, number, values[mine], values[~mine], float(delta[number]), float(error[number])
            )
            one = _whole(side, medians) or _part(side)
            if one is not None:
                yield one


def _told(groups: Groups) -> range:
    """Return the groups to look at. Of two, each is the rest of the other; the held-out split is told of, not train."""
    count = len(groups.names)
    if count > 2:
        return range(count)
    return range(1, 2) if groups.among == "split" else range(1)


def _medians(
    values: NDArray[np.float64], numbers: NDArray[np.int64], count: int, *, logarithmic: bool
) -> NDArray[np.float64]:
    medians = np.full(count, np.nan)
    for number in range(count):
        mine = values[numbers == number]
        if len(mine):
            middle = _quantile(mine, 0.5)
            medians[number] = np.log(middle) if logarithmic else middle
    return medians


def _whole(side: _Against, medians: NDArray[np.float64]) -> StandOut | None:
    of_classes = side.groups.among == "class"
    if abs(side.delta) - Z95 * side.error < (LARGE if of_classes else MEDIUM):
        return None
    if of_classes and len(medians) > 2 and not _apart(medians, side.number):
        return None
    more, middle = side.delta > 0, _quantile(side.others, 0.5)
    beyond = side.own > middle if more else side.own < middle
    return side.stand_out("whole", more=more, others=middle, share=float(beyond.mean()))


def _apart(medians: NDArray[np.float64], number: int) -> bool:
    """Tell whether a class's median lies outside of where those of the other classes lie."""
    others = np.delete(medians, number)
    others = others[np.isfinite(others)]
    middle = np.median(others)
    spread = MAD_TO_SIGMA * np.median(np.abs(others - middle))
    return bool(abs(medians[number] - middle) > APART * spread)


def _part(side: _Against) -> StandOut | None:
    if side.groups.among != "class" or len(side.others) * RARE < 1:
        return None
    low, high = _quantile(side.others, RARE), _quantile(side.others, 1 - RARE)
    below, above = int((side.own < low).sum()), int((side.own > high).sum())
    more, beyond = above >= below, max(above, below)
    least, _most = rate_interval(beyond, len(side.own))
    if beyond < FEWEST or float(least) < PART:
        return None
    return side.stand_out("part", more=more, others=high if more else low, share=beyond / len(side.own))


def _quantile(ordered: NDArray[np.float64], share: float) -> float:
    """Return a quantile of sorted values as ``np.quantile`` does, without going through all of them."""
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return float(ordered[below] + (place - below) * (ordered[above] - ordered[below]))


def _in_kinds(manifest: Manifest, groups: Groups) -> Iterator[StandOut]:
    inside = groups.numbers >= 0
    numbers = groups.numbers[inside]
    for column in ("format", "mode"):
        stored = manifest.table[column].to_numpy(dtype=object)[inside]
        values = sorted(set(stored))
        for value in values if len(values) > 1 else ():
            is_it = (stored == value).astype(np.float64)
            delta, error = cliffs_delta(is_it, numbers, len(groups.names))
            wanted = LARGE if groups.among == "class" else MEDIUM
            # A group that has more of it; where it has less, it has more of another.
            for number in np.flatnonzero(delta - Z95 * error >= wanted).tolist():
                mine = numbers == number
                yield StandOut(
                    code="kind",
                    among=groups.among,
                    group=groups.names[number],
                    against=_against(groups, number),
                    measure=column,
                    value=str(value),
                    more=True,
                    own=float(is_it[mine].mean()),
                    others=float(is_it[~mine].mean()),
                    share=float(is_it[mine].mean()),
                    delta=float(delta[number]),
                )


def _against(groups: Groups, number: int) -> str:
    return groups.names[1 - number] if len(groups.names) == 2 else ""


def _without_echoes(found: Sequence[StandOut], measures: Sequence[Measure]) -> list[StandOut]:
    """Leave out what follows from another measure in which the same group stands out."""
    follows = {measure.name: measure.follows for measure in measures}
    named = {(one.group, one.measure) for one in found}
    return [one for one in found if not any((one.group, before) in named for before in follows.get(one.measure, ()))]


def _order(one: StandOut) -> tuple[bool, float, str, str]:
    return one.code == "part", -(one.share if one.code == "part" else abs(one.delta)), one.group, one.measure
