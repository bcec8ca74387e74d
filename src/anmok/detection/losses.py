"""What each point should say, and what it costs when it does not. Imports PyTorch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits
from torchvision.ops import generalized_box_iou_loss, sigmoid_focal_loss

from anmok.detection.decoding import STRIDES, points_of

#: Points within so many strides of a box's middle speak for it.
RADIUS = 1.5
#: How far the farthest edge may be for a level to speak for a box, pixels, beside the next lower level's.
REACH = (64.0, 128.0, 256.0, float("inf"))


@dataclass(frozen=True, slots=True)
class Targets:
    """What the points of some pictures should say.

    Attributes:
        labels: ``(N, A)`` class numbers, -1 for nothing.
        distances: ``(N, A, 4)`` to the edges, pixels; only where there is a label.
        centres: ``(N, A)``, 0-1, 1 in the middle of the box.
    """

    labels: Tensor
    distances: Tensor
    centres: Tensor

    @property
    def count(self) -> int:
        """How many points speak for a box."""
        return int((self.labels >= 0).sum())


def targets_of(boxes: Sequence[Tensor], labels: Sequence[Tensor], canvas: tuple[int, int]) -> Targets:
    """Return what points should say.

    A point speaks for the smallest box around it whose middle is near and whose size suits the point's level.

    Args:
        boxes: for each picture ``(G, 4)`` edges, pixels of the canvas. labels: ``(G,)`` each.
        canvas: height and width.
    """
    found = points_of(*canvas)
    points, strides = (torch.from_numpy(values).float() for values in found)
    most = torch.tensor(REACH)[[STRIDES.index(int(stride)) for stride in strides.tolist()]]
    least = torch.tensor((0.0, *REACH[:-1]))[[STRIDES.index(int(stride)) for stride in strides.tolist()]]
    rows = [_of_picture(its, names, points, strides, (least, most)) for its, names in zip(boxes, labels, strict=True)]
    return Targets(*(torch.stack(values) for values in zip(*rows, strict=True)))


def _of_picture(
    boxes: Tensor, labels: Tensor, points: Tensor, strides: Tensor, reach: tuple[Tensor, Tensor]
) -> tuple[Tensor, Tensor, Tensor]:
    count = len(points)
    if not len(boxes):
        return torch.full((count,), -1), torch.zeros(count, 4), torch.zeros(count)
    low, high = points[:, None, :] - boxes[None, :, :2], boxes[None, :, 2:] - points[:, None, :]
    distances = torch.cat([low, high], dim=2)  # (A, G, 4)
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    near = (points[:, None, :] - middle[None]).abs().amax(dim=2) < RADIUS * strides[:, None]
    farthest = distances.amax(dim=2)
    suits = (farthest >= reach[0][:, None]) & (farthest < reach[1][:, None])
    speaks = near & suits & (distances.amin(dim=2) > 0)
    _let_one_speak(speaks, distances, (points[:, None, :] - middle[None]).abs().amax(dim=2), strides)
    areas = ((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))[None].expand(count, -1)
    least, chosen = torch.where(speaks, areas, torch.inf).min(dim=1)
    there = torch.isfinite(least)
    its = distances[torch.arange(count), chosen].clamp(min=0.01)
    left, top, right, bottom = its.unbind(dim=1)
    ratios = torch.minimum(left, right) / torch.maximum(left, right)
    ratios = ratios * torch.minimum(top, bottom) / torch.maximum(top, bottom)
    return torch.where(there, labels[chosen], -1), its, torch.where(there, ratios.clamp(min=0).sqrt(), 0.0)


def _let_one_speak(speaks: Tensor, distances: Tensor, away: Tensor, strides: Tensor) -> None:
    """Let the nearest point of the finest level speak for a box for which none does: long and thin ones.

    Args:
        speaks: ``(A, G)``; changed in place. distances: ``(A, G, 4)``. away: ``(A, G)`` from the box's middle, pixels.
    """
    finest = (strides == STRIDES[0])[:, None] & (distances.amin(dim=2) > 0)
    for box in torch.nonzero(~speaks.any(dim=0)).flatten().tolist():
        if finest[:, box].any():
            speaks[torch.where(finest[:, box], away[:, box], torch.inf).argmin(), box] = True


def loss_of(logits: Tensor, distances: Tensor, centres: Tensor, targets: Targets, count: float) -> tuple[Tensor, ...]:
    """Return the losses of classes, boxes and centres, each a sum divided by ``count``.

    Args:
        logits, distances, centres: as ``Detector.raw`` gives them.
        count: of the points that speak for a box, of the whole step.
    """
    wanted = torch.zeros_like(logits)
    there = targets.labels >= 0
    wanted[there, targets.labels[there]] = 1.0
    classes = sigmoid_focal_loss(logits, wanted, alpha=0.25, gamma=2.0, reduction="sum") / count
    its, true = distances[there], targets.distances[there]
    # Around a point at 0: what matters is how the two boxes overlap.
    boxes = generalized_box_iou_loss(
        torch.cat([-its[:, :2], its[:, 2:]], dim=1), torch.cat([-true[:, :2], true[:, 2:]], dim=1), reduction="sum"
    )
    middle = binary_cross_entropy_with_logits(centres[there], targets.centres[there], reduction="sum")
    return classes, boxes / count, middle / count
