"""Analytic 95 % intervals. Unlike resampling they stay honest where every answer was right."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from anmok.metrics.counts import Floats

#: The 97.5 % point of the normal distribution.
Z = 1.959963984540054


def wilson(hits: ArrayLike, total: ArrayLike) -> tuple[Floats, Floats]:
    """Return the lower and upper 95 % limits of the rate ``hits / total``, each of the common shape, 0-1.

    Where ``total`` is 0, nothing is known: 0 and 1. Numbers need not be whole (effective sample sizes).

    Source: E. B. Wilson, Journal of the American Statistical Association 22 (1927); without continuity correction.
    """
    k, n = np.broadcast_arrays(np.asarray(hits, dtype=np.float64), np.asarray(total, dtype=np.float64))
    known = n > 0
    n = np.where(known, n, 1.0)
    rate = np.where(known, k / n, 0.5)
    middle = (rate + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * np.sqrt(rate * (1 - rate) / n + Z**2 / (4 * n**2))
    # Rounding must not put the limits on the wrong side of rates of exactly 0 and 1.
    low = np.where(known & (rate > 0), np.clip(middle - half, 0, rate), 0.0)
    high = np.where(known & (rate < 1), np.clip(middle + half, rate, 1), 1.0)
    return low, high


def f1_interval(hits: ArrayLike, true: ArrayLike, predicted: ArrayLike) -> tuple[Floats, Floats]:
    """Return the lower and upper 95 % limits of the F1 of a class, 0-1.

    ``hits`` out of the pictures that are of the class *or* predicted as it is a plain rate J, and F1 = 2 J / (1 + J)
    rises with it; so Wilson's limits of J give those of F1. Source: Lam, Gopal and Qian, "Confidence Intervals for the
    F1 Score: A Comparison of Four Methods", arXiv:2309.14621 (2023), the "Wilson indirect" method.
    """
    k = np.asarray(hits, dtype=np.float64)
    low, high = wilson(k, np.asarray(true, dtype=np.float64) + np.asarray(predicted, dtype=np.float64) - k)
    return 2 * low / (1 + low), 2 * high / (1 + high)


def auc_interval(area: float, positives: ArrayLike, pictures: int) -> tuple[float, float]:
    """Return the lower and upper 95 % limits of the mean ROC-AUC of several classes, 0-1.

    The limits are the areas that would be just compatible with what was seen, so they are no point even where the
    classes were told apart perfectly. Source: R. G. Newcombe, Statistics in Medicine 25 (2006) 559, method 5, after
    Hanley and McNeil (1982); the variances of several classes are averaged as if they were independent.

    Args:
        area: the mean, 0-1.
        positives: ``(K,)`` pictures of each class in the mean, from 1 to ``pictures`` - 1.
        pictures: all of them.
    """
    m = np.asarray(positives, dtype=np.float64)
    n = pictures - m
    others = (m + n) / 2 - 1

    def too_far(theta: float) -> bool:
        spread = 1 + others * (1 - theta) / (2 - theta) + others * theta / (1 + theta)
        variance = float((theta * (1 - theta) * spread / (m * n)).sum()) / len(m) ** 2
        return bool((area - theta) ** 2 > Z**2 * variance)

    return _boundary(0.0, area, too_far), _boundary(1.0, area, too_far)


def _boundary(outside: float, inside: float, too_far: Callable[[float], bool]) -> float:
    """Halve the way between a value that is too far off and one that is not, until they meet."""
    if not too_far(outside):
        return outside
    for _step in range(60):
        middle = (outside + inside) / 2
        outside, inside = (middle, inside) if too_far(middle) else (outside, middle)
    return outside


def effective_pictures(true: Floats) -> float:
    """Return how many pictures of one rate carry as much as classes of ``(C,)`` unequal sizes do in a plain mean.

    Classes without pictures do not count. Source: Kish's effective sample size with weights 1 / (K n); put into
    Wilson's interval after the manner of Korn and Graubard, Survey Methodology 24 (1998).
    """
    present = true[true > 0]
    return float(len(present) ** 2 / (1 / present).sum())
