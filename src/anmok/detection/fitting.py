"""How a photo becomes what a detector sees: made to fit, with grey up to whole cells. Light."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from anmok import images
from anmok.config import Limits
from anmok.images import GREY

#: Sides of what a detector sees are multiples of this: the coarsest map of the backbone has a cell for so many pixels.
CELL = 32
_REDUCING_GAP = 3.0


def fitted_size(width: int, height: int, side: int) -> tuple[int, int]:
    """Return width and height of a picture whose longer side is ``side``, at least 1 pixel each."""
    longest = max(width, height)
    return max(1, round(width * side / longest)), max(1, round(height * side / longest))


def load_fitted(
    data: bytes,
    *,
    name: str,
    side: int,
    limits: Limits = Limits(),  # noqa: B008
) -> tuple[NDArray[np.uint8], tuple[int, int]]:
    """Decode a picture, upright, its longer side made ``side`` pixels.

    Returns:
        uint8 ``(h, w, 3)``, and width and height of the full picture.

    Raises:
        PictureError: as ``images.decode``.
    """
    decoded = images.decode(data, name=name, limits=limits, at_least=side)
    size = fitted_size(decoded.width, decoded.height, side)
    image = Image.fromarray(decoded.pixels).resize(size, Image.Resampling.BICUBIC, reducing_gap=_REDUCING_GAP)
    return np.asarray(image), (decoded.width, decoded.height)


def on_canvas(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return pixels ``(h, w, 3)`` with grey to the right and below, up to multiples of ``CELL``."""
    height, width = pixels.shape[:2]
    return np.pad(
        pixels,
        ((0, -height % CELL), (0, -width % CELL), (0, 0)),
        constant_values=GREY,
    )
