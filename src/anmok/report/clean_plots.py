"""Histograms of the review page as plain shapes: the measure, the flagged part, the threshold that was learnt."""

from __future__ import annotations

import math
from dataclasses import dataclass

from anmok.clean.outcome import Histogram
from anmok.report import clean_words, words


@dataclass(frozen=True, slots=True)
class Bar:
    """Left edge, width, and heights of all and of the flagged pictures, per cent of the frame; counts as text."""

    x: float
    width: float
    height: float
    flagged: float
    text: str


@dataclass(frozen=True, slots=True)
class Bars:
    """A histogram; heights grow with the logarithm, so that few flagged ones among thousands can be seen.

    Attributes:
        thresholds: as text. at: where they stand, per cent of the width.
    """

    title: str
    bars: tuple[Bar, ...]
    low: str
    high: str
    thresholds: str
    at: tuple[float, ...]


def bars(histogram: Histogram) -> Bars:
    """Return a stored histogram as shapes."""
    most = math.log1p(max(histogram.counts, default=0)) or 1.0
    step = 1 / max(1, len(histogram.counts))
    shapes = tuple(
        Bar(
            x=round(100 * place * step, 3),
            width=round(86 * step, 3),
            height=round(100 * math.log1p(count) / most, 2),
            flagged=round(100 * math.log1p(flagged) / most, 2),
            text=f"{words.decimal(_value(histogram, place * step))}: {words.count(count)}",
        )
        for place, (count, flagged) in enumerate(zip(histogram.counts, histogram.flagged, strict=True))
        if count
    )
    return Bars(
        title=clean_words.measure(histogram.measure),
        bars=shapes,
        low=words.decimal(histogram.low),
        high=words.decimal(histogram.high),
        thresholds=", ".join(words.decimal(threshold) for threshold in histogram.thresholds),
        at=tuple(round(100 * _place(histogram, threshold), 2) for threshold in histogram.thresholds),
    )


def _place(histogram: Histogram, value: float) -> float:
    """Return where a value stands, 0-1 of the width."""
    low, high, at = ((math.log2(1 + v) if histogram.octaves else v) for v in (histogram.low, histogram.high, value))
    return (at - low) / (high - low)


def _value(histogram: Histogram, place: float) -> float:
    """Return the value that stands at ``place``, 0-1 of the width."""
    if not histogram.octaves:
        return histogram.low + place * (histogram.high - histogram.low)
    low, high = math.log2(1 + histogram.low), math.log2(1 + histogram.high)
    return float(2.0 ** (low + place * (high - low)) - 1)
