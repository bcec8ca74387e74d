"""From right and wrong answers at several training-set sizes to a ``DataSizeCurve``: arrays in, values out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anmok.evaluation.class_gains import DOUBLINGS, class_gains
from anmok.evaluation.data_size import CurvePlace, DataSizeCurve, Forecast, Shape, SizePoint
from anmok.evaluation.extrapolate import FittedCurve, fit_curve
from anmok.metrics import rate_interval
from anmok.records import Interval

#: How many times as many pictures are asked about.
TIMES = (2.0, 5.0, 10.0)
#: Accuracy: a curve that surely gains less by twice as many pictures is called flat.
FLAT = 0.015
#: Pictures that such a gain must be at least, or the measured ones are too few to show that there is none.
FLAT_PICTURES = 3
#: Places of the drawn curve.
PLACES = 41


@dataclass(frozen=True, eq=False)
class SizeAnswers:
    """What was measured.

    Attributes:
        sizes: (P,) of the training sets, rising.
        hits: at each size bool ``(S, M)``, see ``extrapolate.fit_curve``.
        y_true: (M,) class numbers of the measured pictures.
        classes: names, K. learned: (K,) pictures of each class in the largest training set.
    """

    sizes: tuple[int, ...]
    hits: tuple[NDArray[np.bool_], ...]
    y_true: NDArray[np.int64]
    classes: tuple[str, ...]
    learned: tuple[int, ...]


def data_size_curve(answers: SizeAnswers, *, model: str, split: str, seed: int, seconds: float) -> DataSizeCurve:
    """Fit the curve and say what more pictures would bring.

    Args:
        model, split, seed, seconds: handed on to the result.
    """
    fitted = fit_curve(answers.sizes, answers.hits)
    now = answers.sizes[-1]
    counts = [round(now * times) for times in TIMES]
    same, elsewhere = fitted.expect(counts)
    gain = fitted.gain(2)
    places = np.unique(np.geomspace(answers.sizes[0], counts[-1], PLACES).round().astype(np.int64))
    return DataSizeCurve(
        model=model,
        split=split,
        classes=answers.classes,
        measured=len(answers.y_true),
        points=tuple(_point(answers, number) for number in range(len(answers.sizes))),
        shape=_shape(gain, len(answers.y_true), all_right=bool(answers.hits[-1].all())),
        gain=gain,
        forecasts=tuple(
            Forecast(times, pictures, here, there)
            for times, pictures, here, there in zip(TIMES, counts, same, elsewhere, strict=True)
        ),
        curve=tuple(
            CurvePlace(int(size), accuracy) for size, accuracy in zip(places, fitted.expect(places)[0], strict=True)
        ),
        per_class=class_gains(
            answers.sizes,
            answers.hits,
            answers.y_true,
            classes=answers.classes,
            learned=answers.learned,
            next_doubling=_next_doubling(fitted),
        ),
        seed=seed,
        seconds=seconds,
    )


def _point(answers: SizeAnswers, number: int) -> SizePoint:
    hits = answers.hits[number]
    mean, measured = float(hits.mean()), hits.shape[1]
    low, high = rate_interval(mean * measured, measured)
    right = hits.mean(axis=0)
    recalls = tuple(
        float(right[answers.y_true == label].mean()) if (answers.y_true == label).any() else float("nan")
        for label in range(len(answers.classes))
    )
    return SizePoint(
        answers.sizes[number],
        tuple(float(value) for value in hits.mean(axis=1)),
        Interval(mean, float(low), float(high)),
        recalls,
    )


def _shape(gain: Interval, measured: int, *, all_right: bool) -> Shape:
    if all_right:
        # A dozen pictures that are all recognised would hide any gain on others.
        return "unclear"
    if gain.high < FLAT:
        return "flat" if measured * FLAT >= FLAT_PICTURES else "unclear"
    return "rising" if gain.low > 0 else "unclear"


def _next_doubling(fitted: FittedCurve) -> float:
    """Return the gain of the next doubling as part of what a doubling brought lately, 0-1, on the fitted curve."""
    now = fitted.sizes[-1]
    before, here, after = (one.value for one in fitted.expect([now / 2**DOUBLINGS, now, now * 2])[0])
    lately = (here - before) / DOUBLINGS
    return float(np.clip((after - here) / lately, 0.2, 1.0)) if lately > 1e-6 else 0.7
