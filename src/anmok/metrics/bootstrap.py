"""95 % intervals of all averages, by drawing the measured pictures again and again (Efron's percentile bootstrap).

The pictures are drawn from all classes together, not class by class: the pictures at hand are one draw from what will
be seen, and how many of each class came with them is part of the chance. It also keeps the spread of the small classes
from being underestimated, which is what drawing n out of the same n pictures of one class does.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anmok.metrics.auc_intervals import mean_auc_interval
from anmok.metrics.counts import (
    ClassCounts,
    Floats,
    Ints,
    balanced_accuracy,
    f1,
    macro,
    precision,
    recall,
    weighted,
)
from anmok.metrics.intervals import effective_pictures, rate_interval
from anmok.metrics.loss_limits import upper_losses
from anmok.metrics.ranking import ClassRanking, rank_class, ranked_classes, weighted_auc
from anmok.metrics.scores import check_probabilities, picture_brier_score, picture_log_loss
from anmok.records import Interval

#: The figures that ``average_intervals`` gives.
AVERAGES = (
    "balanced_accuracy",
    "macro_precision",
    "macro_recall",
    "macro_f1",
    "weighted_precision",
    "weighted_recall",
    "weighted_f1",
    "roc_auc",
    "log_loss",
    "brier_score",
)
_OF_COUNTS: Mapping[str, Callable[[ClassCounts], Floats]] = {
    "balanced_accuracy": balanced_accuracy,
    "macro_precision": lambda counts: macro(precision(counts), counts),
    "macro_recall": lambda counts: macro(recall(counts), counts),
    "macro_f1": lambda counts: macro(f1(counts), counts),
    "weighted_precision": lambda counts: weighted(precision(counts), counts),
    "weighted_recall": lambda counts: weighted(recall(counts), counts),
    "weighted_f1": lambda counts: weighted(f1(counts), counts),
}
#: So few wrong answers (or right ones) say too little for resampling of how they would come again.
FEW = 10
#: Share of the pictures that must be left of them in a plain mean over the classes (``effective_pictures``).
ABOUT_EQUAL = 0.8
#: Numbers of one array of weights that are worked on at once (16 MB); bounds the memory.
_AT_ONCE = 2**21
#: Resamples x pictures x classes: how much is drawn at most (some five seconds on one core), and how little at least.
_WORK = 5 * 10**8
_FEWEST = 200


def resamples_for(pictures: int, classes: int, wanted: int) -> int:
    """Return how many resamples are drawn: ``wanted``, but fewer (never below 200) for very large measured sets.

    2,000 are drawn for up to 250,000 pictures of two classes or 2,500 pictures of 100 classes. With more pictures
    the intervals are narrow, and their limits need fewer resamples.
    """
    affordable = _WORK // (pictures * len(ranked_classes(classes)))
    return min(wanted, max(_FEWEST, affordable))


def average_intervals(
    y_true: Ints,
    probabilities: NDArray[np.floating[Any]],
    *,
    names: Collection[str] = AVERAGES,
    seed: int = 0,
    resamples: int = 2000,
) -> dict[str, Interval]:
    """Return figures of ``AVERAGES`` with their 95 % intervals; what cannot be computed is absent.

    An interval always holds its value. In a resample that misses a class by chance, macro averages are those of the
    other classes. Near 0 and 1 resampling sees too little spread, and none where every answer was right; so each
    interval is the hull of what resampling says and of an analytic one (of a rate for the effective number of
    pictures; for losses, what ``upper_losses`` gives). Where fewer than ``FEW`` answers are wrong (or right) and the
    classes are about equally large, the interval of the rate stands alone. ROC-AUC is not resampled at all, see
    ``mean_auc_interval``. ``benchmarks/coverage.py`` says how often they hold the truth.

    Args:
        y_true: ``(N,)``, N >= 1. probabilities: ``(N, C)``, C >= 2.
        names: which of them; the others cost no time.
        seed: of the drawing; the same seed gives the same intervals.
        resamples: how many at most, see ``resamples_for``.

    Raises:
        ValueError: the arrays do not fit each other, or hold numbers that are no probabilities.
    """
    check_probabilities(y_true, probabilities)
    pictures, classes = probabilities.shape
    figures = Figures(y_true, probabilities, [name for name in names if name != "roc_auc"])
    losses = upper_losses(y_true, probabilities)
    values = {name: float(rows[0]) for name, rows in figures.weighed(np.ones((1, pictures))).items()}
    parts: dict[str, list[Floats]] = {name: [] for name in values}
    for weights in draw_weights(pictures, resamples_for(pictures, classes, resamples), seed=seed):
        for name, rows in figures.weighed(weights).items():
            parts[name].append(rows)
    true = np.bincount(y_true, minlength=classes).astype(np.float64)
    right = int((probabilities.argmax(axis=1) == y_true).sum())
    few = min(right, pictures - right) < FEW and effective_pictures(true) >= ABOUT_EQUAL * pictures
    intervals = {}
    for name, value in values.items():
        if np.isnan(value):
            continue
        drawn = np.concatenate(parts[name])
        low, high = np.quantile(drawn[~np.isnan(drawn)], (0.025, 0.975))
        wide = (value, losses[name]) if name in losses else _analytic(name, value, true)
        if few and name in _OF_COUNTS:
            low, high = wide
        intervals[name] = Interval(value, float(min(low, value, wide[0])), float(max(high, value, wide[1])))
    area = mean_auc_interval(y_true, probabilities) if "roc_auc" in names else None
    if area is not None:
        intervals["roc_auc"] = area
    return intervals


def draw_weights(pictures: int, resamples: int, *, seed: int) -> Iterator[Floats]:
    """Yield float64 blocks ``(R, N)`` of how often each picture came in each resample; rows sum to N."""
    random = np.random.default_rng(seed)
    rows = max(1, _AT_ONCE // pictures)
    for begin in range(0, resamples, rows):
        count = min(rows, resamples - begin)
        drawn = random.integers(pictures, size=(count, pictures))
        drawn += np.arange(count)[:, np.newaxis] * pictures
        counts = np.bincount(drawn.ravel(), minlength=count * pictures)
        yield counts.reshape(count, pictures).astype(np.float64)


class Figures:
    """Averages as functions of how often each picture counts.

    Args:
        y_true: ``(N,)``. probabilities: ``(N, C)``.
        names: which of ``AVERAGES``; the others cost no time.
    """

    def __init__(
        self, y_true: Ints, probabilities: NDArray[np.floating[Any]], names: Collection[str] = AVERAGES
    ) -> None:
        classes = probabilities.shape[1]
        y_pred = probabilities.argmax(axis=1)
        self._of_counts = {name: function for name, function in _OF_COUNTS.items() if name in names}
        self._true = _Groups(y_true, classes)
        self._predicted = _Groups(y_pred, classes)
        self._hits = _Groups(np.where(y_pred == y_true, y_true, classes), classes + 1)
        ranked = ranked_classes(classes) if "roc_auc" in names else ()
        self._rankings: list[ClassRanking] = [rank_class(y_true, probabilities, number) for number in ranked]
        losses = {"log_loss": picture_log_loss, "brier_score": picture_brier_score}
        self._losses = {name: of(y_true, probabilities) for name, of in losses.items() if name in names}

    def weighed(self, weights: Floats) -> dict[str, Floats]:
        """Return ``(R,)`` values of each figure for ``(R, N)`` weights; NaN where there is none."""
        values: dict[str, Floats] = {}
        if self._of_counts:
            true, predicted = self._true.sums(weights), self._predicted.sums(weights)
            counts = ClassCounts(self._hits.sums(weights)[:, :-1], true, predicted)
            values |= {name: function(counts) for name, function in self._of_counts.items()}
        if self._rankings:
            values["roc_auc"] = self._mean_area(weights)
        for name, losses in self._losses.items():
            values[name] = weights @ losses / weights.sum(axis=1)
        return values

    def _mean_area(self, weights: Floats) -> Floats:
        total, known = np.zeros(len(weights)), np.zeros(len(weights))
        for ranking in self._rankings:
            areas = weighted_auc(ranking, weights)
            there = ~np.isnan(areas)
            total += np.where(there, areas, 0.0)
            known += there
        means: Floats = np.divide(total, known, out=np.full(len(weights), np.nan), where=known > 0)
        return means


class _Groups:
    """Adds up weights by group; the groups are sorted once."""

    def __init__(self, numbers: Ints, count: int) -> None:
        self._order = np.argsort(numbers, kind="stable")
        self._present, self._begins = np.unique(np.asarray(numbers)[self._order], return_index=True)
        self._count = count

    def sums(self, weights: Floats) -> Floats:
        """Return ``(R, count)`` for ``(R, N)`` weights."""
        result = np.zeros((len(weights), self._count))
        result[:, self._present] = np.add.reduceat(weights.take(self._order, axis=1), self._begins, axis=1)
        return result


def _analytic(name: str, value: float, true: Floats) -> tuple[float, float]:
    """Return the analytic interval of a figure from 0 to 1."""
    pictures = float(true.sum())
    effective = pictures if name.startswith("weighted") else effective_pictures(true)
    low, high = rate_interval(value * effective, effective)
    return float(low), float(high)
