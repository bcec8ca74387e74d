"""Which rows of a manifest are learned from and asked, in an order that the pictures alone decide."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anmok.data.manifest import Manifest
from anmok.training.predictions import Predictions


def rows_of(manifest: Manifest, *splits: str) -> NDArray[np.int64]:
    """Return the rows of these splits, int64 ``(N,)``, ordered by picture and path.

    A manifest's content hash does not depend on the order of its rows, so what is trained must not either; and
    renaming files must not change a figure, so pictures come by their hash first.
    """
    table = manifest.table[["path", "id"]][manifest.table["split"].isin(splits)]
    return table.sort_values(["id", "path"]).index.to_numpy(dtype=np.int64)


def groups_of(manifest: Manifest) -> list[str]:
    """Return the group of each picture: what the manifest says, else the hash of its bytes."""
    return [group or own for group, own in zip(manifest.table["group"], manifest.table["id"], strict=True)]


def predictions_of(manifest: Manifest, rows: NDArray[np.int64], probabilities: NDArray[np.float32]) -> Predictions:
    """Return the predictions for rows ``(N,)`` of a manifest from probabilities ``(N, K)``."""
    table = manifest.table.iloc[rows]
    return Predictions(
        tuple(table["path"]), tuple(table["id"]), tuple(table["split"]), manifest.label_indices()[rows], probabilities
    )
