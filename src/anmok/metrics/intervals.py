"""Analytic 95 % intervals. Unlike resampling they stay honest where every answer was right."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from anmok.metrics.counts import Floats

#: The 97.5 % point of the normal distribution.
Z = 1.959963984540054
#: The smallest means of a Poisson number that is at least 0, 1, 2, 3 with a probability of 5 %.
_FEW = (0.0, 0.05129329438755058, 0.35536151069866195, 0.8176914471639534)


def rate_interval(hits: ArrayLike, total: ArrayLike) -> tuple[Floats, Floats]:
    """Return the lower and upper 95 % limits of the rate ``hits / total``, each of the common shape, 0-1.

    Where ``total`` is 0, nothing is known: 0 and 1. Numbers need not be whole (effective sample sizes).

    It is Wilson's interval (E. B. Wilson, Journal of the American Statistical Association 22, 1927; without continuity
    correction), modified after L. D. Brown, T. T. Cai and A. DasGupta (Interval estimation for a binomial proportion,
    Statistical Science 16, 2001, section 4.1.1). Wilson's own holds the truth far too seldom where it lies near 0 or 1:
    0.84 of the time for 50 pictures at a rate of 0.997, 0.91 at 0.99. So with at most ``_FEW`` hits (or misses; fewer
    than half) the limit on that side gives way to the 95 % limit of a Poisson mean, below which no more than 5 % of the
    truths fall. The least coverage of any rate is then 0.92 for 50 pictures and 0.93 for 200, and where Wilson's is
    right already nothing changes.

    No interval holds every rate 95 % of the time, since hits are whole numbers: see ``benchmarks/coverage.py``.
    """
    k, n = np.broadcast_arrays(np.asarray(hits, dtype=np.float64), np.asarray(total, dtype=np.float64))
    known = n > 0
    n = np.where(known, n, 1.0)
    k = np.where(known, k, 0.5)
    rate = k / n
    middle = (rate + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * np.sqrt(rate * (1 - rate) / n + Z**2 / (4 * n**2))
    low = np.minimum(middle - half, _poisson_limit(k, n))
    high = np.maximum(middle + half, 1 - _poisson_limit(n - k, n))
    # Rounding must not put the limits on the wrong side of rates of exactly 0 and 1.
    low = np.where(known & (rate > 0), np.clip(low, 0, rate), 0.0)
    high = np.where(known & (rate < 1), np.clip(high, rate, 1), 1.0)
    return low, high


def _poisson_limit(events: Floats, total: Floats) -> Floats:
    """Return the lower limit of the rate of a few events out of ``total``; 1 where they are not few."""
    most = np.where(total <= 50, 2, 3)
    few = (events <= most) & (events < total / 2)
    return np.where(few, np.interp(events, np.arange(4), _FEW) / total, 1.0)


def f1_interval(hits: ArrayLike, true: ArrayLike, predicted: ArrayLike) -> tuple[Floats, Floats]:
    """Return the lower and upper 95 % limits of the F1 of a class, 0-1.

    ``hits`` out of the pictures that are of the class *or* predicted as it is a plain rate J, and F1 = 2 J / (1 + J)
    rises with it; so the limits of J (``rate_interval``) give those of F1. Source: Lam, Gopal and Qian, "Confidence
    Intervals for the F1 Score: A Comparison of Four Methods", arXiv:2309.14621 (2023), the "Wilson indirect" method.
    """
    k = np.asarray(hits, dtype=np.float64)
    low, high = rate_interval(k, np.asarray(true, dtype=np.float64) + np.asarray(predicted, dtype=np.float64) - k)
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

    return narrow(0.0, area, too_far), narrow(1.0, area, too_far)


def narrow(outside: float, inside: float, too_far: Callable[[float], bool]) -> float:
    """Return where values begin to fit: halve the way between one that is too far off and one that is not.

    Args:
        outside: where to begin; returned where it is not too far off itself. inside: a value that fits.
    """
    if not too_far(outside):
        return outside
    for _step in range(60):
        middle = (outside + inside) / 2
        outside, inside = (middle, inside) if too_far(middle) else (outside, middle)
    return outside


def effective_pictures(true: Floats) -> float:
    """Return how many pictures of one rate carry as much as classes of ``(C,)`` unequal sizes do in a plain mean.

    Classes without pictures do not count. Source: Kish's effective sample size with weights 1 / (K n); put into
    the interval of a rate after the manner of Korn and Graubard, Survey Methodology 24 (1998).
    """
    present = true[true > 0]
    return float(len(present) ** 2 / (1 / present).sum())
