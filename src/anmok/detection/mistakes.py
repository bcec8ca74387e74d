"""Pictures in which something was missed, or seen where it is not. NumPy only; light."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from anmok.detection.matching import OVERLAPS, Answered, overlaps
from anmok.records import Box


@dataclass(frozen=True, slots=True)
class Mistaken:
    """One picture with what went wrong in it.

    Attributes:
        missed: true boxes that nothing hit. false: boxes that hit nothing, the surest first. right: boxes that hit.
    """

    path: str
    width: int
    height: int
    missed: tuple[Box, ...]
    false: tuple[Box, ...]
    right: tuple[Box, ...]


def find_mistakes(
    pictures: Sequence[Answered],
    paths: Sequence[str],
    shapes: Sequence[tuple[int, int]],
    labels: Sequence[str],
    *,
    threshold: float,
) -> tuple[Mistaken, ...]:
    """Return the pictures with mistakes, those with the most first."""
    found = [
        _of_picture(picture, path, shape, labels, threshold)
        for picture, path, shape in zip(pictures, paths, shapes, strict=True)
    ]
    wrong = [one for one in found if one.missed or one.false]
    return tuple(sorted(wrong, key=lambda one: (-len(one.missed) - len(one.false), one.path)))


def _of_picture(
    picture: Answered, path: str, shape: tuple[int, int], labels: Sequence[str], threshold: float
) -> Mistaken:
    free = np.ones(len(picture.true_labels), dtype=bool)
    right: list[Box] = []
    false: list[Box] = []
    order = np.argsort(-picture.scores, kind="stable")
    table = overlaps(picture.boxes, picture.true_boxes)
    for number in order[picture.scores[order] >= threshold]:
        fits = free & (picture.true_labels == picture.labels[number]) & (table[number] >= OVERLAPS[0])
        x0, y0, x1, y1 = map(float, picture.boxes[number])
        box = Box(labels[picture.labels[number]], x0, y0, x1, y1, float(picture.scores[number]))
        if fits.any():
            free[int(np.where(fits, table[number], -1).argmax())] = False
            right.append(box)
        else:
            false.append(box)
    missed = tuple(
        Box(labels[picture.true_labels[number]], *map(float, picture.true_boxes[number]))
        for number in np.flatnonzero(free)
    )
    return Mistaken(path, *shape, missed, tuple(false), tuple(right))
