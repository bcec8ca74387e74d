"""Two classifiers on the same pictures, judged by those on which only one of them was right (McNemar).

Throughout: ``only_first`` and ``only_second`` count these pictures, ``pictures`` counts all; the difference of the two
accuracies is ``(only_first - only_second) / pictures``.
"""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np

from anmok.metrics.intervals import Z, narrow
from anmok.records import Interval


def mcnemar(only_first: int, only_second: int) -> float:
    """Return how probable a difference at least as large would be if both were equally good; two-sided, 0-1.

    Source: Q. McNemar, Psychometrika 12 (1947); the exact binomial form, in whole numbers, so nothing is rounded.
    """
    _check(only_first, only_second)
    apart, fewer = only_first + only_second, min(only_first, only_second)
    ways = total = 1
    for chosen in range(fewer):
        ways = ways * (apart - chosen) // (chosen + 1)
        total += ways
    return min(1.0, 2 * total / (1 << apart))


def accuracy_difference(only_first: int, only_second: int, pictures: int) -> Interval:
    """Return accuracy of the first minus that of the second, with its 95 % interval, -1 to 1.

    The interval is the hull of two, so that it is never surer than ``mcnemar``: it is away from 0 only where that is
    below 0.05.

    Source: D. G. Bonett and R. M. Price, Adjusted Wald Confidence Interval for a Difference of Binomial Proportions
    Based on Paired Data, Journal of Educational and Behavioral Statistics 37 (2012) 479-488; and the limits of the
    share that ``only_first`` has of both after C. J. Clopper and E. S. Pearson, Biometrika 26 (1934), of which the
    exact test is the inverse.

    Raises:
        ValueError: there are fewer pictures than these, or none.
    """
    _check(only_first, only_second)
    apart = only_first + only_second
    if pictures < max(apart, 1):
        raise ValueError(f"{pictures} pictures came, {apart} of them right once; at least so many and 1 are wanted")
    first, second = (only_first + 1) / (pictures + 2), (only_second + 1) / (pictures + 2)
    half = Z * math.sqrt((first + second - (first - second) ** 2) / (pictures + 2))
    exact_low = (2 * _lowest_share(only_first, apart) - 1) * apart / pictures
    exact_high = (1 - 2 * _lowest_share(only_second, apart)) * apart / pictures
    value = (only_first - only_second) / pictures
    return Interval(
        value,
        max(-1.0, min(first - second - half, exact_low, value)),
        min(1.0, max(first - second + half, exact_high, value)),
    )


def pictures_needed(
    only_first: int, only_second: int, pictures: int, *, alpha: float = 0.05, power: float = 0.8
) -> float:
    """Return how many pictures show a difference like this one by McNemar's test; infinity where there is none.

    Source: R. J. Connor, Sample size for testing differences in proportions for the paired-sample design, Biometrics
    43 (1987) 207-211: n = (z_a sqrt(p) + z_b sqrt(p - d^2))^2 / d^2, where p is the share of pictures on which only
    one of the two is right, and d the difference of their accuracies.

    Args:
        pictures: that it was measured on.
        alpha: two-sided, 0-1; power: how probable it is that the difference is then shown, 0-1.
    """
    _check(only_first, only_second)
    if only_first == only_second:
        return math.inf
    apart = (only_first + only_second) / pictures
    difference = (only_first - only_second) / pictures
    z_alpha, z_beta = NormalDist().inv_cdf(1 - alpha / 2), NormalDist().inv_cdf(power)
    root = z_alpha * math.sqrt(apart) + z_beta * math.sqrt(max(apart - difference**2, 0.0))
    return math.ceil((root / difference) ** 2)


def _lowest_share(hits: int, total: int) -> float:
    """Return the lower limit of the share ``hits / total``: with it, as many hits or more come in 2.5 % of cases."""
    if hits == 0:
        return 0.0
    many = np.arange(hits, total + 1)
    logs = np.array([math.lgamma(total + 1) - math.lgamma(n + 1) - math.lgamma(total - n + 1) for n in many.tolist()])

    def too_low(share: float) -> bool:
        if share == 0:
            return True
        tail = np.exp(logs + many * math.log(share) + (total - many) * math.log1p(-share))
        return bool(tail.sum() < 0.025)

    return narrow(0.0, hits / total if hits < total else math.nextafter(1, 0), too_low)


def _check(only_first: int, only_second: int) -> None:
    if only_first < 0 or only_second < 0:
        raise ValueError(f"{only_first} and {only_second} pictures came; counts of 0 or more are wanted")
