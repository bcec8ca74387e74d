"""Which class would gain most from more pictures: each class's own growth, drawn towards that of all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from anmok.evaluation.data_size import ClassGain
from anmok.metrics import rate_interval
from anmok.metrics.intervals import Z
from anmok.records import Interval

Floats = NDArray[np.float64]

#: The growth of a class is looked at over the last so many doublings.
DOUBLINGS = 2.0
#: A class's own spread counts as much as this many pictures of the spread of all classes.
POOLED = 4.0
#: A class stands out whose gain is this much above the mean of all, and surely above it.
CLEARLY = 0.02


def class_gains(
    sizes: Sequence[int],
    hits: Sequence[NDArray[np.bool_]],
    y_true: NDArray[np.int64],
    *,
    classes: Sequence[str],
    learned: Sequence[int],
    next_doubling: float,
) -> tuple[ClassGain, ...]:
    """Return what twice as many pictures of every class would bring each class, the largest gain first.

    The growth of a class's recall by doubling is measured over the last two doublings, picture by picture. With a few
    measured pictures it is mostly chance, so it is drawn towards the mean growth of the classes by as much as its own
    error is larger than the spread between classes (empirical Bayes with normal distributions: Efron and Morris,
    "Data Analysis Using Stein's Estimator and its Generalizations", JASA 70, 1975). The next doubling brings less than
    the last ones did, by the factor that holds for the accuracy of all.

    Args:
        sizes, hits: as ``fit_curve`` takes them.
        y_true: (M,) class numbers of the measured pictures.
        learned: pictures of each class that are learned from now.
        next_doubling: gain of the next doubling as part of a doubling so far, 0-1.
    """
    logs = np.log2(np.array(sizes, dtype=np.float64))
    late = logs >= logs[-1] - DOUBLINGS - 1e-9
    # Least squares of each picture's share of right answers against the logarithm of the size.
    centred = np.where(late, logs - logs[late].mean(), 0.0)
    contrast = centred / (centred**2).sum()
    right = np.stack([part.mean(axis=0) for part in hits])
    growth, now = contrast @ right, right[-1]
    counted = np.bincount(y_true, minlength=len(classes))
    shown = np.flatnonzero(counted > 0)
    counts = counted[shown].astype(np.float64)
    means = np.array([growth[y_true == number].mean() for number in shown])
    luck = _luck(contrast, hits, y_true, shown)
    means, errors, centre = _drawn_together(means, _squared_errors(growth, y_true, shown, counts) + luck)
    recalls = np.array([now[y_true == number].mean() for number in shown])
    lows, highs = rate_interval(recalls * counts, counts)
    gains = np.minimum(means * next_doubling, 1 - recalls)
    half = Z * errors * next_doubling
    surely = (means - Z * errors - centre) * next_doubling > 0
    found = [
        ClassGain(
            label=classes[number],
            pictures=int(learned[number]),
            measured=int(counts[at]),
            recall=Interval(float(recalls[at]), float(lows[at]), float(highs[at])),
            gain=Interval(
                float(gains[at]),
                float(max(gains[at] - half[at], -1)),
                float(min(gains[at] + half[at], 1 - recalls[at])),
            ),
            stands_out=bool(surely[at] and gains[at] - centre * next_doubling > CLEARLY),
        )
        for at, number in enumerate(shown.tolist())
    ]
    return tuple(sorted(found, key=lambda one: (-one.gain.value, one.label)))


def _clipped(value: float, half: float, most: float) -> Interval:
    return Interval(float(value), float(max(value - half, -1)), float(min(value + half, most)))


def _squared_errors(growth: Floats, y_true: NDArray[np.int64], shown: NDArray[np.int64], counts: Floats) -> Floats:
    """Return the sampling variance of each class's mean growth; a class of few pictures borrows the spread of all."""
    inside = np.concatenate([growth[y_true == number] - growth[y_true == number].mean() for number in shown])
    pooled = float((inside**2).sum() / max(len(inside) - len(shown), 1))
    own = np.array([((growth[y_true == n] - growth[y_true == n].mean()) ** 2).sum() for n in shown])
    errors: Floats = (own + POOLED * pooled) / (counts - 1 + POOLED) / counts
    return np.maximum(errors, 1e-12)


def _luck(
    contrast: Floats, hits: Sequence[NDArray[np.bool_]], y_true: NDArray[np.int64], shown: NDArray[np.int64]
) -> float:
    """Return the variance of a class's growth by which training pictures were drawn, the mean of all classes.

    It is that between single seeds, not that of their mean: they all draw from the same pictures, whose own luck no
    seed shows.
    """
    seeds = len(hits[0])
    if seeds < 2:
        return 0.0
    single = np.stack([contrast @ np.stack([part[seed % len(part)] for part in hits]) for seed in range(seeds)])
    by_class = np.stack([single[:, y_true == number].mean(axis=1) for number in shown])
    return float(by_class.var(axis=1, ddof=1).mean())


def _drawn_together(means: Floats, squares: Floats) -> tuple[Floats, Floats, float]:
    """Return the shrunken means, their standard errors, and the centre to which they were drawn."""
    between = max(0.0, float(means.var(ddof=1) - squares.mean())) if len(means) > 2 else 0.0
    weights = 1 / (between + squares)
    centre = float((weights * means).sum() / weights.sum())
    if len(means) <= 2:
        return means, np.sqrt(squares), centre
    keep = between / (between + squares)
    # What is not known of the centre is not known of a class that is drawn to it.
    variance = keep * squares + (1 - keep) ** 2 / weights.sum()
    return centre + keep * (means - centre), np.sqrt(variance), centre
