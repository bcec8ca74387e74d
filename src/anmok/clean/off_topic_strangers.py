"""Single strangers: pictures that are far from everything of their class and of every other class.

The distance is that to the k-th nearest neighbour (Ramaswamy, Rastogi and Shim, Efficient algorithms for mining
outliers from large data sets, 2000), between vectors of length 1, and is compared with what is usual in the class.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: The third neighbour: two copies of a stranger do not make it at home.
NEIGHBOUR = 3
#: Pictures of a class that the others are compared with at most, drawn by seed: the cost stays linear.
REFERENCES = 10_000
#: A stranger is farther than the usual, in logarithms, by so many deviations of the farther half: one in 740 where the
#: tail is normal.
FAR = 3.0
#: Distances in one block of rows: 10,000 x 500 float32 are 20 MB.
BLOCK = 500


@dataclass(frozen=True, slots=True, eq=False)
class Strangers:
    """How strange each of N pictures is.

    Attributes:
        deviations: float64 ``(N,)``, how far above the usual distance; ``FAR`` and more is strange.
        ratios: float64 ``(N,)``, distance divided by the class's median; 1 where the class is too small to say.
        limit: the ratio from which one is strange, learnt from the set; 0 where nothing could be learnt.
    """

    deviations: NDArray[np.float64]
    ratios: NDArray[np.float64]
    limit: float


def find_strangers(vectors: NDArray[np.float64], classes: NDArray[np.int64], *, seed: int) -> Strangers:
    """Compare the distance to the third nearest picture of the own class, or of a nearer one, with the class's usual.

    A picture that is at home in another class is no stranger but has a wrong label, which another check finds.

    Args:
        vectors: ``(N, D)``, rows of length 1.
        classes: ``(N,)`` from 0.
    """
    values = np.asarray(vectors, dtype=np.float32)
    members = [np.flatnonzero(classes == number) for number in range(int(classes.max(initial=-1)) + 1)]
    rng = np.random.default_rng(seed)
    drawn = [rng.permutation(rows)[:REFERENCES] for rows in members]
    own = np.full(len(values), np.nan)
    for rows, references in zip(members, drawn, strict=True):
        if len(references) > NEIGHBOUR:
            own[rows] = _kth_distance(values, rows, references)
    far, usual, spread = _compared(own, classes, members)
    suspects = np.flatnonzero(far > FAR)
    for number, references in enumerate(drawn):
        asked = suspects[classes[suspects] != number]
        if len(asked) and len(references) >= NEIGHBOUR:
            own[asked] = np.minimum(own[asked], _kth_distance(values, asked, references))
    known = np.isfinite(own) & (usual > 0)
    ratios = np.ones(len(own))
    ratios[known] = own[known] / usual[known]
    deviations = np.zeros(len(own))
    if spread > 0:
        deviations[known] = np.log(np.maximum(ratios[known], 1e-12)) / spread
    return Strangers(deviations, ratios, float(np.exp(FAR * spread)) if spread > 0 else 0.0)


def _compared(
    distances: NDArray[np.float64], classes: NDArray[np.int64], members: list[NDArray[np.int64]]
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Return how far each is above its class's median, in deviations; the medians; and the deviation.

    The deviation is learnt from all classes together, from the farther half alone: the nearer half has copies in it.
    """
    usual = np.zeros(len(distances))
    for rows in members:
        if len(rows) and np.isfinite(distances[rows]).any():
            usual[rows] = np.nanmedian(distances[rows])
    known = np.isfinite(distances) & (usual > 0)
    logs = np.zeros(len(distances))
    logs[known] = np.log(np.maximum(distances[known] / usual[known], 1e-12))
    above = logs[known & (logs > 0)]
    # 1.4826: median absolute deviation to standard deviation of a normal distribution.
    spread = float(np.median(above)) * 1.4826 if len(above) else 0.0
    return (logs / spread if spread > 0 else np.zeros(len(logs))), usual, spread


def _kth_distance(
    values: NDArray[np.float32], rows: NDArray[np.int64], references: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return float64 ``(n,)``: how far the ``NEIGHBOUR``-th nearest of ``references`` is from each of ``rows``."""
    found = np.empty(len(rows))
    known = values[references]
    for begin in range(0, len(rows), BLOCK):
        part = rows[begin : begin + BLOCK]
        squares = 2 - 2 * (values[part] @ known.T)
        squares[part[:, None] == references] = np.inf
        nearest = np.partition(squares, NEIGHBOUR - 1, axis=1)[:, NEIGHBOUR - 1]
        found[begin : begin + len(part)] = np.sqrt(np.maximum(nearest, 0))
    return found
