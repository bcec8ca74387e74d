"""Every way in which files store colour becomes 8-bit RGB, with transparency over white."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_WHITE = (255, 255, 255)


def to_rgb(image: Image.Image) -> Image.Image:
    """Return ``image`` (loaded, any Pillow mode) in mode RGB.

    - Transparent parts (alpha channel, transparent palette entries or colour) show white.
    - 16 bits a channel are divided by 257, so that 65535 becomes 255.
    - 32-bit whole numbers and floats name no white level. The smallest of the usual ranges that holds all
      values is taken as black to white: 0-1 (floats only), 0-255, 0-65535; else the picture's own minimum and
      maximum. Infinite values become the largest or smallest finite one, NaN becomes black.
    - Colour profiles are not applied (but LAB, which has no other meaning, becomes sRGB).

    Raises:
        ValueError: no pixel of a float picture is finite.
    """
    if image.mode.startswith("I;16"):
        return _of_16_bits(image)
    if image.mode in ("I", "F"):
        return Image.fromarray(_to_bytes(_signed(image))).convert("RGB")
    if image.has_transparency_data:
        return _over_white(image)
    return image if image.mode == "RGB" else image.convert("RGB")


def _over_white(image: Image.Image) -> Image.Image:
    if image.mode == "La":
        image = image.convert("LA")
    rgba = image if image.mode == "RGBA" else image.convert("RGBA")
    alpha = rgba.getchannel("A")
    if alpha.getextrema() == (255, 255):
        return rgba.convert("RGB")
    white = Image.new("RGB", rgba.size, _WHITE)
    white.paste(rgba, mask=alpha)
    return white


def _of_16_bits(image: Image.Image) -> Image.Image:
    values = np.asarray(image)
    # In whole numbers: 257 * k becomes k exactly, and half a step is rounded up.
    grey = ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)
    transparent = image.info.get("transparency")
    if isinstance(transparent, int):
        grey[values == transparent] = 255
    return Image.fromarray(grey).convert("RGB")


def _signed(image: Image.Image) -> NDArray[Any]:
    """Return the values of a 32-bit picture; unsigned ones are read back from Pillow's signed ones."""
    values = np.asarray(image)
    tags = getattr(image, "tag_v2", None)
    if image.mode == "I" and tags is not None and tags.get(339, (1,)) == (1,):
        return values.view(np.uint32)
    return values


def _to_bytes(values: NDArray[Any]) -> NDArray[np.uint8]:
    finite = np.isfinite(values)
    if not finite.any():
        raise ValueError("no pixel has a finite value")
    low, high = float(values[finite].min()), float(values[finite].max())
    numbers = np.nan_to_num(values.astype(np.float64), nan=low if low < 0 else 0.0, posinf=high, neginf=low)
    is_float = np.issubdtype(values.dtype, np.floating)
    for white in (1.0, 255.0, 65535.0):
        if low >= 0 and high <= white and (is_float or white > 1):
            low, high = 0.0, white
            break
    span = (high - low) or 1.0
    return np.clip(np.rint((numbers - low) * (255.0 / span)), 0, 255).astype(np.uint8)
