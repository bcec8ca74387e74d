"""From which probability on an answer is right as often as wanted: one threshold a class, and one for all answers.

An answer is *accepted* if its probability is at least the threshold. The threshold is chosen on pictures that the model
did not learn from and that are no test pictures: the lowest one for which the lower limit of the 95 % interval of the
precision is not below the precision that is wanted. So a class with few such pictures gets none, however right its
answers were: of 72 answers, all right, the limit is 0.949.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anmok import metrics
from anmok.metrics.intervals import Z
from anmok.records import Interval

#: What is wanted where nobody says.
PRECISION = 0.95


@dataclass(frozen=True, slots=True)
class Accepted:
    """The answers of one class that are accepted at a threshold.

    Attributes:
        answers: how many are accepted.
        precision: share of right ones among them; None where none is accepted.
        recall: share of the class's pictures that are accepted and right; None where it has no picture.
    """

    answers: int
    precision: Interval | None
    recall: Interval | None


@dataclass(frozen=True, slots=True)
class Threshold:
    """Where the answers of a class are right often enough.

    Attributes:
        label: the class; "" for all answers together.
        threshold: 0-1, accepted from here on; 0 accepts all; None: no threshold reaches the precision.
        chosen_on: at the threshold, on the pictures that it was chosen on; None without threshold.
        test: at the threshold, on test pictures; None without threshold.
    """

    label: str
    threshold: float | None
    chosen_on: Accepted | None = None
    test: Accepted | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """Thresholds for a wanted precision.

    Attributes:
        precision: that is wanted, 0-1.
        pictures: how many they were chosen on.
        overall: one threshold for all answers, whatever the class.
        per_class: in the order of the classes.
    """

    precision: float
    pictures: int
    overall: Threshold
    per_class: tuple[Threshold, ...]


@dataclass(frozen=True, slots=True)
class Answers:
    """Labelled answers.

    Attributes:
        y_true: int ``(N,)``. probabilities: ``(N, C)``, after temperature.
    """

    y_true: NDArray[np.integer[Any]]
    probabilities: NDArray[np.floating[Any]]


def choose_thresholds(
    classes: Sequence[str], known: Answers, test: Answers, *, precision: float = PRECISION, lower_limit: bool = True
) -> Thresholds:
    """Choose thresholds on ``known`` and measure them on ``test``.

    Args:
        known: pictures that the model did not learn from, none of them in ``test``.
        precision: wanted, above 0 and below 1.
        lower_limit: demand it of the lower limit of the 95 % interval. If not, of the measured precision itself, which
            the true one falls short of about every second time.

    Raises:
        ValueError: the precision is no share, or arrays do not fit.
    """
    if not 0 < precision < 1:
        raise ValueError(f"the precision {precision} is wanted; above 0 and below 1 is possible")
    parts = [None, *range(len(classes))]
    found = []
    for part in parts:
        stated, right, _pictures = _answers_of(known, part)
        threshold = find_threshold(stated, right, precision=precision, lower_limit=lower_limit)
        label = "" if part is None else classes[part]
        if threshold is None:
            found.append(Threshold(label, None))
        else:
            found.append(Threshold(label, threshold, accept(known, threshold, part), accept(test, threshold, part)))
    return Thresholds(precision=precision, pictures=len(known.y_true), overall=found[0], per_class=tuple(found[1:]))


def fewest_answers(precision: float) -> int:
    """Return how many answers, all right, it takes until the lower limit of their precision is not below this one."""
    # Of n out of n that limit is n / (n + Z^2).
    return max(1, math.ceil(precision / (1 - precision) * Z**2 - 1e-9))


def find_threshold(
    stated: NDArray[np.floating[Any]], right: NDArray[np.bool_], *, precision: float, lower_limit: bool = True
) -> float | None:
    """Return the lowest threshold that reaches the precision, 0 if all answers do; None if none does.

    It lies half-way to the next lower probability, so that rounding does not move an answer over it.

    Args:
        stated: ``(N,)`` probabilities of the answers. right: ``(N,)`` whether they were right.
    """
    order = np.argsort(-stated, kind="stable")
    ranked = np.asarray(stated, dtype=np.float64)[order]
    accepted = np.arange(1, len(ranked) + 1)
    hits = np.cumsum(np.asarray(right)[order])
    reached = metrics.rate_interval(hits, accepted)[0] if lower_limit else hits / accepted
    # Equal probabilities are accepted together.
    last_of_equals = np.append(ranked[1:] < ranked[:-1], True) if len(ranked) else np.zeros(0, dtype=bool)
    fitting = np.flatnonzero(last_of_equals & (reached >= precision))
    if not len(fitting):
        return None
    lowest = int(fitting[-1])
    return 0.0 if lowest == len(ranked) - 1 else float((ranked[lowest] + ranked[lowest + 1]) / 2)


def accept(answers: Answers, threshold: float, part: int | None) -> Accepted:
    """Measure the answers that are accepted at a threshold, with 95 % intervals.

    Args:
        part: number of a class; None: all answers.
    """
    stated, right, pictures = _answers_of(answers, part)
    accepted = stated >= threshold
    hits, count = int((right & accepted).sum()), int(accepted.sum())
    return Accepted(count, _share(hits, count), _share(hits, pictures))


def _answers_of(answers: Answers, part: int | None) -> tuple[NDArray[np.float64], NDArray[np.bool_], int]:
    """Return probabilities of a class's answers, whether they are right, and how many pictures the class has."""
    y_pred = answers.probabilities.argmax(axis=1)
    stated = answers.probabilities.max(axis=1).astype(np.float64)
    right = y_pred == answers.y_true
    if part is None:
        return stated, right, len(right)
    mine = y_pred == part
    return stated[mine], right[mine], int((answers.y_true == part).sum())


def _share(hits: int, total: int) -> Interval | None:
    if total == 0:
        return None
    low, high = metrics.rate_interval(hits, total)
    return Interval(hits / total, float(low), float(high))
