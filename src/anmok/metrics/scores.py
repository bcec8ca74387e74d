"""What follows from the probabilities themselves, picture by picture: log loss and Brier score."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from anmok.metrics.counts import Floats, Ints, check_labels


def log_loss(y_true: Ints, probabilities: NDArray[np.floating[Any]]) -> float:
    """Return the mean of ``picture_log_loss``: nats, >= 0, less is better."""
    return float(picture_log_loss(y_true, probabilities).mean())


def brier_score(y_true: Ints, probabilities: NDArray[np.floating[Any]]) -> float:
    """Return the mean of ``picture_brier_score``: less is better."""
    return float(picture_brier_score(y_true, probabilities).mean())


def picture_log_loss(y_true: Ints, probabilities: NDArray[np.floating[Any]]) -> Floats:
    """Return ``(N,)``: minus the natural logarithm of the probability of the true class.

    As scikit-learn does, probabilities are kept away from 0 and 1 by the machine epsilon of their own type, so that
    one certain and wrong answer costs 36 (float64) or 16 (float32) and not infinity.
    """
    check_probabilities(y_true, probabilities)
    epsilon = np.finfo(probabilities.dtype).eps
    chosen = probabilities[np.arange(len(y_true)), y_true]
    losses: Floats = -np.log(np.clip(chosen, epsilon, 1 - epsilon).astype(np.float64))
    return losses


def picture_brier_score(y_true: Ints, probabilities: NDArray[np.floating[Any]]) -> Floats:
    """Return ``(N,)``: the squared distance between the probabilities and the truth (1 for one class, 0 for the rest).

    From 0 to 2; halved for two classes, as is usual (and as scikit-learn does), so 0 to 1 there.
    """
    check_probabilities(y_true, probabilities)
    difference = probabilities.astype(np.float64)
    difference[np.arange(len(y_true)), y_true] -= 1
    squares: Floats = np.einsum("nc,nc->n", difference, difference)
    return squares / 2 if probabilities.shape[1] == 2 else squares


def check_probabilities(y_true: Ints, probabilities: NDArray[np.floating[Any]]) -> None:
    """Raise ``ValueError`` unless the two fit each other and all numbers are finite and from 0 to 1."""
    if probabilities.ndim != 2 or not np.issubdtype(probabilities.dtype, np.floating):
        raise ValueError(
            f"probabilities are {probabilities.dtype} {probabilities.shape}; floating point of shape (N, C) is wanted"
        )
    if len(probabilities) == 0 or probabilities.shape[1] < 2:
        raise ValueError(f"probabilities have the shape {probabilities.shape}; at least (1, 2) is wanted")
    check_labels(y_true, probabilities.shape[1], "y_true")
    if len(y_true) != len(probabilities):
        raise ValueError(f"y_true holds {len(y_true)} labels, probabilities {len(probabilities)} rows")
    # A softmax in float32 may exceed 1 by rounding.
    if not (probabilities.min() >= 0 and probabilities.max() <= 1 + 1e-5):
        raise ValueError("probabilities hold numbers that are below 0, above 1, or no numbers at all")
