"""Which found boxes are hits: COCO's rule, picture by picture and class by class. NumPy only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Overlaps (intersection over union) from which a found box is a hit: 0.50, 0.55, ... 0.95.
OVERLAPS: Floats = np.linspace(0.5, 0.95, 10)
#: Found boxes of a class in one picture that count, the surest first.
MOST_FOUND = 100


@dataclass(frozen=True, slots=True)
class Answered:
    """One picture: what is there, and what was found.

    Attributes:
        true_boxes: ``(G, 4)`` edges x0, y0, x1, y1. true_labels: ``(G,)`` class numbers.
        boxes: ``(D, 4)``. labels: ``(D,)``. scores: ``(D,)``, larger is surer.
    """

    true_boxes: Floats
    true_labels: Ints
    boxes: Floats
    labels: Ints
    scores: Floats

    def __post_init__(self) -> None:
        wanted = (len(self.true_labels), len(self.labels), len(self.labels))
        if (len(self.true_boxes), len(self.boxes), len(self.scores)) != wanted:
            raise ValueError("boxes, labels and scores do not belong together")


@dataclass(frozen=True, slots=True)
class ClassMatches:
    """All that was found of one class, the surest first.

    Attributes:
        scores: ``(D,)``. pictures: ``(D,)`` number of the picture.
        hits: ``(T, D)`` whether each is a hit at each of ``OVERLAPS``.
        true: ``(P,)`` how many boxes of the class each picture has.
        found: ``(G,)`` for the class's true boxes, picture by picture, the score of what hit each at an overlap of 0.5;
            -1 where nothing did.
    """

    scores: Floats
    pictures: Ints
    hits: NDArray[np.bool_]
    true: Ints
    found: Floats


def overlaps(boxes: Floats, others: Floats) -> Floats:
    """Return the intersection over union ``(D, G)`` of boxes ``(D, 4)`` and ``(G, 4)``, edges."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    sides = np.clip(high - low, 0, None)
    both = sides[..., 0] * sides[..., 1]
    union = area(boxes)[:, None] + area(others)[None, :] - both
    result: Floats = np.divide(both, union, out=np.zeros_like(both), where=union > 0)
    return result


def area(boxes: Floats) -> Floats:
    """Return the areas ``(N,)`` of boxes ``(N, 4)``."""
    result: Floats = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return result


def match_classes(pictures: Sequence[Answered], classes: int) -> tuple[ClassMatches, ...]:
    """Match what was found with what is there, for each class.

    At each overlap, the surest box first takes the true box that it overlaps most of those still free. Source: the
    reference implementation of the COCO measures (pycocotools), with which the figures agree.
    """
    return tuple(_match_class(pictures, number) for number in range(classes))


def _match_class(pictures: Sequence[Answered], label: int) -> ClassMatches:
    scores: list[Floats] = []
    hits: list[NDArray[np.bool_]] = []
    found: list[Floats] = []
    numbers: list[Ints] = []
    true = np.zeros(len(pictures), dtype=np.int64)
    for place, picture in enumerate(pictures):
        wanted = picture.true_boxes[picture.true_labels == label]
        chosen = np.flatnonzero(picture.labels == label)
        chosen = chosen[np.argsort(-picture.scores[chosen], kind="stable")][:MOST_FOUND]
        its_hits, its_found = _match(picture.boxes[chosen], wanted)
        true[place] = len(wanted)
        scores.append(picture.scores[chosen])
        hits.append(its_hits)
        numbers.append(np.full(len(chosen), place, dtype=np.int64))
        found.append(np.where(its_found >= 0, picture.scores[chosen][its_found] if len(chosen) else -1.0, -1.0))
    joined = np.concatenate(scores) if scores else np.zeros(0)
    order = np.argsort(-joined, kind="stable")
    return ClassMatches(
        scores=joined[order],
        pictures=np.concatenate(numbers)[order] if numbers else np.zeros(0, dtype=np.int64),
        hits=np.concatenate(hits, axis=1)[:, order] if hits else np.zeros((len(OVERLAPS), 0), dtype=bool),
        true=true,
        found=np.concatenate(found) if found else np.zeros(0),
    )


def _match(boxes: Floats, wanted: Floats) -> tuple[NDArray[np.bool_], Ints]:
    """Return ``(T, D)`` hits, and for each true box the number of what hit it at the first overlap, -1 for none."""
    hits = np.zeros((len(OVERLAPS), len(boxes)), dtype=bool)
    first = np.full(len(wanted), -1, dtype=np.int64)
    if not len(boxes) or not len(wanted):
        return hits, first
    table = overlaps(boxes, wanted)
    for level, least in enumerate(OVERLAPS):
        free = np.ones(len(wanted), dtype=bool)
        for number, row in enumerate(table):
            candidates = np.where(free, row, -1.0)
            # The last of equals, as the reference does.
            best = len(wanted) - 1 - int(candidates[::-1].argmax())
            if candidates[best] >= min(least, 1 - 1e-10):
                free[best] = False
                hits[level, number] = True
                if level == 0:
                    first[best] = number
    return hits, first
