"""How honest a model's probabilities are on test pictures, before and after its temperature; thresholds beside them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anmok import metrics
from anmok.records import Interval
from anmok.training.predictions import Predictions


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Test pictures whose answers were given with about the same confidence: one bar of a reliability diagram.

    Attributes:
        low, high: of the confidence, 0-1; above ``low`` and at most ``high``.
        pictures: how many; at least 1.
        confidence: their mean, 0-1.
        accuracy: share of right answers among them, with its 95 % interval.
    """

    low: float
    high: float
    pictures: int
    confidence: float
    accuracy: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationFigures:
    """Probabilities against the truth on test pictures; less is better in every figure.

    Attributes:
        ece: expected calibration error, 15 bins of equal width, of the answered class's probability.
        ece_equal_mass: the same with 15 bins that hold about as many pictures each.
        ece_chance: what would be measured on average if all probabilities were exactly right; where ``ece`` is not
            above ``ece_chance_limit`` (95 % of such measurements stay below), nothing wrong is seen.
        mce: the largest gap of any bin. classwise: mean over the classes of the error of each class's probability.
        brier, log_loss: with intervals.
        bins: equal width, those that hold pictures, lowest confidence first.
    """

    ece: Interval
    ece_equal_mass: Interval
    ece_chance: float
    ece_chance_limit: float
    mce: float
    classwise: float
    brier: Interval
    log_loss: Interval
    bins: tuple[ReliabilityBin, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What the temperature did to a model's probabilities on test pictures.

    Attributes:
        pictures: test pictures.
        temperature: probability = softmax(logits / temperature); above 1 the model was too sure of itself.
        fitted_on: pictures that the temperature was fitted on, none of them a test picture.
        before, after: the temperature.
    """

    pictures: int
    temperature: float
    fitted_on: int
    before: CalibrationFigures
    after: CalibrationFigures


def measure_calibration(
    before: Predictions, after: Predictions, *, temperature: float, fitted_on: int, seed: int = 0, resamples: int = 2000
) -> Calibration:
    """Compare probabilities before and after the temperature on the pictures of ``after``.

    Args:
        before: a run's ``predictions()``; may hold more pictures.
        after: a run's ``answers()``; at least one picture.
        seed, resamples: of the intervals.

    Raises:
        ValueError: a picture of ``after`` is not in ``before``, or there is none.
    """
    row_of = {path: row for row, path in enumerate(before.paths)}
    missing = [path for path in after.paths if path not in row_of]
    if missing:
        raise ValueError(f"{len(missing)} answered pictures were not predicted before, the first is {missing[0]!r}")
    rows = [row_of[path] for path in after.paths]
    return Calibration(
        pictures=len(after.labels),
        temperature=temperature,
        fitted_on=fitted_on,
        before=figures(after.labels, before.probabilities[rows], seed=seed, resamples=resamples),
        after=figures(after.labels, after.probabilities, seed=seed, resamples=resamples),
    )


def figures(
    y_true: NDArray[np.int64], probabilities: NDArray[np.float32], *, seed: int = 0, resamples: int = 2000
) -> CalibrationFigures:
    """Measure probabilities ``(N, C)`` against the truth ``(N,)``, N >= 1."""
    stated, right = metrics.answered(y_true, probabilities)
    error = metrics.calibration_error(stated, right, seed=seed, resamples=resamples)
    equal_mass = metrics.calibration_error(stated, right, kind="equal-mass", seed=seed, resamples=resamples)
    seen = metrics.reliability(stated, right)
    lows, highs = metrics.rate_interval(seen.hits, seen.pictures)
    losses = metrics.average_intervals(
        y_true, probabilities, names=("brier_score", "log_loss"), seed=seed, resamples=resamples
    )
    return CalibrationFigures(
        ece=error.interval,
        ece_equal_mass=equal_mass.interval,
        ece_chance=error.chance,
        ece_chance_limit=error.chance_limit,
        mce=float(seen.gaps.max()),
        classwise=float(metrics.classwise_calibration_error(y_true, probabilities).mean()),
        brier=losses["brier_score"],
        log_loss=losses["log_loss"],
        bins=tuple(
            ReliabilityBin(
                low=float(seen.low[row]),
                high=float(seen.high[row]),
                pictures=int(seen.pictures[row]),
                confidence=float(seen.confidence[row]),
                accuracy=Interval(float(seen.hits[row] / seen.pictures[row]), float(lows[row]), float(highs[row])),
            )
            for row in range(len(seen.pictures))
        ),
    )
