"""How a picture becomes the square that a model sees: three rules, one filter, defined here and nowhere else."""

from __future__ import annotations

from typing import get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from anmok.config import ResizeRule

GREY = 128
"""The value of what ``pad`` adds, in each channel."""

_FILTER = Image.Resampling.BICUBIC
# Pictures more than six times too large are first averaged over whole blocks of pixels, down to three times the
# wanted size at the least. At that distance the filter gives the same picture (49 dB), four times faster.
_REDUCING_GAP = 3.0


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
    check_square(size, rule)
    return resize_image(Image.fromarray(pixels), size, rule)


def check_square(size: int, rule: ResizeRule) -> None:
    """Raise ``ValueError`` where ``size`` or ``rule`` are none: a mistake of the caller, not of a picture."""
    if size < 1:
        raise ValueError(f"size is {size}; at least 1 pixel is wanted")
    if rule not in get_args(ResizeRule):
        raise ValueError(f"resize rule {rule!r} is none of {', '.join(get_args(ResizeRule))}")


def resize_image(image: Image.Image, size: int, rule: ResizeRule) -> NDArray[np.uint8]:
    """Do what ``resize`` does, for a loaded Pillow picture of mode RGB."""
    if rule == "pad":
        return _padded(image, size)
    if rule == "crop":
        image = _centred_square(image)
    return np.array(image.resize((size, size), _FILTER, reducing_gap=_REDUCING_GAP))


def _centred_square(image: Image.Image) -> Image.Image:
    side = min(image.size)
    if image.size == (side, side):
        return image
    # Neither `resize(box=...)`, whose filter looks at pixels outside of the box, nor `crop`, which applies the limit
    # on pixels that some other library may have set in this process.
    square = Image.new("RGB", (side, side))
    left, top = _cropped_at(image.size)
    square.paste(image, (-left, -top))
    return square


def _cropped_at(sides: tuple[int, int]) -> tuple[int, int]:
    """Return where the largest centred square begins, left and top, pixels."""
    left, top = (-((min(sides) - side + 1) // 2) for side in sides)
    return left, top


def _padded(image: Image.Image, size: int) -> NDArray[np.uint8]:
    left, top, width, height = _padded_at(image.size, size)
    square = np.full((size, size, 3), GREY, dtype=np.uint8)
    inside = image.resize((width, height), _FILTER, reducing_gap=_REDUCING_GAP)
    square[top : top + height, left : left + width] = np.asarray(inside)
    return square


def _padded_at(sides: tuple[int, int], size: int) -> tuple[int, int, int, int]:
    """Return where in the square the whole picture lies: left, top, width and height, pixels."""
    longest = max(sides)
    # Rounded to the nearest pixel, but never to none: of a line, a line stays.
    width, height = (max(1, (2 * side * size + longest) // (2 * longest)) for side in sides)
    return (size - width) // 2, (size - height) // 2, width, height


def square_in_picture(width: int, height: int, size: int, rule: ResizeRule) -> tuple[float, float, float, float]:
    """Return which part of a picture the square of ``resize`` shows: the way back from what a model sees.

    Args:
        width, height: of the picture, pixels.

    Returns:
        x0, y0, x1, y1 as shares of width and height. By ``pad`` the square reaches beyond the picture, below 0 and
        above 1.
    """
    check_square(size, rule)
    if rule == "squash":
        return 0.0, 0.0, 1.0, 1.0
    if rule == "crop":
        left, top = _cropped_at((width, height))
        side = min(width, height)
        return left / width, top / height, (left + side) / width, (top + side) / height
    left, top, inner_width, inner_height = _padded_at((width, height), size)
    return -left / inner_width, -top / inner_height, (size - left) / inner_width, (size - top) / inner_height
