"""From what a detector's graph gives to boxes: points, distances, non-maximum suppression. NumPy only; light."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anmok.detection.matching import overlaps

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Pixels for each point of a level.
STRIDES = (8, 16, 32, 64)
#: Boxes that one picture may have, and those that are looked at before suppression.
MOST_BOXES, MOST_LOOKED_AT = 100, 1000
#: What scores less is no candidate at all.
LEAST_SCORE = 0.02
#: Of two boxes of a class that overlap more than this, the surer one stays.
SAME_OVERLAP = 0.6


@dataclass(frozen=True, slots=True)
class Found:
    """Boxes of one picture, the surest first.

    Attributes:
        boxes: ``(D, 4)`` edges, pixels. labels: ``(D,)`` class numbers. scores: ``(D,)``, 0-1.
    """

    boxes: Floats
    labels: Ints
    scores: Floats


def points_of(height: int, width: int) -> tuple[Floats, Floats]:
    """Return all points ``(A, 2)`` x, y, pixels, of a canvas, level by level, row by row; and strides ``(A,)``.

    Args:
        height, width: multiples of 32.
    """
    points, strides = [], []
    for stride in STRIDES:
        rows, columns = -(-height // stride), -(-width // stride)
        y, x = np.mgrid[:rows, :columns]
        points.append(np.stack([x.ravel() + 0.5, y.ravel() + 0.5], axis=1) * stride)
        strides.append(np.full(rows * columns, float(stride)))
    return np.concatenate(points), np.concatenate(strides)


def decode_boxes(
    scores: NDArray[np.float32],
    distances: NDArray[np.float32],
    *,
    canvas: tuple[int, int],
    fitted: tuple[int, int],
    picture: tuple[int, int],
    least_score: float = LEAST_SCORE,
) -> Found:
    """Return the boxes of one picture in its own pixels.

    Args:
        scores: ``(A, K)``, 0-1. distances: ``(A, 4)`` from each point to the left, upper, right and lower edge, pixels.
        canvas: height and width of what the network saw; fitted: width and height of the picture in it;
            picture: width and height of the full picture.
    """
    points, _strides = points_of(*canvas)
    # Only classes that could be reported; several classes at one point are several candidates.
    rows, labels = np.nonzero(scores >= least_score)
    sure = scores[rows, labels].astype(np.float64)
    order = np.argsort(-sure, kind="stable")[:MOST_LOOKED_AT]
    rows, labels, sure = rows[order], labels[order], sure[order]
    reach = distances[rows].astype(np.float64)
    boxes = np.concatenate([points[rows] - reach[:, :2], points[rows] + reach[:, 2:]], axis=1)
    scale = np.array([picture[0] / fitted[0], picture[1] / fitted[1]] * 2)
    most = np.array([picture[0], picture[1]] * 2, dtype=np.float64)
    boxes = np.clip(boxes * scale, 0, most)
    whole = (boxes[:, 2] - boxes[:, 0] > 1e-3) & (boxes[:, 3] - boxes[:, 1] > 1e-3)
    boxes, labels, sure = boxes[whole], labels[whole], sure[whole]
    kept = suppress(boxes, labels.astype(np.int64))[:MOST_BOXES]
    return Found(boxes[kept], labels[kept].astype(np.int64), sure[kept])


def suppress(boxes: Floats, labels: Ints, *, most_overlap: float = SAME_OVERLAP) -> Ints:
    """Return which boxes stay, in order: of those of one class that overlap too much, the first.

    Args:
        boxes: ``(D, 4)``, the surest first. labels: ``(D,)``.
    """
    kept: list[int] = []
    free = np.ones(len(boxes), dtype=bool)
    for number in range(len(boxes)):
        if not free[number]:
            continue
        kept.append(number)
        rest = number + 1 + np.flatnonzero(free[number + 1 :] & (labels[number + 1 :] == labels[number]))
        if len(rest):
            free[rest[overlaps(boxes[number : number + 1], boxes[rest])[0] > most_overlap]] = False
    return np.array(kept, dtype=np.int64)
