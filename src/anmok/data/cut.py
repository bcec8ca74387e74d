"""How a share of pictures is chosen: the same share of each class, whole groups, settled by content and seed alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

NEAR = "near-"
"""Begins the names of groups of near copies; other groups are those that the source gives."""


def picture_groups(table: pd.DataFrame) -> NDArray[np.int64]:
    """Return (N,) int64: the number of each picture's group.

    Pictures with the same id, and pictures with the same ``group`` (but ``""``), are of one group; so are those
    that are linked through others.
    """
    ids = pd.factorize(table["id"])[0].astype(np.int64)
    named = np.flatnonzero((table["group"] != "").to_numpy())
    if not len(named):
        return ids
    names = pd.factorize(table["group"].iloc[named])[0].astype(np.int64)
    count = ids.max() + 1
    size = count + names.max() + 1
    edges = coo_array((np.ones(len(named), dtype=np.int8), (ids[named], count + names)), shape=(size, size))
    components: NDArray[np.int64] = connected_components(edges, directed=False)[1].astype(np.int64)
    return components[ids]


@dataclass(frozen=True, slots=True)
class Cuttable:
    """Pictures to choose from.

    Attributes:
        labels: (N,) number of the class, from 0.
        groups: (N,) number of the group, see ``picture_groups``.
        ids: (N,) str, what the lots are drawn by.
    """

    labels: NDArray[np.int64]
    groups: NDArray[np.int64]
    ids: NDArray[Any]

    def take(self, rows: NDArray[np.int64]) -> Cuttable:
        """Return the pictures of these rows, their groups numbered anew without gaps."""
        _codes, groups = np.unique(self.groups[rows], return_inverse=True)
        return Cuttable(self.labels[rows], groups, self.ids[rows])


def cut(
    pictures: Cuttable, *, share: float, seed: int, every_class: bool
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Choose about ``share`` of the pictures of each class.

    Every group draws a lot: a hash of one of its pictures' ids, keyed by the seed. In the order of the lots a group
    is chosen if it does not take one of its classes over its target, which is the share rounded and leaves one
    picture at least; beside a group that is larger than that, half of the class's other pictures stay, too. So names
    and order do not matter, and a picture that is added later moves hardly any other. Unlike scikit-learn's
    StratifiedGroupKFold this takes any share, and one pass.

    Args:
        pictures: what to choose from, groups without gaps (``take``).
        share: 0-1.
        every_class: choose the smallest group of a class from which no group was small enough.

    Returns:
        (N,) bool, the choice; and the classes from which nothing could be chosen although ``every_class`` wants it.
    """
    labels, groups = pictures.labels, pictures.groups
    first, counts, mixed = _contents(labels, groups)
    target = _targets(pictures, first, counts, mixed, share=share, least=int(every_class))
    order = np.argsort(draw_lots(pictures, seed), kind="stable")
    left = target.tolist()
    taken = []
    # Plain numbers in a plain loop: a million groups take half a second.
    for group, label, count in zip(order.tolist(), first[order].tolist(), counts[order].tolist(), strict=True):
        parts = mixed.get(group, ((label, count),))
        if all(n <= left[k] for k, n in parts):
            taken.append(group)
            for k, n in parts:
                left[k] -= n
    chosen = np.zeros(len(order), dtype=bool)
    chosen[taken] = True
    without = np.flatnonzero((target > 0) & (target == left)).tolist() if every_class else []
    for label in without:
        # Mixed groups that were chosen for another class may have served this one meanwhile.
        if not chosen[groups[labels == label]].any():
            _choose_smallest(chosen, label, order, pictures)
    still = [label for label in without if not chosen[groups[labels == label]].any()]
    return chosen[groups], np.array(still, dtype=np.int64)


def _targets(
    pictures: Cuttable,
    first: NDArray[np.int64],
    counts: NDArray[np.int64],
    mixed: Mapping[int, tuple[tuple[int, int], ...]],
    *,
    share: float,
    least: int,
) -> NDArray[np.int64]:
    """Return (classes,) int64: how many pictures of each class are to be chosen at most.

    Beside a group that is too large to be chosen - a film, whose frames are near copies - the target could be all
    other pictures of the class, and the film all that is left to learn from. So of these others half stays.
    """
    labels, groups = pictures.labels, pictures.groups
    sizes = np.bincount(labels, minlength=int(labels.max(initial=-1)) + 1)
    target = np.floor(sizes * share + 0.5).astype(np.int64)
    too_large = counts > target[first]
    for group, parts in mixed.items():
        too_large[group] = any(count > target[label] for label, count in parts)
    others = np.bincount(labels[~too_large[groups]], minlength=len(sizes))
    target = np.where(others < sizes, np.minimum(target, np.ceil(others * max(share, 0.5)).astype(np.int64)), target)
    clipped: NDArray[np.int64] = np.clip(target, least, np.maximum(sizes - 1, 0))
    return clipped


def draw_lots(pictures: Cuttable, seed: int) -> NDArray[np.uint64]:
    """Return the lot of each group: the hash, under the seed, of the id of one of its pictures.

    Which one is settled by another hash. The smallest lot of all its pictures would not do: a large group would have
    a small lot, come first, and the test would be full of copies.
    """
    lot, choice = (_hashes(pictures.ids, key) for key in (f"{seed % 10**16:016d}", "anmok-represents"))
    groups = pictures.groups
    count = groups.max(initial=-1) + 1
    least = np.full(count, np.iinfo(np.uint64).max, dtype=np.uint64)
    np.minimum.at(least, groups, choice)
    lots = np.zeros(count, dtype=np.uint64)
    represents = choice == least[groups]
    lots[groups[represents]] = lot[represents]
    return lots


def _hashes(ids: NDArray[Any], key: str) -> NDArray[np.uint64]:
    """Return the 64-bit SipHash of each id under a key of 16 characters."""
    return pd.util.hash_array(ids, hash_key=key, categorize=False)


def _contents(
    labels: NDArray[np.int64], groups: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], dict[int, tuple[tuple[int, int], ...]]]:
    """Return a label and the size of each group; and for groups of several labels, the counts of each."""
    counts = np.bincount(groups)
    first = np.zeros(len(counts), dtype=np.int64)
    first[groups] = labels
    mixed: dict[int, tuple[tuple[int, int], ...]] = {}
    rows = np.isin(groups, groups[labels != first[groups]])
    pairs, numbers = np.unique(np.stack([groups[rows], labels[rows]], axis=1), axis=0, return_counts=True)
    for (group, label), number in zip(pairs.tolist(), numbers.tolist(), strict=True):
        mixed[group] = (*mixed.get(group, ()), (label, number))
    return first, counts, mixed


def _choose_smallest(chosen: NDArray[np.bool_], label: int, order: NDArray[np.int64], pictures: Cuttable) -> None:
    """Choose the smallest group with a picture of ``label`` that leaves a picture of each class; ties go by lot."""
    labels, groups = pictures.labels, pictures.groups
    classes = int(labels.max()) + 1
    rest = np.bincount(labels[~chosen[groups]], minlength=classes)
    counts, place = np.bincount(groups), np.argsort(order)
    for group in sorted(set(groups[labels == label].tolist()), key=lambda g: (counts[g], place[g])):
        parts = np.bincount(labels[groups == group], minlength=classes)
        if ((parts == 0) | (parts < rest)).all():
            chosen[group] = True
            return
