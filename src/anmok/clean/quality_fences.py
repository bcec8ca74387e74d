"""Fences: how far from what is usual in a set a value may lie, learnt from the set and bounded by good sense.

A fence stands three robust deviations from the median on its side: 1.4826 times the median distance of the values on
that side, which is the standard deviation where values are normal (P. J. Rousseeuw, C. Croux, Alternatives to the
median absolute deviation, 1993; each side alone, because brightness, sizes and sharpness are skewed). A quarter of the
set may be faulty before the fence gives way. It never stands nearer than ``apart``, so that a set whose pictures are
all alike flags nothing for being a little different, and never beyond ``bound``, so that what is fine by itself is
not flagged for being unusual. In a folder (a class in a split) whose median lies farther
out, the fence moves out with it: mountains in haze have less detail than streets. A folder of which a quarter and more
still lies beyond the set's fence is different, not faulty, and has a fence of its own: a class of caves may be dark.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from anmok.data.manifest import Manifest
from anmok.records import SPLITS

Side = Literal["low", "high"]

#: So many robust deviations from the median are usual: of normal values one in a thousand lies beyond.
DEVIATIONS = 3.0
#: Where more of a folder lies beyond the fence of the set than this, it has a fence of its own.
FOLDER_SHARE = 0.25
#: Of fewer pictures nothing is usual.
FEWEST = 10
_NORMAL = 1.4826


@dataclass(frozen=True, slots=True, eq=False)
class Fence:
    """What is usual, and where that ends.

    Attributes:
        side: where the unusual values lie.
        values: float64 ``(N,)``, what was compared.
        usual: the median of the set.
        limit: of the set; nan where there are too few pictures to learn one.
        limits: float64 ``(N,)``: for each picture the limit of the set or of its folder, whichever allows more.
        flags: bool ``(N,)``: beyond the limit.
        scores: float64 ``(N,)``: 1 for the median and what lies on its other side, 0.5 at the limit, falling to 0.
    """

    side: Side
    values: NDArray[np.float64]
    usual: float
    limit: float
    limits: NDArray[np.float64]
    flags: NDArray[np.bool_]
    scores: NDArray[np.float64]


def folders_of(manifest: Manifest) -> NDArray[np.int64]:
    """Return ``(N,)``: a number for each class in each split."""
    numbers = {"": 0} | {split: number for number, split in enumerate(SPLITS, start=1)}
    splits = manifest.table["split"].map(numbers).to_numpy(dtype=np.int64)
    return manifest.label_indices() * len(numbers) + splits


def learn_fence(
    values: NDArray[np.float64], folders: NDArray[np.int64], side: Side, *, apart: float, bound: float | None = None
) -> Fence:
    """Learn the fence of one side.

    Args:
        values: ``(N,)``, finite, on a scale on which equal steps mean equally much.
        folders: ``(N,)`` numbers of the folders, see ``folders_of``.
        apart: > 0, the least distance from the median to the limit.
        bound: on the side ``low`` the limit is never above it, on the side ``high`` never below.
    """
    sign = 1.0 if side == "low" else -1.0
    # Turned, so that what is unusual is always small.
    turned, most = sign * values, np.inf if bound is None else sign * bound
    if len(values) < FEWEST:
        usual = float(np.median(values)) if len(values) else float("nan")
        none = np.full(len(values), np.nan)
        return Fence(
            side, values, usual, float("nan"), none, np.zeros(len(values), dtype=np.bool_), np.ones(len(values))
        )
    middle, distance = _learn(turned, apart)
    limit = min(middle - distance, most)
    limits = np.full(len(values), limit)
    for number in np.unique(folders):
        rows = folders == number
        if rows.sum() < FEWEST:
            continue
        own_middle, own_distance = _learn(turned[rows], apart)
        if (turned[rows] < limit).mean() <= FOLDER_SHARE:
            own_distance = distance
        limits[rows] = min(limit, own_middle - own_distance)
    # Distances from the limit, as shares of the way from the median to the limit of the set.
    steps = (turned - limits) / (middle - limit)
    scores = np.where(steps < 0, 0.5 * 2.0 ** np.minimum(steps, 0), 0.5 + 0.5 * np.clip(steps, 0, 1))
    return Fence(side, values, sign * middle, sign * limit, sign * limits, turned < limits, scores)


def _learn(turned: NDArray[np.float64], apart: float) -> tuple[float, float]:
    """Return the median and the distance from it to the limit."""
    middle = float(np.median(turned))
    deviation = _NORMAL * float(np.median(middle - turned[turned <= middle]))
    return middle, max(DEVIATIONS * deviation, apart)
