"""Distance to the nearest training embeddings, all of length 1: to the k-th, and the mean over the first k.

The k-th: Sun, Ming, Zhu and Li, Out-of-Distribution Detection with Deep Nearest Neighbors, ICML 2022. The mean:
Bergman, Cohen and Hoshen, Deep Nearest Neighbor Anomaly Detection, 2020.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from anmok.bundle.reference import Reference
from anmok.bundle.unknown.registry import Floats, Range, Score, ScoreSpec, register_score, unit_rows
from anmok.i18n import marked as _

#: How many neighbours count; measured in docs/unknown.md. One alone would let a single odd training picture decide.
NEIGHBOURS = 3
MOST_NEIGHBOURS = 1000
#: Pictures that are compared at a time: so many rows of likeness are in memory.
AT_ONCE = 256


class NeighbourDistance:
    """Euclidean distance between unit vectors, 0 (the same direction) to 2.

    Args:
        neighbours: k; of fewer pictures than that, all count.
        mean: the root of the mean squared distance to the k nearest, and not the distance to the k-th.
    """

    def __init__(self, reference: Reference, neighbours: int, *, mean: bool = False) -> None:
        if len(reference.labels) == 0:
            raise ValueError("no embeddings to compare with")
        self._count = min(neighbours, len(reference.labels))
        self._mean = mean
        self._known = unit_rows(reference.embeddings)

    def __call__(self, embeddings: Floats, logits: Floats) -> NDArray[np.float64]:
        """See ``Score``."""
        result = np.empty(len(embeddings), dtype=np.float64)
        for start in range(0, len(embeddings), AT_ONCE):
            asked = unit_rows(embeddings[start : start + AT_ONCE])
            # Of unit vectors, half the squared distance.
            unlike = 1 - asked @ self._known.T
            nearest = np.partition(unlike, self._count - 1, axis=1)[:, : self._count].astype(np.float64)
            halves = nearest.mean(axis=1) if self._mean else nearest[:, -1]
            result[start : start + len(asked)] = np.sqrt(2 * np.maximum(halves, 0))
        return result


def make_neighbours(reference: Reference, settings: Mapping[str, float]) -> Score:
    """Return the distance to the neighbour of the rank ``settings["neighbours"]``."""
    return NeighbourDistance(reference, int(settings["neighbours"]), mean=False)


def make_neighbour_mean(reference: Reference, settings: Mapping[str, float]) -> Score:
    """Return the mean distance to the ``settings["neighbours"]`` nearest."""
    return NeighbourDistance(reference, int(settings["neighbours"]), mean=True)


register_score(
    ScoreSpec(
        name="neighbour-mean",
        title=_("mean distance to the nearest training pictures"),
        source="Bergman, Cohen, Hoshen: Deep Nearest Neighbor Anomaly Detection, 2020",
        uses_embeddings=True,
        make=make_neighbour_mean,
        settings={"neighbours": Range(NEIGHBOURS, 1, MOST_NEIGHBOURS, whole=True)},
    )
)
register_score(
    ScoreSpec(
        name="neighbours",
        title=_("distance to the k-th nearest training picture"),
        source="Sun, Ming, Zhu, Li: Out-of-Distribution Detection with Deep Nearest Neighbors, ICML 2022",
        uses_embeddings=True,
        make=make_neighbours,
        settings={"neighbours": Range(NEIGHBOURS, 1, MOST_NEIGHBOURS, whole=True)},
    )
)
