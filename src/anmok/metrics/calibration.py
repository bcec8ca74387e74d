"""How far stated probabilities agree with how often answers are right: reliability, ECE, MCE, classwise ECE.

The *confidence* of an answer is the probability of the class that was answered. A model is calibrated if, of the
answers given with a confidence of 0.8, 80 % are right. Confidences are put into bins; in each the mean confidence is
compared with the share of right answers.

Bins of equal width are ``(0, 1/M], (1/M, 2/M], ..., (1 - 1/M, 1]`` (Guo et al., On calibration of modern neural
networks, 2017). Bins of equal mass are bounded by the quantiles of the confidences, so that each holds about as many
pictures and equal confidences stay together (Nguyen and O'Connor, Posterior calibration and exploratory analysis for
natural language processing models, 2015). Both equal those of scikit-learn's ``calibration_curve``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from anmok.metrics.counts import Floats, Ints
from anmok.metrics.scores import check_probabilities

Binning = Literal["equal-width", "equal-mass"]
#: Guo et al. took 15.
BINS = 15


@dataclass(frozen=True, slots=True)
class Reliability:
    """The bins that hold pictures, lowest confidence first; what a reliability diagram shows.

    Attributes:
        low, high: float64 ``(B,)`` edges; a bin holds what is above ``low`` and at most ``high`` (the first one also
            what equals ``low``).
        pictures: float64 ``(B,)``, each at least 1.
        confidence: float64 ``(B,)``, the mean stated probability, 0-1.
        hits: float64 ``(B,)``, how many of the pictures came true; ``hits / pictures`` is their share.
    """

    low: Floats
    high: Floats
    pictures: Floats
    confidence: Floats
    hits: Floats

    @property
    def gaps(self) -> Floats:
        """``(B,)`` distances between what was stated and what came true, 0-1."""
        result: Floats = np.abs(self.confidence - self.hits / self.pictures)
        return result


def confidences(probabilities: NDArray[np.floating[Any]]) -> Floats:
    """Return float64 ``(N,)``: the probability of the class that is answered."""
    # A softmax in float32 may exceed 1 by rounding.
    result: Floats = np.minimum(probabilities.max(axis=1).astype(np.float64), 1.0)
    return result


def bin_numbers(stated: Floats, bins: int = BINS, kind: Binning = "equal-width") -> tuple[NDArray[np.intp], Floats]:
    """Return for each of ``(N,)`` stated probabilities the number of its bin, and the edges ``(bins + 1,)``.

    Raises:
        ValueError: fewer than one bin, or numbers that are no probabilities.
    """
    if bins < 1:
        raise ValueError(f"{bins} bins were asked for; at least 1 is wanted")
    if stated.ndim != 1 or not ((stated >= 0) & (stated <= 1)).all():
        raise ValueError("stated probabilities of shape (N,) from 0 to 1 are wanted")
    edges = np.linspace(0.0, 1.0, bins + 1)
    if kind == "equal-mass" and len(stated):
        edges = np.percentile(stated, edges * 100)
    return np.searchsorted(edges[1:-1], stated, side="left"), edges


def reliability(
    stated: Floats, came_true: NDArray[Any], *, bins: int = BINS, kind: Binning = "equal-width"
) -> Reliability:
    """Put pictures into bins by what was stated.

    Args:
        stated: ``(N,)`` probabilities of something; the confidences of answers, or the probabilities of one class.
        came_true: ``(N,)`` 0 or 1 (or bool): whether it was so.
    """
    numbers, edges = bin_numbers(stated, bins, kind)
    if len(came_true) != len(stated):
        raise ValueError(f"{len(stated)} stated probabilities, {len(came_true)} outcomes; as many are wanted")
    pictures = np.bincount(numbers, minlength=bins).astype(np.float64)
    there = np.flatnonzero(pictures)
    sums = np.bincount(numbers, weights=stated, minlength=bins)
    true = np.asarray(came_true, dtype=np.float64)
    hits = np.bincount(numbers, weights=true, minlength=bins).astype(np.float64)
    return Reliability(edges[there], edges[there + 1], pictures[there], sums[there] / pictures[there], hits[there])


def answered(y_true: Ints, probabilities: NDArray[np.floating[Any]]) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the confidence of each answer and whether it was right, each ``(N,)``."""
    check_probabilities(y_true, probabilities)
    return confidences(probabilities), probabilities.argmax(axis=1) == np.asarray(y_true)


def expected_calibration_error(
    y_true: Ints, probabilities: NDArray[np.floating[Any]], *, bins: int = BINS, kind: Binning = "equal-width"
) -> float:
    """Return the mean gap between confidence and share of right answers, weighted by pictures; 0-1, less is better.

    Chance alone makes it larger than 0 for a model that is perfectly calibrated, the more so the fewer pictures there
    are; see ``error_by_chance``.
    """
    seen = reliability(*answered(y_true, probabilities), bins=bins, kind=kind)
    return float((seen.gaps * seen.pictures).sum() / seen.pictures.sum())


def maximum_calibration_error(
    y_true: Ints, probabilities: NDArray[np.floating[Any]], *, bins: int = BINS, kind: Binning = "equal-width"
) -> float:
    """Return the largest gap of any bin, 0-1; a bin of one picture may decide it."""
    return float(reliability(*answered(y_true, probabilities), bins=bins, kind=kind).gaps.max())


def classwise_calibration_error(
    y_true: Ints, probabilities: NDArray[np.floating[Any]], *, bins: int = BINS, kind: Binning = "equal-width"
) -> Floats:
    """Return float64 ``(C,)``: for each class the error of its probability against whether it was the truth, 0-1.

    Their mean is the classwise ECE of Kull et al., Beyond temperature scaling (2019). With many classes nearly all
    probabilities are near 0 and so are the errors; compare them only with the same classes.
    """
    check_probabilities(y_true, probabilities)
    errors = []
    for number in range(probabilities.shape[1]):
        stated = np.minimum(probabilities[:, number].astype(np.float64), 1.0)
        seen = reliability(stated, np.asarray(y_true) == number, bins=bins, kind=kind)
        errors.append((seen.gaps * seen.pictures).sum() / len(stated))
    return np.array(errors)
