"""Changes of a training picture that move its boxes along, by torchvision's transforms v2. Imports PyTorch.

All chance comes from the generator that is handed in, so a picture's change depends on nothing but its seed: not on
threads, and not on whether training was interrupted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as change

from anmok.images import GREY

#: A box of which less than this share of its area is left in view is no longer there.
LEAST_SEEN = 0.4


@dataclass(frozen=True, slots=True, kw_only=True)
class Augmentation:
    """How much a training picture is changed.

    Attributes:
        flip: probability that it is mirrored, 0-1.
        zoom: from and to which factor it is made smaller or larger.
        stretch: width and height change against each other by a factor up to 1 + this.
        colour: brightness, contrast and saturation change by factors 1 - this to 1 + this.
    """

    flip: float = 0.5
    zoom: tuple[float, float] = (0.6, 1.4)
    stretch: float = 0.15
    colour: float = 0.35


def place(
    picture: Tensor,
    boxes: Tensor,
    canvas: tuple[int, int],
    random: np.random.Generator | None = None,
    augmentation: Augmentation = Augmentation(),
) -> tuple[Tensor, Tensor, Tensor]:
    """Put a picture on a canvas.

    Args:
        picture: uint8 ``(3, h, w)``. boxes: float32 ``(G, 4)`` edges, pixels.
        canvas: height and width.
        random: for the change; None: unchanged, fitted in at the upper left.

    Returns:
        uint8 ``(3, H, W)``; the boxes on it, clipped ``(M, 4)``; which of those before they are ``(M,)``.
    """
    height, width = picture.shape[1:]
    fit = min(canvas[0] / height, canvas[1] / width)
    scale_x = scale_y = min(fit, 1.0)
    flip = False
    free = (0.0, 0.0)
    if random is not None:
        flip = bool(random.random() < augmentation.flip)
        zoom = float(np.exp(random.uniform(*np.log(augmentation.zoom)))) * fit
        stretch = float(np.exp(random.uniform(-1, 1) * np.log1p(augmentation.stretch) / 2))
        scale_x, scale_y = zoom * stretch, zoom / stretch
        free = (float(random.random()), float(random.random()))
    size = max(1, round(height * scale_y)), max(1, round(width * scale_x))
    left, top = (
        round((whole - side) * share) for whole, side, share in zip(canvas[::-1], size[::-1], free, strict=True)
    )
    moved = _moved(boxes, (size[1] / width, size[0] / height), width if flip else 0, (left, top))
    image = change.horizontal_flip(picture) if flip else picture
    image = _cut(image, size, (top, left), canvas)
    if random is not None:
        image = _coloured(image, random, augmentation.colour)
    ground = torch.full((3, *canvas), GREY, dtype=torch.uint8)
    y, x = max(top, 0), max(left, 0)
    ground[:, y : y + image.shape[1], x : x + image.shape[2]] = image
    clipped, kept = in_view(moved, canvas)
    return ground, clipped, kept


def _moved(boxes: Tensor, scale: tuple[float, float], mirror: int, offset: tuple[int, int]) -> Tensor:
    x0, y0, x1, y1 = boxes.unbind(dim=1)
    if mirror:
        x0, x1 = mirror - x1, mirror - x0
    columns = [x0 * scale[0] + offset[0], y0 * scale[1] + offset[1], x1 * scale[0] + offset[0]]
    return torch.stack([*columns, y1 * scale[1] + offset[1]], dim=1)


def _cut(image: Tensor, size: tuple[int, int], offset: tuple[int, int], canvas: tuple[int, int]) -> Tensor:
    """Resize to ``size`` and return the part that the canvas shows; only that part is computed."""
    height, width = image.shape[1:]
    # The part in view, in pixels of the resized picture, then of the picture itself.
    seen = [(max(0, -o), min(s, c - o)) for o, s, c in zip(offset, size, canvas, strict=True)]
    (top, bottom), (left, right) = seen
    source = [
        round(top * height / size[0]),
        round(left * width / size[1]),
        max(1, round((bottom - top) * height / size[0])),
        max(1, round((right - left) * width / size[1])),
    ]
    result: Tensor = change.resized_crop(image, *source, size=[bottom - top, right - left], antialias=True)
    return result


def _coloured(image: Tensor, random: np.random.Generator, most: float) -> Tensor:
    for adjust in (change.adjust_brightness, change.adjust_contrast, change.adjust_saturation):
        image = adjust(image, float(random.uniform(1 - most, 1 + most)))
    return image


def in_view(boxes: Tensor, canvas: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Return those of the boxes ``(G, 4)`` of which enough is left on a canvas (height, width), clipped; and which."""
    height, width = canvas
    most = torch.tensor([width, height, width, height], dtype=boxes.dtype)
    clipped = torch.minimum(boxes.clamp(min=0), most)
    sides = (clipped[:, 2:] - clipped[:, :2]).clamp(min=0)
    whole = boxes[:, 2:] - boxes[:, :2]
    seen = (sides[:, 0] * sides[:, 1]) / (whole[:, 0] * whole[:, 1]).clamp(min=1e-6)
    kept = torch.nonzero((seen >= LEAST_SEEN) & (sides.amin(dim=1) >= 1)).flatten()
    return clipped[kept], kept
