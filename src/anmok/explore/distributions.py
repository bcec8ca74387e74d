"""Distributions of every measure by class and by split, on one axis for each measure so that they can be compared."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from anmok.data.manifest import Manifest
from anmok.explore.measures import Measure, known_measures
from anmok.explore.results import Distribution, Kind, Measured
from anmok.records import SPLITS

#: Bins of a histogram: enough to show two humps, few enough for classes of some dozen pictures.
BINS = 24
#: The axis leaves out this share of all pictures at each end, so that one odd picture does not squeeze all others.
TRIMMED = 0.005
#: Digits that are kept of a share; a histogram in a small drawing shows no more.
DIGITS = 4


def measure_all(manifest: Manifest) -> tuple[Measured, ...]:
    """Return the distributions of all measures that the manifest knows."""
    labels = manifest.label_indices()
    names, splits = split_numbers(manifest.table)
    return tuple(_measured(measure, manifest, labels, names, splits) for measure in known_measures(manifest.table))


def split_numbers(table: pd.DataFrame) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Return the splits that there are, in their usual order, and (N,) int64 the number of each picture's; -1: none."""
    column = table["split"]
    names = tuple(split for split in SPLITS if (column == split).any())
    return names, pd.Index(names, dtype=object).get_indexer(pd.Index(column, dtype=object)).astype(np.int64)


def _measured(
    measure: Measure,
    manifest: Manifest,
    labels: NDArray[np.int64],
    splits: tuple[str, ...],
    split_of: NDArray[np.int64],
) -> Measured:
    values = measure.of(manifest.table)
    low, high = axis_of(values, logarithmic=measure.logarithmic)
    edges = np.geomspace(low, high, BINS + 1) if measure.logarithmic else np.linspace(low, high, BINS + 1)
    # The ends exactly: geomspace may miss them by the last digit.
    edges[0], edges[-1] = low, high
    return Measured(
        measure=measure.name,
        low=low,
        high=high,
        logarithmic=measure.logarithmic,
        whole=_distribution("", values, edges),
        classes=_by_group(manifest.classes, labels, values, edges),
        splits=_by_group(splits, split_of, values, edges),
    )


def axis_of(values: NDArray[np.float64], *, logarithmic: bool) -> tuple[float, float]:
    """Return the ends of an axis for all values but a few at both ends; never of no length.

    With ``logarithmic`` both ends are positive.
    """
    sound = values[np.isfinite(values)]
    if logarithmic:
        # Below the smallest normal number ratios are not exact any more.
        sound = sound[sound > np.finfo(np.float64).tiny]
    if not len(sound):
        return (0.5, 2.0) if logarithmic else (0.0, 1.0)
    low, high = (float(end) for end in np.quantile(sound, (TRIMMED, 1 - TRIMMED)))
    if logarithmic:
        # All the same, or nearly: a factor of two around it, so that equal pictures do not look spread.
        if high < low * 1.05:
            middle = low**0.5 * high**0.5
            return middle / 2, middle * 2
        return low, high
    if high - low < 1e-6 * max(1.0, abs(low)):
        return low - 0.5, high + 0.5
    return low, high


def _by_group(
    names: tuple[str, ...], numbers: NDArray[np.int64], values: NDArray[np.float64], edges: NDArray[np.float64]
) -> tuple[Distribution, ...]:
    # Sorted once: going through all pictures anew for each of many classes would take as many passes.
    order = np.argsort(numbers, kind="stable")
    ends = np.searchsorted(numbers[order], np.arange(len(names) + 1))
    return tuple(
        _distribution(name, values[order[ends[number] : ends[number + 1]]], edges) for number, name in enumerate(names)
    )


def _distribution(group: str, values: NDArray[np.float64], edges: NDArray[np.float64]) -> Distribution:
    values = values[np.isfinite(values)]
    if not len(values):
        return Distribution(group=group, count=0)
    counts, _edges = np.histogram(np.clip(values, edges[0], edges[-1]), bins=edges)
    return Distribution(
        group=group,
        count=len(values),
        quantiles=tuple(float(q) for q in np.quantile(values, (0, 0.25, 0.5, 0.75, 1))),
        histogram=tuple(round(float(share), DIGITS) for share in counts / len(values)),
    )


def count_classes(manifest: Manifest) -> dict[str, dict[str, int]]:
    """Return pictures by split and class; the split ``""`` only where pictures stand in none."""
    table = manifest.table
    counts = {}
    for split in (*SPLITS, ""):
        labels = table.loc[table["split"] == split, "label"]
        if len(labels):
            found = labels.value_counts()
            counts[split] = {label: int(found.get(label, 0)) for label in manifest.classes}
    return counts


def count_kinds(manifest: Manifest) -> tuple[Kind, ...]:
    """Return how many pictures are stored in which format and mode, the most frequent first."""
    table = manifest.table
    grouped = table.groupby(["format", "mode", "label"], sort=True).size().reset_index(name="count")
    kinds: dict[tuple[str, str], dict[str, int]] = {}
    for stored, mode, label, count in grouped.itertuples(index=False, name=None):
        kinds.setdefault((str(stored), str(mode)), {})[str(label)] = int(count)
    made = [
        Kind(format=stored, mode=mode, count=sum(classes.values()), classes=classes)
        for (stored, mode), classes in kinds.items()
    ]
    return tuple(sorted(made, key=lambda kind: (-kind.count, kind.format, kind.mode)))
