"""ROC-AUC from scores: how often a picture of the class gets a higher score than one of the rest; ties count half."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anmok.metrics.counts import Floats, Ints
from anmok.metrics.scores import check_probabilities


@dataclass(frozen=True, slots=True)
class RocAuc:
    """ROC-AUC of a classifier.

    Attributes:
        value: the mean over the classes that have one, 0-1; NaN where none has. With two classes: of the second one.
        per_class: float64 ``(C,)``; NaN for a class that has no picture, or all of them.
        left_out: numbers of the classes without a value; they are not part of the mean.
    """

    value: float
    per_class: Floats
    left_out: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ClassRanking:
    """The pictures sorted by the score of one class, made once and then weighed as often as needed.

    Attributes:
        order: ``(N,)`` pictures, lowest score first.
        positions: ``(P,)`` where in ``order`` the pictures of the class stand.
        begins, ends: ``(P,)`` range of ``order`` whose scores equal that of each of them.
    """

    order: NDArray[np.intp]
    positions: NDArray[np.intp]
    begins: NDArray[np.intp]
    ends: NDArray[np.intp]


def roc_auc(
    y_true: Ints, probabilities: NDArray[np.floating[Any]], *, weights: NDArray[np.floating[Any]] | None = None
) -> RocAuc:
    """Return the area under the ROC curve of each class against the rest, and the macro mean.

    The area is the Mann-Whitney statistic (Hanley and McNeil, Radiology 143, 1982), so ties are exact.

    Args:
        weights: ``(N,)`` >= 0: how often each picture counts; None: once.
    """
    check_probabilities(y_true, probabilities)
    size = probabilities.shape[1]
    rows = np.ones((1, len(y_true))) if weights is None else np.asarray(weights, dtype=np.float64)[np.newaxis]
    chosen = ranked_classes(size)
    per_class = np.full(size, np.nan)
    for number in chosen:
        per_class[number] = weighted_auc(rank_class(y_true, probabilities, number), rows)[0]
    if size == 2:
        per_class[0] = per_class[1]  # one ranking, read from its other end
    left_out = tuple(int(number) for number in np.flatnonzero(np.isnan(per_class)))
    value = float("nan") if len(left_out) == size else float(np.nanmean(per_class[list(chosen)]))
    return RocAuc(value, per_class, left_out)


def ranked_classes(classes: int) -> range:
    """Return the classes whose rankings make the mean: all, but with two classes only the second one."""
    return range(1, 2) if classes == 2 else range(classes)


def rank_class(y_true: Ints, probabilities: NDArray[np.floating[Any]], number: int) -> ClassRanking:
    """Sort the pictures by the score of class ``number``."""
    scores = probabilities[:, number]
    order = np.argsort(scores, kind="stable")
    ranked = scores[order]
    positions = np.flatnonzero(np.asarray(y_true)[order] == number)
    begins = np.searchsorted(ranked, ranked[positions], side="left")
    ends = np.searchsorted(ranked, ranked[positions], side="right")
    return ClassRanking(order, positions, begins, ends)


def weighted_auc(ranking: ClassRanking, weights: Floats) -> Floats:
    """Return ``(R,)`` areas for ``(R, N)`` weights; NaN where the class or the rest weighs nothing."""
    ranked = weights.take(ranking.order, axis=1)
    positives = ranked[:, ranking.positions]
    ranked[:, ranking.positions] = 0
    # lower[:, i]: weight of the rest's pictures at the first i places.
    lower = np.zeros((ranked.shape[0], ranked.shape[1] + 1))
    np.cumsum(ranked, axis=1, out=lower[:, 1:])
    # A picture beats all that stand below its ties, and half of its ties.
    beaten = (lower[:, ranking.begins] + lower[:, ranking.ends]) / 2
    pairs = positives.sum(axis=1) * lower[:, -1]
    areas = np.full(len(pairs), np.nan)
    np.divide(np.einsum("rp,rp->r", positives, beaten), pairs, out=areas, where=pairs > 0)
    return areas
