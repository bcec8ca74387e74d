"""Measures of a score by which pictures are refused: those of other things, and those that would be named wrongly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anmok.metrics.auc_intervals import mean_auc_interval
from anmok.metrics.counts import Floats
from anmok.records import Interval


def separation_auc(known: ArrayLike, others: ArrayLike) -> Interval:
    """Return how often one of ``others`` has a higher score than one of ``known``, 0-1, with its 95 % interval.

    Ties count half. It is the area under the ROC curve with ``others`` as the positive class; its interval is that of
    ``mean_auc_interval``.

    Args:
        known: ``(N,)`` scores; others: ``(M,)`` scores, N and M >= 1, none of them NaN.
    """
    low, high = np.asarray(known, dtype=np.float64), np.asarray(others, dtype=np.float64)
    if not (len(low) and len(high)):
        raise ValueError(f"{len(low)} and {len(high)} scores came; at least one of each is wanted")
    scores = np.concatenate([low, high])
    is_other = np.repeat([0, 1], [len(low), len(high)])
    area = mean_auc_interval(is_other, np.stack([-scores, scores], axis=1))
    assert area is not None
    return area


@dataclass(frozen=True, slots=True)
class Coverage:
    """Accuracy if the strangest pictures are refused, from no refusals to nearly all.

    Attributes:
        answered: int64 ``(P,)``, how many pictures are answered, falling; first all of them, at last 1 or more.
            Pictures of equal scores are answered or refused together.
        right: int64 ``(P,)``, how many of the answered ones are right.
        area: mean over all n of the share of wrong answers among the n least strange pictures, 0-1 (AURC; Geifman,
            Uziel and El-Yaniv, Bias-Reduced Uncertainty Estimation for Deep Neural Classifiers, ICLR 2019). Pictures of
            equal scores stand in an order drawn by lot, of which this is the mean.
    """

    answered: NDArray[np.int64]
    right: NDArray[np.int64]
    area: float


def coverage(scores: Floats, right: NDArray[np.bool_]) -> Coverage:
    """Return what refusing the strangest pictures does for the accuracy of the others.

    Args:
        scores: ``(N,)``, the higher, the sooner refused; none of them NaN, N >= 1.
        right: bool ``(N,)``, whether each picture's class is right.
    """
    values: NDArray[Any] = np.asarray(scores, dtype=np.float64)
    if len(values) == 0 or len(values) != len(right):
        raise ValueError(f"{len(values)} scores and {len(right)} answers came; as many, at least one, are wanted")
    order = np.argsort(values, kind="stable")
    ranked = values[order]
    ends = np.flatnonzero(np.r_[ranked[1:] > ranked[:-1], True]) + 1
    hits = np.cumsum(right[order])[ends - 1]
    # Inside a group of equal scores hits are spread evenly: the mean over all its orders.
    counts = np.arange(1, len(values) + 1)
    mean_hits = np.interp(counts, np.r_[0, ends], np.r_[0, hits])
    return Coverage(
        answered=ends[::-1].astype(np.int64),
        right=hits[::-1].astype(np.int64),
        area=float((1 - mean_hits / counts).mean()),
    )
