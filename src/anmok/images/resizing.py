"""How a picture becomes the square that a model sees: three rules, one filter, defined here and nowhere else."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from anmok.config import ResizeRule

GREY = 128
"""The value of what ``pad`` adds, in each channel."""

_FILTER = Image.Resampling.BICUBIC


def resize(pixels: NDArray[np.uint8], size: int, rule: ResizeRule) -> NDArray[np.uint8]:
    """Make a picture square.

    All rules use Pillow's bicubic filter, whose support grows with the reduction (antialiasing).

    Args:
        pixels: (H, W, 3) uint8, H and W at least 1.
        size: side of the square, pixels, at least 1.
        rule: ``squash`` ignores the aspect ratio; ``crop`` takes the largest centred square; ``pad`` fits the
            whole picture in, centred, and fills the rest with grey 128.

    Returns:
        (size, size, 3) uint8, an array of its own.
    """
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8 or 0 in pixels.shape:
        raise ValueError(f"pixels are {pixels.dtype} of shape {pixels.shape}; uint8 of (height, width, 3) is wanted")
    return resize_image(Image.fromarray(pixels), size, rule)


def resize_image(image: Image.Image, size: int, rule: ResizeRule) -> NDArray[np.uint8]:
    """Do what ``resize`` does, for a loaded Pillow picture of mode RGB."""
    if size < 1:
        raise ValueError(f"size is {size}; at least 1 pixel is wanted")
    if rule == "squash":
        return np.array(image.resize((size, size), _FILTER))
    if rule == "crop":
        return np.array(image.resize((size, size), _FILTER, box=_centred_square(image.width, image.height)))
    if rule == "pad":
        return _padded(image, size)
    raise ValueError(f"resize rule {rule!r} is none of squash, crop, pad")


def _centred_square(width: int, height: int) -> tuple[int, int, int, int]:
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    return left, top, left + side, top + side


def _padded(image: Image.Image, size: int) -> NDArray[np.uint8]:
    longest = max(image.size)
    # Rounded to the nearest pixel, but never to none: a line stays visible.
    width, height = (max(1, (2 * side * size + longest) // (2 * longest)) for side in image.size)
    left, top = (size - width) // 2, (size - height) // 2
    square = np.full((size, size, 3), GREY, dtype=np.uint8)
    square[top : top + height, left : left + width] = np.asarray(image.resize((width, height), _FILTER))
    return square
