"""What a scan measures in one picture: light, colour, and a hash that survives rescaling and recompression."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

HASH_SIDE, HASH_BITS_SIDE = 32, 8


@dataclass(frozen=True, slots=True)
class Measures:
    """See ``ImageRecord`` for units and ranges."""

    brightness: float
    contrast: float
    mean_r: float
    mean_g: float
    mean_b: float
    phash: str


def measure(pixels: NDArray[np.uint8]) -> Measures:
    """Measure a picture.

    Args:
        pixels: (H, W, 3) uint8 RGB, upright; a reduced picture gives nearly the same.

    Returns:
        Brightness and contrast are mean and standard deviation of luma, which Pillow computes as ITU-R 601
        (0.299 R + 0.587 G + 0.114 B) rounded to whole numbers.
    """
    image = Image.fromarray(pixels)
    grey = image.convert("L")
    levels = np.arange(256)
    # Means from histograms are exact, and many times faster than floats of every pixel.
    red, green, blue = np.array(image.histogram(), dtype=np.float64).reshape(3, 256) @ levels / (pixels.size / 3)
    counts = np.array(grey.histogram(), dtype=np.float64) / (pixels.size / 3)
    mean = float(counts @ levels)
    deviation = float(np.sqrt(counts @ (levels - mean) ** 2))
    return Measures(mean, deviation, float(red), float(green), float(blue), perceptual_hash(grey))


def perceptual_hash(grey: Image.Image) -> str:
    """Return the 64-bit DCT hash of a grey picture as 16 hexadecimal digits.

    After C. Zauner, Implementation and Benchmarking of Perceptual Image Hash Functions (2010), section 3.2.1, in
    the form that is common today. Exactly: the picture is squashed to 32x32 (Pillow's LANCZOS on mode ``L``); its
    orthonormal two-dimensional DCT-II is taken; of the 8x8 lowest frequencies, rounded to three decimals, a bit is 1
    where the coefficient is greater than the median of all 64. Bits row by row (vertical frequency first), the first
    is the highest. Similar pictures differ in few bits; a plain surface gives ``8000000000000000`` (black: all 0).
    """
    small = np.asarray(grey.resize((HASH_SIDE, HASH_SIDE), Image.Resampling.LANCZOS), dtype=np.float64)
    cosines = _cosines()
    # Rounded, because the zeros of plain surfaces come out as +-1e-14 and would make random bits.
    low = np.round(cosines @ small @ cosines.T, 3)
    bits = (low > np.median(low)).ravel()
    return np.packbits(bits).tobytes().hex()


@cache
def _cosines() -> NDArray[np.float64]:
    """Return (8, 32): the lowest rows of the orthonormal DCT-II matrix."""
    frequency, place = np.arange(HASH_BITS_SIDE)[:, None], np.arange(HASH_SIDE)[None, :]
    rows = np.sqrt(2 / HASH_SIDE) * np.cos(np.pi * frequency * (2 * place + 1) / (2 * HASH_SIDE))
    rows[0] /= np.sqrt(2)
    return np.asarray(rows, dtype=np.float64)
