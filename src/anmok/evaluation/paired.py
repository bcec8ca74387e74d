"""Every two models of a comparison on the same test pictures: which figures differ, and is that more than chance?

Accuracy is judged by McNemar's exact test, the other figures by the paired bootstrap. For each figure the p-values of
all pairs are corrected together (Holm): with six pairs of equal models, one in four comparisons would else find a
"difference" at 5 %. The figures of one pair say nearly the same thing, so they are not corrected for each other.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from anmok import metrics
from anmok.evaluation.pair_results import ALPHA, Difference, Pair
from anmok.evaluation.results import ModelResult
from anmok.metrics import PairedDifference
from anmok.training.predictions import Predictions

#: Where more test pictures than these would be needed, nobody will label them, and the difference does not matter.
MOST_PICTURES = 100_000


@dataclass(frozen=True, slots=True)
class _Counts:
    """Pictures of two models; ``differences`` by metric, not corrected yet."""

    first: str
    second: str
    pictures: int
    only_first: int
    only_second: int
    both_wrong: int
    differences: Mapping[str, PairedDifference]


def compare_pairs(names: Sequence[str], answers: Mapping[str, Predictions], *, seed: int = 0) -> tuple[Pair, ...]:
    """Compare every two models by their answers for the test pictures that all of them answered for.

    Args:
        names: of the models, the best first.
        answers: by name of the model, each with the same classes in the same order; paths do not come twice.
        seed: of the resampling.

    Returns:
        one pair for every two models, in the order of ``names``; none where they have no picture in common.
    """
    y_true, probabilities = _common([answers[name] for name in names])
    if len(names) < 2 or not len(y_true):
        return ()
    right = [rows.argmax(axis=1) == y_true for rows in probabilities]
    resampled = metrics.paired_differences(y_true, probabilities, seed=seed)
    found = []
    for first, second in combinations(range(len(names)), 2):
        only_first = int((right[first] & ~right[second]).sum())
        only_second = int((right[second] & ~right[first]).sum())
        found.append(
            _Counts(
                names[first],
                names[second],
                len(y_true),
                only_first,
                only_second,
                int((~right[first] & ~right[second]).sum()),
                {"accuracy": _accuracy(only_first, only_second, len(y_true)), **resampled[first, second]},
            )
        )
    return _corrected(found)


def pairs_of_mistakes(ranked: Sequence[ModelResult]) -> tuple[Pair, ...]:
    """Compare every two models by the pictures that they got wrong: all that an older Anmok stored.

    Pairs of models that saw different pictures are left out.
    """
    found = []
    for first, second in combinations(ranked, 2):
        if not same_pictures(first, second):
            continue
        wrong_first, wrong_second = ({mistake.path for mistake in one.evaluation.mistakes} for one in (first, second))
        only_first, only_second = len(wrong_second - wrong_first), len(wrong_first - wrong_second)
        pictures = first.evaluation.pictures
        found.append(
            _Counts(
                first.name,
                second.name,
                pictures,
                only_first,
                only_second,
                len(wrong_first & wrong_second),
                {"accuracy": _accuracy(only_first, only_second, pictures)},
            )
        )
    return _corrected(found)


def find_pair(pairs: Sequence[Pair], first: str, second: str) -> Pair | None:
    """Return the pair of these two models, in this order; None if they were not compared."""
    return next((pair for pair in pairs if (pair.first, pair.second) == (first, second)), None)


def most_lost(pair: Pair) -> float:
    """Return how much less accurate the second may be, 0-1, at the end of the 95 % interval that is worse for it."""
    judged = [pair.differences[name].high for name in ("accuracy", "balanced_accuracy") if name in pair.differences]
    return max([0.0, *judged])


def same_pictures(first: ModelResult, second: ModelResult) -> bool:
    """Tell whether two models of one comparison were measured on the same pictures, as far as is stored."""
    # Paths of right answers are not kept; the same counts per class without the same unreadable ones cannot
    # come about inside one comparison.
    one, other = first.evaluation, second.evaluation
    return (
        one.classes == other.classes
        and [score.support for score in one.per_class] == [score.support for score in other.per_class]
        and set(one.unreadable) == set(other.unreadable)
    )


def _common(answers: Sequence[Predictions]) -> tuple[NDArray[np.int64], list[NDArray[np.float32]]]:
    """Return the labels ``(N,)`` of the pictures that all answered for, and for each its ``(N, C)`` probabilities.

    A picture whose label changed in between is none of them.
    """
    rows = [{(path, int(one.labels[row])): row for row, path in enumerate(one.paths)} for one in answers]
    common = [picture for picture in (rows[0] if rows else ()) if all(picture in places for places in rows)]
    if not common:
        return np.zeros(0, dtype=np.int64), []
    chosen = [np.array([places[picture] for picture in common], dtype=np.int64) for places in rows]
    probabilities = [one.probabilities[numbers] for one, numbers in zip(answers, chosen, strict=True)]
    return answers[0].labels[chosen[0]], probabilities


def _accuracy(only_first: int, only_second: int, pictures: int) -> PairedDifference:
    interval = metrics.accuracy_difference(only_first, only_second, pictures)
    return PairedDifference(interval, metrics.mcnemar(only_first, only_second))


def _corrected(found: Sequence[_Counts]) -> tuple[Pair, ...]:
    """Correct the p-values of each metric for the number of pairs, and say how many pictures are missing."""
    p_holm: dict[str, dict[int, float]] = {}
    for metric in {name for one in found for name in one.differences}:
        numbers = [number for number, one in enumerate(found) if metric in one.differences]
        corrected = metrics.holm([found[number].differences[metric].p for number in numbers])
        p_holm[metric] = dict(zip(numbers, corrected.tolist(), strict=True))
    return tuple(
        Pair(
            first=one.first,
            second=one.second,
            pictures=one.pictures,
            only_first=one.only_first,
            only_second=one.only_second,
            both_wrong=one.both_wrong,
            differences={
                name: Difference(
                    difference.interval.value,
                    difference.interval.low,
                    difference.interval.high,
                    difference.p,
                    p_holm[name][number],
                )
                for name, difference in one.differences.items()
            },
            more_pictures=0
            if p_holm["accuracy"][number] < ALPHA
            else _more_pictures(one.only_first, one.only_second, one.pictures, ALPHA / len(found)),
        )
        for number, one in enumerate(found)
    )


def _more_pictures(only_first: int, only_second: int, pictures: int, alpha: float) -> int | None:
    needed = metrics.pictures_needed(only_first, only_second, pictures, alpha=alpha)
    if not math.isfinite(needed) or needed > MOST_PICTURES:
        return None
    return round_up(max(1, int(needed) - pictures))


def round_up(number: int) -> int:
    """Return the number with two digits that count: an estimate of pictures is no better than that."""
    step: int = 10 ** max(0, len(str(number)) - 2)
    return int(step * math.ceil(number / step))
