"""Growing parts of a set of pictures, each holding the one before, by class and in whole groups."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from anmok.data.cut import Cuttable, draw_lots


def nested_subsets(pictures: Cuttable, shares: Sequence[float], *, seed: int) -> list[NDArray[np.int64]]:
    """Choose about these shares of the pictures of each class.

    Groups come in the order of their lots (``draw_lots``), as in ``cut``: one is chosen if it takes no class over its
    share, rounded. Each subset begins with the one before, so the subsets of one seed are nested, and what a larger one
    does better is due to pictures that were added. A class of which no group was small enough gives its smallest one.

    Args:
        pictures: what to choose from, groups without gaps (``Cuttable.take``).
        shares: rising, above 0; 1 takes all.
        seed: of the lots.

    Returns:
        rows, int64, rising, for each share.
    """
    if list(shares) != sorted(shares) or not all(0 < share <= 1 for share in shares):
        raise ValueError(f"shares {list(shares)}; rising numbers above 0 and up to 1 are wanted")
    labels, groups = pictures.labels, pictures.groups
    sizes = np.bincount(labels)
    order = np.argsort(draw_lots(pictures, seed), kind="stable")
    # (group, class) -> pictures, for the groups in the order of their lots.
    parts = np.zeros((len(order), len(sizes)), dtype=np.int64)
    np.add.at(parts, (groups, labels), 1)
    chosen = np.zeros(len(order), dtype=bool)
    subsets = []
    for share in shares:
        target = np.maximum(np.floor(sizes * share + 0.5).astype(np.int64), 1)
        left = target - parts[chosen].sum(axis=0)
        for group in order[~chosen[order]]:
            if (parts[group] <= left)[parts[group] > 0].all():
                chosen[group] = True
                left -= parts[group]
        for label in np.flatnonzero((parts[chosen].sum(axis=0) == 0) & (sizes > 0)):
            own = order[parts[order, label] > 0]
            chosen[own[parts[own].sum(axis=1).argmin()]] = True
        subsets.append(np.flatnonzero(chosen[groups]) if share < 1 else np.arange(len(labels)))
    return subsets
