"""Every way in which files store colour becomes 8-bit RGB, with transparency over white."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_WHITE = (255, 255, 255)
_BITS_PER_SAMPLE, _PHOTOMETRIC, _SAMPLE_FORMAT = 258, 262, 339  # TIFF tags
_WHITE_IS_ZERO, _UNSIGNED = 0, 1


def to_rgb(image: Image.Image) -> Image.Image:
    """Return ``image`` (loaded, any Pillow mode) in mode RGB.

    - Transparent parts (alpha channel, transparent palette entries or colour) show white.
    - 16 bits a channel are divided by 257 and rounded, so that 65535 becomes 255 (12 bits: 4095 becomes 255).
      In colour pictures Pillow has taken the upper eight bits already, which is at most one step away.
    - 32-bit whole numbers and floats name no white level. The first of the usual ranges that holds all values is
      taken as black to white: 0-1 (floats only), 0-255, 0-65535; else the picture's own least and greatest value.
      Infinite values become the greatest or least finite one; NaN becomes black.
    - Colour profiles are not applied (but LAB, which has no other meaning, becomes sRGB).

    Raises:
        ValueError: no pixel of a float picture is finite.
    """
    if image.mode.startswith("I;16"):
        return _of_16_bits(image)
    if image.mode in ("I", "F"):
        return _of_32_bits(image)
    if image.has_transparency_data:
        return _over_white(image)
    return image if image.mode == "RGB" else image.convert("RGB")


def _over_white(image: Image.Image) -> Image.Image:
    if image.mode == "La":
        # There is no way from premultiplied grey to RGBA but this.
        image = image.convert("LA")
    rgba = image if image.mode == "RGBA" else image.convert("RGBA")
    alpha = rgba.getchannel("A")
    if alpha.getextrema() == (255, 255):
        return rgba.convert("RGB")
    white = Image.new("RGB", rgba.size, _WHITE)
    white.paste(rgba, mask=alpha)
    return white


def _of_16_bits(image: Image.Image) -> Image.Image:
    white = 4095 if _tiff_tag(image, _BITS_PER_SAMPLE) == (12,) else 65535
    # In whole numbers, rounded: for 16 bits 257 * k becomes k exactly.
    greys = np.minimum((np.arange(65536) * 255 + white // 2) // white, 255).astype(np.uint8)
    if _tiff_tag(image, _PHOTOMETRIC) == _WHITE_IS_ZERO:
        greys = 255 - greys
    transparent = image.info.get("transparency")
    if isinstance(transparent, int):
        greys[transparent] = 255
    return Image.fromarray(greys[np.asarray(image)]).convert("RGB")


def _of_32_bits(image: Image.Image) -> Image.Image:
    values = np.asarray(image)
    if image.mode == "I" and _tiff_tag(image, _SAMPLE_FORMAT) == (_UNSIGNED,):
        # Pillow knows signed numbers only; the bits are those of the file.
        values = values.view(np.uint32)
    grey = _stretched(values)
    if _tiff_tag(image, _PHOTOMETRIC) == _WHITE_IS_ZERO:
        grey = 255 - grey
    return Image.fromarray(grey).convert("RGB")


def _tiff_tag(image: Image.Image, tag: int) -> Any:
    tags = getattr(image, "tag_v2", None)
    return None if tags is None else tags.get(tag)


def _stretched(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Return numbers of an unknown range as 0-255, by the rule that ``to_rgb`` states."""
    is_float = np.issubdtype(values.dtype, np.floating)
    finite = np.isfinite(values)
    if not finite.any():
        raise ValueError("no pixel has a finite value")
    least = float(values.min(where=finite, initial=np.inf if is_float else np.iinfo(values.dtype).max))
    greatest = float(values.max(where=finite, initial=-np.inf if is_float else np.iinfo(values.dtype).min))
    low, high = least, greatest
    for white in (1.0, 255.0, 65535.0) if is_float else (255.0, 65535.0):
        if least >= 0 and greatest <= white:
            low, high = 0.0, white
            break
    span = high - low or 1.0
    grey = np.empty(values.shape, dtype=np.uint8)
    # Some rows at a time: eight bytes a pixel of a large picture would be a gigabyte.
    step = max(1, 2**20 // values.shape[1])
    for row in range(0, len(values), step):
        numbers = np.nan_to_num(values[row : row + step].astype(np.float64), nan=low, posinf=greatest, neginf=least)
        grey[row : row + step] = np.clip(np.rint((numbers - low) * 255.0 / span), 0, 255)
    return grey
