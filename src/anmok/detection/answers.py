"""What a detector in PyTorch answers for pictures, float32. Imports PyTorch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from anmok.detection.decoding import Found, decode_boxes
from anmok.detection.examples import Example
from anmok.detection.fitting import on_canvas
from anmok.detection.losses import Targets, loss_of, targets_of
from anmok.detection.matching import Answered
from anmok.training.workers import Workers


def answers_of(members: Sequence[Any], examples: Sequence[Example], workers: Workers) -> list[tuple[Answered, float]]:
    """Return what was found in each picture, and its loss.

    Args:
        members: a detector, several times over; each takes a share of the pictures.
    """
    shares = [range(first, len(examples), len(members)) for first in range(len(members))]

    def work(one: tuple[Any, range]) -> list[tuple[Answered, float]]:
        member, places = one
        with torch.inference_mode():
            return [_answer(member.eval(), examples[place]) for place in places]

    parts = workers.map(work, list(zip(members, shares, strict=True)))
    return [parts[place % len(members)][place // len(members)] for place in range(len(examples))]


def _answer(member: Any, example: Example) -> tuple[Answered, float]:
    canvas = on_canvas(example.pixels)
    height, width = canvas.shape[:2]
    device = next(member.parameters()).device
    logits, distances, centres = member.raw(torch.from_numpy(canvas)[None].to(device))
    targets = targets_of(
        [torch.from_numpy(example.fitted_boxes).float()], [torch.from_numpy(example.labels)], (height, width)
    )
    its = Targets(*(values.to(device) for values in (targets.labels, targets.distances, targets.centres)))
    loss = float(torch.stack(loss_of(logits, distances, centres, its, max(1.0, float(targets.count)))).sum())
    scores = torch.sqrt(torch.sigmoid(logits) * torch.sigmoid(centres)[..., None])
    found = decode_boxes(
        scores[0].cpu().numpy(),
        distances[0].cpu().numpy(),
        canvas=(height, width),
        fitted=(example.pixels.shape[1], example.pixels.shape[0]),
        picture=example.shape,
    )
    return answered(example, found), loss


def answered(example: Example, found: Found) -> Answered:
    """Return what is there beside what was found."""
    return Answered(example.boxes, example.labels, found.boxes, found.labels, np.asarray(found.scores))
