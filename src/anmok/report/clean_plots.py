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
    """A histogram; heights grow with the logarithm, so that few flagged ones among thousands can be seen."""

    title: str
    bars: tuple[Bar, ...]
    low: str
    high: str
    threshold: str
    at: float


def bars(histogram: Histogram) -> Bars:
    """Return a stored histogram as shapes."""
    most = math.log1p(max(histogram.counts, default=0)) or 1.0
    width = 100 / max(1, len(histogram.counts))
    span = histogram.high - histogram.low
    shapes = tuple(
        Bar(
            x=round(place * width, 3),
            width=round(width * 0.86, 3),
            height=round(100 * math.log1p(count) / most, 2),
            flagged=round(100 * math.log1p(flagged) / most, 2),
            text=f"{words.decimal(histogram.low + place * span / len(histogram.counts))}: {words.count(count)}",
        )
        for place, (count, flagged) in enumerate(zip(histogram.counts, histogram.flagged, strict=True))
        if count
    )
    threshold = histogram.threshold
    return Bars(
        title=clean_words.measure(histogram.measure),
        bars=shapes,
        low=words.decimal(histogram.low),
        high=words.decimal(histogram.high),
        threshold="" if math.isnan(threshold) else words.decimal(threshold),
        at=0.0 if math.isnan(threshold) else round(100 * (threshold - histogram.low) / span, 2),
    )
