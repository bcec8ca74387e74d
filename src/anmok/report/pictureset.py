"""The pictures that a comparison stands on, ready to be drawn: counts, samples, sizes, quarantine."""

from __future__ import annotations

from dataclasses import dataclass

from anmok.evaluation.results import DataSummary
from anmok.i18n import _
from anmok.records import SPLITS, Quarantined
from anmok.report import words
from anmok.report.pictures import Thumbnail, Thumbnails

MOST_SAMPLES = 240
MOST_SAMPLES_OF_CLASS = 6
MOST_QUARANTINED = 50
_MANY_CLASSES = 12
_LONG_TABLE = 24


@dataclass(frozen=True, slots=True)
class Counts:
    """Pictures of one class; ``parts`` are (split, count, per cent of the longest bar)."""

    label: str
    parts: tuple[tuple[str, int, float], ...]
    total: int


@dataclass(frozen=True, slots=True)
class FiveNumbers:
    """Minimum, quartiles, median and maximum as text and as positions on an axis (0-100)."""

    title: str
    unit: str
    texts: tuple[str, ...]
    at: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Samples:
    """A few pictures of one class."""

    label: str
    shown: tuple[Thumbnail, ...]


@dataclass(frozen=True, slots=True)
class PictureSet:
    """What the section about the data shows."""

    splits: tuple[str, ...]
    counts: tuple[Counts, ...]
    totals: tuple[int, ...]
    total: int
    long: bool
    numbers: tuple[FiveNumbers, ...]
    samples: tuple[Samples, ...]
    small: bool
    quarantined: tuple[Quarantined, ...]
    quarantined_more: int


def build(data: DataSummary, thumbnails: Thumbnails) -> PictureSet:
    """Return the section's values."""
    splits = tuple(s for s in SPLITS if s in data.counts) + tuple(sorted(s for s in data.counts if s not in SPLITS))
    totals = tuple(sum(data.counts[split].values()) for split in splits)
    return PictureSet(
        splits=splits,
        counts=_counts(data, splits),
        totals=totals,
        total=sum(totals),
        long=len(data.classes) > _LONG_TABLE,
        numbers=_five_numbers(data),
        samples=_samples(data, thumbnails),
        small=len(data.classes) > _MANY_CLASSES,
        quarantined=data.quarantined[:MOST_QUARANTINED],
        quarantined_more=max(0, len(data.quarantined) - MOST_QUARANTINED),
    )


def _counts(data: DataSummary, splits: tuple[str, ...]) -> tuple[Counts, ...]:
    rows = [(label, [data.counts[split].get(label, 0) for split in splits]) for label in data.classes]
    longest = max((sum(numbers) for _label, numbers in rows), default=0) or 1
    return tuple(
        Counts(
            label,
            tuple((split, n, round(100 * n / longest, 2)) for split, n in zip(splits, numbers, strict=True)),
            sum(numbers),
        )
        for label, numbers in rows
    )


def _five_numbers(data: DataSummary) -> tuple[FiveNumbers, ...]:
    longest = max((*data.widths, *data.heights, 1.0))
    rows = (
        (_("Width"), _("pixels"), data.widths, longest),
        (_("Height"), _("pixels"), data.heights, longest),
        (_("Brightness"), _("0 – 255"), data.brightness, 255.0),
        (_("Contrast"), _("0 – 255"), data.contrast, 255.0),
    )
    return tuple(
        FiveNumbers(
            title,
            unit,
            tuple(_number(value) for value in values),
            tuple(round(100 * min(1.0, max(0.0, value / end)), 2) for value in values),
        )
        for title, unit, values, end in rows
        if len(values) == 5
    )


def _number(value: float) -> str:
    return words.count(value) if value == round(value) else f"{value:,.1f}"


def _samples(data: DataSummary, thumbnails: Thumbnails) -> tuple[Samples, ...]:
    many = len(data.classes) > _MANY_CLASSES
    each = max(1, min(MOST_SAMPLES_OF_CLASS, MOST_SAMPLES // max(1, len(data.classes))))
    samples = tuple(
        Samples(label, tuple(thumbnails.of(path, 96 if many else 160) for path in data.samples[label][:each]))
        for label in data.classes[:MOST_SAMPLES]
        if data.samples.get(label)
    )
    return samples if any(thumbnail.src for sample in samples for thumbnail in sample.shown) else ()
