"""Was the model trained on the very pictures that it is measured on? Then its figures are no result.

A bundle does not list its training pictures, but it keeps the embeddings of some of each class. A measured picture that
gives one of them again is one of those pictures (or a copy). How many of the kept ones turn up says how large a part of
the training pictures is among the measured ones, whatever the files are called and however they were divided.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Two embeddings are of one picture if they differ by less than this part of their length. With MobileNetV2, half
#: precision makes 0.0003, pixels off by one at random (another JPEG decoder at its worst) 0.04; the nearest of
#: hundreds of different pictures is at 0.36.
SAME = 0.05
#: In models for which all pictures look more alike: this part of the way to the nearest other kept picture.
SAME_OF_NEAREST = 0.25
#: A kept embedding whose limit would be below this (it has a twin, or the model has collapsed) tells nothing.
TELLING = 0.002
#: Kept embeddings that are looked for at most; they decide the share to within about three points.
MOST = 1000
#: With fewer telling embeddings nothing is concluded.
FEWEST = 10
_BATCH = 256


class TrainingTrace:
    """Counts how many of a bundle's training pictures come by.

    Args:
        embeddings: floating point ``(R, D)``: what the bundle keeps, as its graph gives them.
    """

    def __init__(self, embeddings: NDArray[np.floating[Any]]) -> None:
        chosen = np.linspace(0, len(embeddings) - 1, min(MOST, len(embeddings))).round().astype(np.int64)
        kept = embeddings[chosen].astype(np.float32)
        limits = _limits(kept)
        telling = limits >= TELLING
        self._kept, self._limits = kept[telling], limits[telling, np.newaxis]
        self._found = np.zeros(len(self._kept), dtype=bool)
        self._waiting: list[NDArray[np.float32]] = []

    def see(self, embedding: NDArray[np.float32]) -> None:
        """Look whether a measured picture's embedding ``(D,)`` is one of the kept ones."""
        self._waiting.append(embedding)
        if len(self._waiting) == _BATCH:
            self._look()

    def share(self) -> float | None:
        """Return the share of the kept training pictures that came by, 0-1; None where that cannot be told."""
        self._look()
        return float(self._found.mean()) if len(self._kept) >= FEWEST else None

    def _look(self) -> None:
        if self._waiting and len(self._kept):
            self._found |= (_distances(self._kept, np.stack(self._waiting)) < self._limits).any(axis=1)
        self._waiting.clear()


def _limits(kept: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return ``(R,)``: how near a measured embedding must come to be the same picture; 0 for a dead embedding."""
    distances = _distances(kept, kept)
    np.fill_diagonal(distances, np.inf)
    nearest = distances.min(axis=1, initial=np.inf)
    alive = np.abs(kept).max(axis=1, initial=0) > 0
    return np.where(alive, np.minimum(SAME, SAME_OF_NEAREST * nearest), 0.0)


def _distances(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return ``(A, B)`` Euclidean distances as parts of the length of each of ``first``."""
    a, b = first.astype(np.float64), second.astype(np.float64)
    squares = np.einsum("ad,ad->a", a, a)
    between = squares[:, np.newaxis] + np.einsum("bd,bd->b", b, b) - 2 * (a @ b.T)
    relative: NDArray[np.float64] = np.sqrt(np.maximum(between, 0) / np.maximum(squares, 1e-30)[:, np.newaxis])
    return relative
