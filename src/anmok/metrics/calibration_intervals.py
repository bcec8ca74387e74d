"""How sure one may be of a calibration error: its 95 % interval, and what chance alone would show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anmok.metrics.bootstrap import draw_weights, resamples_for
from anmok.metrics.calibration import BINS, Binning, bin_numbers
from anmok.metrics.counts import Floats
from anmok.records import Interval

#: Numbers that are worked on at once (16 MB); bounds the memory.
_AT_ONCE = 2**21


@dataclass(frozen=True, slots=True)
class CalibrationError:
    """An expected calibration error and what is known of it.

    Attributes:
        interval: the error as measured, with its 95 % interval.
        chance: the mean error that would be measured on these pictures if every stated probability were exactly
            right.
        chance_limit: what 95 % of such measurements stay below.
    """

    interval: Interval
    chance: float
    chance_limit: float


def calibration_error(
    stated: Floats,
    came_true: NDArray[Any],
    *,
    bins: int = BINS,
    kind: Binning = "equal-width",
    seed: int = 0,
    resamples: int = 2000,
) -> CalibrationError:
    """Measure the expected calibration error of stated probabilities, with a 95 % interval.

    A measured error is a sum of absolute values, so it is too large on average, and drawing pictures again makes it
    larger still: the percentiles of Efron's bootstrap alone miss a true error of 0 always. So the upper limit is that
    percentile; the lower one is the basic bootstrap's (Davison and Hinkley, Bootstrap methods, 1997), which takes the
    excess of the redrawn errors off; and it is 0 wherever the error is not above what 95 % of exactly right
    probabilities would show (consistency resampling: Bröcker and Smith, Increasing the reliability of reliability
    diagrams, 2007). ``benchmarks/coverage.py`` says how often it holds the true error.

    Args:
        stated: ``(N,)`` probabilities, N >= 1. came_true: ``(N,)`` 0 or 1.
        seed, resamples: of the drawing, see ``average_intervals``.

    Raises:
        ValueError: there is no picture, or the arrays do not fit each other.
    """
    if len(stated) == 0 or len(stated) != len(came_true):
        raise ValueError(
            f"{len(stated)} stated probabilities, {len(came_true)} outcomes; as many, at least 1, are wanted"
        )
    numbers, _edges = bin_numbers(stated, bins, kind)
    binned = _Binned(numbers)
    outcomes = np.asarray(came_true, dtype=np.float64)
    gaps = stated - outcomes
    value = float(binned.errors(gaps[np.newaxis])[0])
    rounds = resamples_for(len(stated), 2, resamples)
    drawn = np.concatenate([binned.errors(weights * gaps) for weights in draw_weights(len(stated), rounds, seed=seed)])
    by_chance = _by_chance(stated, binned, rounds, seed)
    chance_limit = float(np.quantile(by_chance, 0.95))
    lower, upper = np.quantile(drawn, (0.025, 0.975))
    low = 0.0 if value <= chance_limit else min(value, max(0.0, 2 * value - float(upper)), float(lower))
    return CalibrationError(Interval(value, low, max(value, float(upper))), float(by_chance.mean()), chance_limit)


class _Binned:
    """Adds up by bin; the pictures are sorted once."""

    def __init__(self, numbers: NDArray[np.intp]) -> None:
        self._order = np.argsort(numbers, kind="stable")
        self._begins = np.unique(numbers[self._order], return_index=True)[1]

    def errors(self, gaps: Floats) -> Floats:
        """Return ``(R,)`` errors of ``(R, N)`` weighted differences of statement and outcome; weights sum to N."""
        sums = np.add.reduceat(gaps.take(self._order, axis=1), self._begins, axis=1)
        result: Floats = np.abs(sums).sum(axis=1) / gaps.shape[1]
        return result


def _by_chance(stated: Floats, binned: _Binned, rounds: int, seed: int) -> Floats:
    """Return ``(rounds,)`` errors of outcomes that are drawn with exactly the stated probabilities."""
    # Other numbers than those that drew the pictures.
    random = np.random.default_rng([seed, 1])
    rows = max(1, _AT_ONCE // len(stated))
    parts = []
    for begin in range(0, rounds, rows):
        drawn = random.random((min(rows, rounds - begin), len(stated))) < stated
        parts.append(binned.errors(stated - drawn))
    return np.concatenate(parts)
