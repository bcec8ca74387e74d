"""What follows from counting answers: confusion matrix, accuracy, precision, recall, F1 and their averages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.integer[Any]]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ClassCounts:
    """How often each class came; all that precision, recall and F1 need.

    Each is float64 ``(..., C)``; leading axes are resamples.

    Attributes:
        hits: pictures of the class that were answered with it.
        true: pictures of the class.
        predicted: pictures that were answered with it.
    """

    hits: Floats
    true: Floats
    predicted: Floats


def confusion_matrix(y_true: Ints, y_pred: Ints, classes: int) -> NDArray[np.int64]:
    """Return ``(C, C)`` counts of pictures; rows are true classes, columns predicted ones."""
    check_labels(y_true, classes, "y_true")
    check_labels(y_pred, classes, "y_pred")
    if len(y_true) != len(y_pred):
        raise ValueError(f"y_true holds {len(y_true)} labels, y_pred {len(y_pred)}; as many are wanted")
    cells = np.asarray(y_true, dtype=np.int64) * classes + y_pred
    return np.bincount(cells, minlength=classes * classes).reshape(classes, classes)


def count_classes(confusion: NDArray[np.int64]) -> ClassCounts:
    """Return the counts per class of a ``(C, C)`` confusion matrix."""
    matrix = confusion.astype(np.float64)
    return ClassCounts(np.diagonal(matrix).copy(), matrix.sum(axis=1), matrix.sum(axis=0))


def precision(counts: ClassCounts) -> Floats:
    """Return hits / predicted, ``(..., C)``, 0-1; 0 for a class that was never predicted."""
    return _share(counts.hits, counts.predicted)


def recall(counts: ClassCounts) -> Floats:
    """Return hits / true, ``(..., C)``, 0-1; 0 for a class without pictures."""
    return _share(counts.hits, counts.true)


def f1(counts: ClassCounts) -> Floats:
    """Return 2 hits / (true + predicted), ``(..., C)``, 0-1; 0 for a class that is neither there nor predicted."""
    return _share(2 * counts.hits, counts.true + counts.predicted)


def macro(values: Floats, counts: ClassCounts) -> Floats:
    """Return the plain mean over the classes that have pictures, ``(...)``; NaN where none has."""
    present = counts.true > 0
    return _share(np.where(present, values, 0.0).sum(axis=-1), present.sum(axis=-1), empty=np.nan)


def weighted(values: Floats, counts: ClassCounts) -> Floats:
    """Return the mean over the classes, weighted by how many pictures each has, ``(...)``; NaN where none has."""
    return _share((values * counts.true).sum(axis=-1), counts.true.sum(axis=-1), empty=np.nan)


def accuracy(counts: ClassCounts) -> Floats:
    """Return the share of right answers, ``(...)``, 0-1; NaN where there is no picture."""
    return _share(counts.hits.sum(axis=-1), counts.true.sum(axis=-1), empty=np.nan)


def balanced_accuracy(counts: ClassCounts) -> Floats:
    """Return the mean recall of the classes that have pictures, ``(...)``, 0-1; NaN where none has."""
    return macro(recall(counts), counts)


def check_labels(labels: Ints, classes: int, name: str) -> None:
    """Raise ``ValueError`` unless ``labels`` is ``(N,)`` integers from 0 to ``classes`` - 1."""
    array = np.asarray(labels)
    if array.ndim != 1 or not np.issubdtype(array.dtype, np.integer):
        raise ValueError(f"{name} is {array.dtype} {array.shape}; integers of shape (N,) are wanted")
    if array.size and not 0 <= array.min() <= array.max() < classes:
        raise ValueError(f"{name} goes from {array.min()} to {array.max()}; 0 to {classes - 1} is wanted")


def _share(part: Floats, whole: NDArray[Any], *, empty: float = 0.0) -> Floats:
    result = np.full(np.shape(whole), empty, dtype=np.float64)
    np.divide(part, whole, out=result, where=np.asarray(whole) > 0)
    return result
