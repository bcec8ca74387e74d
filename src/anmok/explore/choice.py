"""Which pictures are shown where not all can be: some of each class, drawn by lot, the same whatever the order."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from anmok.data.manifest import Manifest

#: Pictures that every class keeps in a sample, as far as it has them, however many classes are larger.
LEAST = 3


def draw_lots(manifest: Manifest, *, seed: int) -> NDArray[np.int64]:
    """Return (N,) int64: the place of each picture in the draw of its class, from 0.

    Lots are hashes of the pictures' ids under the seed: the order of rows does not matter, and a picture that comes
    later moves hardly any other.
    """
    table = manifest.table
    lots = pd.util.hash_array(table["id"].to_numpy(dtype=object), hash_key=f"{seed % 10**16:016d}", categorize=False)
    labels = manifest.label_indices()
    # Copies of one file have one id; their paths tell them apart, so that the order of rows still does not matter.
    order = np.lexsort((table["path"].to_numpy(dtype=object).astype(str), lots, labels))
    places = np.empty(len(order), dtype=np.int64)
    starts = np.searchsorted(labels[order], labels[order], side="left")
    places[order] = np.arange(len(order)) - starts
    return places


def choose_rows(manifest: Manifest, *, most: int, seed: int) -> NDArray[np.int64]:
    """Return the rows of at most ``most`` pictures, ascending: each class by its share, small ones at least a few.

    Args:
        most: how many in all; with more than that many classes, one of each of the largest.
        seed: of the lots.
    """
    labels = manifest.label_indices()
    counts = np.bincount(labels, minlength=len(manifest.classes))
    quotas = quotas_of(counts, most)
    return np.flatnonzero(draw_lots(manifest, seed=seed) < quotas[labels])


def quotas_of(counts: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Divide ``most`` places among groups of ``counts`` pictures: ``LEAST`` for each first, the rest by size.

    Returns:
        int64, as many as groups; none over its count, together ``min(most, counts.sum())``.
    """
    if counts.sum() <= most:
        return counts.copy()
    quotas = np.zeros_like(counts)
    for _round in range(LEAST):
        # Largest first, so that where places run out, the smallest classes are those that go without.
        for group in np.argsort(-counts, kind="stable"):
            if quotas.sum() < most and quotas[group] < counts[group]:
                quotas[group] += 1
    left, room = most - quotas.sum(), counts - quotas
    shares = room * (left / max(1, room.sum()))
    quotas += np.floor(shares).astype(np.int64)
    # What rounding left over goes to the largest remainders.
    rest = most - int(quotas.sum())
    remainders = np.where(quotas < counts, shares - np.floor(shares), -1.0)
    quotas[np.argsort(-remainders, kind="stable")[:rest]] += 1
    return quotas


def choose_samples(manifest: Manifest, *, each: int, seed: int) -> dict[str, tuple[str, ...]]:
    """Return the paths of up to ``each`` pictures of every class, in the order of their lots."""
    places = draw_lots(manifest, seed=seed)
    labels = manifest.label_indices()
    rows = np.flatnonzero(places < each)
    rows = rows[np.lexsort((places[rows], labels[rows]))]
    paths = manifest.table["path"].to_numpy(dtype=object)
    chosen: dict[str, list[str]] = {label: [] for label in manifest.classes}
    for row in rows.tolist():
        chosen[manifest.classes[labels[row]]].append(str(paths[row]))
    return {label: tuple(of_label) for label, of_label in chosen.items()}
