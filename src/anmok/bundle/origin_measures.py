"""What is measured of pictures and compared when a bundle meets others: names and how each is made of a manifest."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from anmok.bundle.origin import Origin, spreads_of
from anmok.bundle.reference import Reference
from anmok.bundle.unknown.neighbours import make_neighbours
from anmok.data.manifest import Manifest
from anmok.records import TRAIN

Floats = NDArray[np.float64]


def _numbers(table: pd.DataFrame, name: str) -> Floats:
    return table[name].to_numpy(dtype=np.float64)


#: Never change: bundles keep distances that were measured so.
SETTINGS = {"neighbours": 5.0}

#: By name; units and ranges as ``ImageRecord`` has them.
MEASURES: Mapping[str, Callable[[pd.DataFrame], Floats]] = {
    "brightness": lambda table: _numbers(table, "brightness"),
    "contrast": lambda table: _numbers(table, "contrast"),
    "saturation": lambda table: _numbers(table, "saturation"),
    # Mean red less mean blue: above 0 is warm, below cold.
    "warmth": lambda table: _numbers(table, "mean_r") - _numbers(table, "mean_b"),
    "sharpness": lambda table: _numbers(table, "sharpness"),
    # Pixels, the side of a square as large as the picture.
    "size": lambda table: np.sqrt(_numbers(table, "width") * _numbers(table, "height")),
    # Width by height.
    "aspect": lambda table: _numbers(table, "width") / _numbers(table, "height"),
    # Bits of the file for each pixel: low where it is strongly compressed.
    "bits_per_pixel": lambda table: (
        8 * _numbers(table, "bytes") / (_numbers(table, "width") * _numbers(table, "height"))
    ),
}


def origin_of(manifest: Manifest) -> Origin:
    """Return the statistics of the training pictures of a manifest; distances are added by ``distances_of``."""
    train = manifest.of_split(TRAIN)
    labels = train.label_indices()
    return Origin(
        measures={
            name: spreads_of(measure(train.table), labels, len(manifest.classes)) for name, measure in MEASURES.items()
        },
        formats={str(name): int(count) for name, count in train.table["format"].value_counts().sort_index().items()},
    )


def distances_of(embeddings: NDArray[np.floating], reference: Reference) -> Floats:
    """Return the distance of embeddings ``(N, D)`` to their nearest neighbours among the remembered ones.

    It is that of the score ``neighbours`` of "none of these", with fixed settings.
    """
    nothing = np.zeros((len(embeddings), 0), dtype=np.float32)
    score = make_neighbours(reference, SETTINGS)
    return score(np.asarray(embeddings, dtype=np.float32), nothing)
