"""What boxes there are: how many of each class, how large, and where. NumPy only; light."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from anmok.detection.boxset import BoxSet

#: Cells of the map of positions, across and down.
CELLS = 16
#: Upper ends of the classes of size: the square root of the share of the picture.
SIDES = (0.05, 0.1, 0.2, 0.3, 0.5, 1.0)


@dataclass(frozen=True, slots=True)
class ClassCount:
    """Boxes of one class: in all, by split, and the median of the square root of the share they cover, 0-1."""

    label: str
    boxes: int
    pictures: int
    by_split: dict[str, int]
    median_side: float


@dataclass(frozen=True, slots=True)
class Statistics:
    """What boxes there are.

    Attributes:
        pictures: by split. empty: pictures with nothing in them.
        sides: how many boxes have a side (square root of the share) of up to each of ``SIDES``, and more than the last.
        positions: ``CELLS`` rows of ``CELLS``: how often a box covers each part of the picture, boxes.
    """

    pictures: dict[str, int]
    empty: int
    classes: tuple[ClassCount, ...]
    sides: tuple[int, ...]
    positions: tuple[tuple[int, ...], ...]


def describe(boxes: BoxSet) -> Statistics:
    """Count the boxes of a data set."""
    by_class: dict[str, Counter[str]] = {label: Counter() for label in boxes.classes}
    pictures: dict[str, int] = dict.fromkeys(boxes.classes, 0)
    sides: dict[str, list[float]] = {label: [] for label in boxes.classes}
    positions = np.zeros((CELLS, CELLS), dtype=np.int64)
    for picture in boxes.pictures:
        for label in {box.label for box in picture.boxes}:
            pictures[label] += 1
        for box in picture.boxes:
            by_class[box.label][picture.split] += 1
            x = np.array([box.x0, box.x1]) / picture.width
            y = np.array([box.y0, box.y1]) / picture.height
            sides[box.label].append(float(np.sqrt((x[1] - x[0]) * (y[1] - y[0]))))
            (left, right), (top, bottom) = ((np.floor(one[0] * CELLS), np.ceil(one[1] * CELLS)) for one in (x, y))
            positions[int(top) : int(bottom), int(left) : int(right)] += 1
    every = np.array([side for its in sides.values() for side in its])
    counts = np.bincount(np.searchsorted(SIDES[:-1], every, side="left"), minlength=len(SIDES))
    return Statistics(
        pictures=dict(Counter(picture.split for picture in boxes.pictures)),
        empty=sum(not picture.boxes for picture in boxes.pictures),
        classes=tuple(
            ClassCount(
                label,
                sum(by_class[label].values()),
                pictures[label],
                dict(by_class[label]),
                float(np.median(sides[label])) if sides[label] else 0.0,
            )
            for label in boxes.classes
        ),
        sides=tuple(int(count) for count in counts),
        positions=tuple(tuple(int(value) for value in row) for row in positions),
    )
