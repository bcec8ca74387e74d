"""What a scan measures in one picture: light, colour, sharpness, information, and a hash that survives rescaling.

Everything is measured in two small pictures (``Reduced``), so that neither the size of a picture nor its file format
decides, and a scan takes hardly longer than decoding.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

MEASURED_SIDE = 75
"""Pixels: the grey picture in which light and sharpness are measured has sides of at most so many. Decoding a JPEG at
a scale that keeps so many is enough; a picture blurred so little that it cannot be seen at this size is not blurred
for any model that we train."""

THUMB_SIDE = 32
"""Pixels: sides of the thumbnail in which saturation and the perceptual hash are measured, and which the scan keeps."""

HASH_BITS_SIDE = 8
_FILTER = Image.Resampling.BILINEAR
_REDUCING_GAP = 1.5
_CACHED = 16


class Measures(NamedTuple):
    """See ``ImageRecord`` for units and ranges."""

    brightness: float
    contrast: float
    mean_r: float
    mean_g: float
    mean_b: float
    saturation: float
    sharpness: float
    entropy: float
    phash: str


@dataclass(frozen=True, slots=True, eq=False)
class Reduced:
    """All that is kept of a picture's pixels.

    Attributes:
        mean: of each channel, over all pixels.
        thumb: uint8 ``(32, 32, 3)`` RGB, squashed to the square (Pillow's BILINEAR, antialiased, ``reducing_gap`` 1.5).
        grey: uint8 ``(h, w)``, luma (ITU-R 601), sides longer than 75 squashed to 75 (Pillow's BILINEAR, antialiased).
    """

    mean: tuple[float, float, float]
    thumb: NDArray[np.uint8]
    grey: NDArray[np.uint8]


def reduce(image: Image.Image) -> Reduced:
    """Reduce a picture: RGB, upright; decoded at a smaller scale it gives nearly the same."""
    return reduce_all([image])[0]


def reduce_all(pictures: Sequence[Image.Image | Reduced]) -> list[Reduced]:
    """Reduce pictures, in their order, each as ``reduce`` would; small ones of one size together, which is faster.

    What was reduced before stays as it is.
    """
    reduced: dict[int, Reduced] = {}
    sizes: dict[tuple[int, int], dict[int, Image.Image]] = {}
    for at, picture in enumerate(pictures):
        if isinstance(picture, Reduced):
            reduced[at] = picture
        elif is_small(picture):
            sizes.setdefault(picture.size, {})[at] = picture
        else:
            reduced[at] = _reduce_large(picture)
    for images in sizes.values():
        reduced |= zip(images, _reduce_small(list(images.values())), strict=True)
    return [reduced[at] for at in range(len(pictures))]


def is_small(image: Image.Image) -> bool:
    """Tell whether the grey picture is as large as the picture itself, which then is better reduced with others."""
    width, height = image.size
    return width <= MEASURED_SIDE and height <= MEASURED_SIDE


def _reduce_large(image: Image.Image) -> Reduced:
    width, height = image.size
    grey = image.convert("L").resize((min(width, MEASURED_SIDE), min(height, MEASURED_SIDE)), _FILTER)
    (mean,) = _means(_array(image, (1, height, 3 * width)))
    return Reduced(mean, _thumb(image), _array(grey, (grey.height, grey.width)))


def _reduce_small(images: Sequence[Image.Image]) -> Iterator[Reduced]:
    """Reduce pictures of one small size."""
    count, (width, height) = len(images), images[0].size
    data = b"".join([image.tobytes("raw", "RGB") for image in images])
    # One below the other they are one picture for Pillow.
    column = Image.frombytes("RGB", (width, height * count), data)
    pixels = np.frombuffer(data, dtype=np.uint8)
    if (width, height) == (THUMB_SIDE, THUMB_SIDE):
        thumbs = list(pixels.reshape(count, height, width, 3))
    else:
        thumbs = [_thumb(image) for image in images]
    greys = _array(column.convert("L"), (count, height, width))
    yield from map(Reduced, _means(pixels.reshape(count, height, 3 * width)), thumbs, greys)


def _thumb(image: Image.Image) -> NDArray[np.uint8]:
    small = (THUMB_SIDE, THUMB_SIDE)
    if image.size != small:
        image = image.resize(small, _FILTER, reducing_gap=_REDUCING_GAP)
    return _array(image, (*small, 3))


def _means(pixels: NDArray[np.uint8]) -> list[tuple[float, float, float]]:
    """Return the mean of each channel of pictures, uint8 ``(N, h, 3 w)``."""
    count, height, row = pixels.shape
    # Columns first: NumPy is slow with rows of three.
    sums = np.add.reduce(pixels, axis=1, dtype=np.uint32).reshape(count, row // 3, 3)
    means = np.add.reduce(sums, axis=1) / (height * row // 3)
    return [(red, green, blue) for red, green, blue in means.tolist()]


def _array(image: Image.Image, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Return what ``np.asarray`` gives, but twice as fast."""
    return np.frombuffer(image.tobytes("raw", image.mode), dtype=np.uint8).reshape(shape)


def measure(pixels: NDArray[np.uint8]) -> Measures:
    """Measure one picture, (H, W, 3) uint8 RGB; see ``reduce`` and ``measure_all``."""
    return measure_all([reduce(Image.fromarray(pixels))])[0]


def measure_all(pictures: Sequence[Reduced]) -> list[Measures]:
    """Measure pictures, in their order.

    Of the grey picture: brightness and contrast are mean and standard deviation; entropy is Shannon's, in bits, of its
    histogram of 256 levels; sharpness is the variance of the Laplacian, 4 times a pixel less its four neighbours,
    inside of the border (J. L. Pech-Pacheco et al., Diatom autofocusing in brightfield microscopy, 2000); a picture
    under 3 pixels wide or high has 0. Of the thumbnail: the mean of saturation, which is 255 (max - min) / max of a
    pixel's channels.

    Many at a time, because NumPy takes longer to call than a small picture takes to measure.
    """
    if not pictures:
        return []
    # Of many small arrays `concatenate` takes a third of the time of `stack`.
    thumbs = np.concatenate([picture.thumb for picture in pictures]).reshape(-1, THUMB_SIDE, THUMB_SIDE, 3)
    tones = np.empty((len(pictures), 4))
    shapes: dict[tuple[int, ...], list[int]] = {}
    for at, picture in enumerate(pictures):
        shapes.setdefault(picture.grey.shape, []).append(at)
    for shape, places in shapes.items():
        tones[places] = _tones(np.concatenate([pictures[at].grey for at in places]).reshape(-1, *shape))
    rows = zip(pictures, tones.tolist(), _saturations(thumbs).tolist(), perceptual_hashes(thumbs), strict=True)
    return [
        Measures(brightness, contrast, *picture.mean, saturation, sharpness, entropy, phash)
        for picture, (brightness, contrast, sharpness, entropy), saturation, phash in rows
    ]


def perceptual_hashes(thumbs: NDArray[np.uint8]) -> list[str]:
    """Return the 64-bit DCT hash of each thumbnail as 16 hexadecimal digits.

    After C. Zauner, Implementation and Benchmarking of Perceptual Image Hash Functions (2010), section 3.2.1, in
    the form that is common today. Exactly: of the luma of the 32x32 thumbnail (Pillow's, whole numbers) the
    orthonormal two-dimensional DCT-II is taken; of the 8x8 lowest frequencies, rounded to three decimals,
    a bit is 1 where the coefficient is greater than the median of all 64. Bits row by row (vertical frequency first),
    the first is the highest. Similar pictures differ in few bits; a plain surface gives ``8000000000000000`` (black:
    all 0).

    Args:
        thumbs: uint8 ``(N, 32, 32, 3)`` RGB.
    """
    # Pillow, as all of them one below the other, is faster than NumPy.
    column = Image.fromarray(thumbs.reshape(-1, THUMB_SIDE, 3)).convert("L")
    luma = _array(column, (-1, THUMB_SIDE, THUMB_SIDE)).astype(np.float64)
    cosines = _cosines()
    # Rounded, because the zeros of plain surfaces come out as +-1e-14 and would make random bits.
    low = np.round(cosines @ luma @ cosines.T, 3).reshape(len(thumbs), -1)
    # Not np.median, which costs more than all the rest.
    ordered = np.sort(low, axis=1)
    middle = HASH_BITS_SIDE**2 // 2
    median = (ordered[:, middle - 1] + ordered[:, middle]) / 2
    digits = np.packbits(low > median[:, None], axis=1).tobytes().hex()
    return [digits[at : at + 16] for at in range(0, len(digits), 16)]


def _tones(grey: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return (N, 4): brightness, contrast, sharpness, entropy of pictures uint8 (N, h, w)."""
    count, height, width = grey.shape
    levels, pixels = np.arange(256), height * width
    offsets = 256 * np.arange(count)[:, None]
    counts = np.bincount((grey.reshape(count, -1) + offsets).ravel(), minlength=256 * count).reshape(count, 256)
    # Sums of whole numbers: nothing depends on which pictures are measured together.
    total, squares = (counts * levels).sum(axis=1), (counts * levels**2).sum(axis=1)
    deviation = np.sqrt(pixels * squares - total**2) / pixels
    shares = counts / pixels
    entropy = -(shares * np.log2(np.where(counts, shares, 1.0))).sum(axis=1)
    # -0.0 of a plain picture would look odd in a table.
    return np.stack([total / pixels, deviation, _sharpness(grey), np.abs(entropy)], axis=1)


def _sharpness(grey: NDArray[np.uint8]) -> NDArray[np.float64]:
    count, height, width = grey.shape
    if height < 3 or width < 3:
        return np.zeros(count)
    # A picture is one long line, which is faster; what its left and right border get is nonsense, and left out.
    line, inside = grey.reshape(count, -1).astype(np.int16), (height - 2) * width
    edges = 4 * line[:, width : width + inside]
    for neighbour in (0, width - 1, width + 1, 2 * width):
        edges -= line[:, neighbour : neighbour + inside]
    # float32 holds the sums of squares to seven digits; the mean is taken off, so nothing cancels.
    flat = edges.reshape(count, height - 2, width)[:, :, 1:-1].astype(np.float32).reshape(count, -1)
    flat -= flat.mean(axis=1, keepdims=True)
    squares: NDArray[np.float64] = np.einsum("ij,ij->i", flat, flat).astype(np.float64)
    return squares / flat.shape[1]


def _saturations(thumbs: NDArray[np.uint8]) -> NDArray[np.float64]:
    means = np.empty(len(thumbs))
    # A few at a time, which stay in the processor's cache, and each channel by itself: less than half of the time.
    for begin in range(0, len(thumbs), _CACHED):
        pixels = thumbs[begin : begin + _CACHED].reshape(-1, 3)
        red, green, blue = (np.ascontiguousarray(pixels[:, channel]) for channel in range(3))
        high = np.maximum(np.maximum(red, green), blue)
        low = np.minimum(np.minimum(red, green), blue)
        share = (high - low) / np.maximum(high, 1).astype(np.float32)
        means[begin : begin + _CACHED] = share.reshape(-1, THUMB_SIDE**2).mean(axis=1, dtype=np.float64)
    return 255 * means


@cache
def _cosines() -> NDArray[np.float64]:
    """Return (8, 32): the lowest rows of the orthonormal DCT-II matrix."""
    frequency, place = np.arange(HASH_BITS_SIDE)[:, None], np.arange(THUMB_SIDE)[None, :]
    rows = np.sqrt(2 / THUMB_SIDE) * np.cos(np.pi * frequency * (2 * place + 1) / (2 * THUMB_SIDE))
    rows[0] /= np.sqrt(2)
    return np.asarray(rows, dtype=np.float64)
