"""Looks at a manifest and says, as values, what the report tells about the data."""

from __future__ import annotations

import numpy as np
import pandas as pd

from anmok.data.manifest import Manifest
from anmok.evaluation.results import DataSummary
from anmok.records import SPLITS

SAMPLES_PER_CLASS = 8


def summarise_data(manifest: Manifest, *, seed: int) -> DataSummary:
    """Return counts, five-number summaries and a few sample paths per class of a manifest with splits.

    Args:
        seed: of the choice of sample pictures.
    """
    table = manifest.table
    counts = {
        split: dict.fromkeys(manifest.classes, 0) | _counts(table.loc[table["split"] == split, "label"])
        for split in SPLITS
        if (table["split"] == split).any()
    }
    random = np.random.default_rng(seed)
    samples = {}
    for label in manifest.classes:
        paths = table.loc[table["label"] == label, "path"].sort_values().to_numpy()
        chosen = random.permutation(len(paths))[:SAMPLES_PER_CLASS]
        samples[label] = tuple(str(paths[i]) for i in chosen)
    return DataSummary(
        source=manifest.name,
        location=manifest.source,
        content_hash=manifest.content_hash,
        classes=manifest.classes,
        counts=counts,
        notes=manifest.notes,
        quarantined=manifest.quarantined,
        ignored=manifest.ignored,
        widths=_five_numbers(table["width"]),
        heights=_five_numbers(table["height"]),
        brightness=_five_numbers(table["brightness"]),
        contrast=_five_numbers(table["contrast"]),
        samples=samples,
    )


def _counts(labels: pd.Series[str]) -> dict[str, int]:
    return {str(label): int(n) for label, n in labels.value_counts().items()}


def _five_numbers(column: pd.Series[float]) -> tuple[float, ...]:
    return tuple(float(x) for x in np.quantile(column.to_numpy(dtype=np.float64), (0, 0.25, 0.5, 0.75, 1)))
