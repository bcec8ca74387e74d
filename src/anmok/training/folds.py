"""Which pictures a head of the cross-validation learns from, and which it is asked: groups and views stay together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

#: Folds of the cross-validation; above this many classes each fit is dear, so fewer.
FOLDS, FOLDS_OF_MANY_CLASSES, MANY_CLASSES = 5, 3, 30

#: Rows to fit, rows to predict.
Fold = tuple[NDArray[np.int64], NDArray[np.int64]]


def fold_plan(labels: NDArray[np.int64], groups: Sequence[str] | None, seed: int) -> list[Fold]:
    """Return ``(rows to fit, rows to predict)`` of each fold; empty where no class can be divided."""
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    rows = np.arange(len(labels))
    names = rows if groups is None else np.unique(np.asarray(groups, dtype=str), return_inverse=True)[1]
    free, smallest = _divisible(labels, names)
    if not len(free):
        return []
    folds = min(FOLDS if len(np.unique(labels)) <= MANY_CLASSES else FOLDS_OF_MANY_CLASSES, smallest)
    # The splitter for groups takes far longer; it is only wanted where there are any.
    alone = len(np.unique(names)) == len(names)
    splitter = (StratifiedKFold if alone else StratifiedGroupKFold)(n_splits=folds, shuffle=True, random_state=seed)
    parts = [free[predict] for _fit_rows, predict in splitter.split(free, labels[free], None if alone else names[free])]
    return [(np.setdiff1d(rows, part), part) for part in parts if len(part)]


def with_views(plan: list[Fold], groups: NDArray[np.str_]) -> list[Fold]:
    """Let each fold also learn from the views of what it learns from, and of nothing else."""
    return [(np.flatnonzero(~np.isin(groups, groups[part])), part) for _known, part in plan]


def _divisible(labels: NDArray[np.int64], names: NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
    """Return the rows whose class has at least two groups, and the number of groups of the smallest such class.

    The pictures of a class that is one group alone are learned from in every fold, and so is what shares a group
    with them, which may in turn leave another class with one group.
    """
    free = np.arange(len(labels))
    while len(free):
        pairs = np.unique(np.stack([labels[free], names[free]]), axis=1)
        classes, groups = np.unique(pairs[0], return_counts=True)
        if groups.min() >= 2:
            return free, int(groups.min())
        tied = names[free][np.isin(labels[free], classes[groups < 2])]
        free = free[~np.isin(names[free], tied)]
    return free, 0
