"""The average picture of each class: what all its pictures share, and nothing else, is seen in it."""

from __future__ import annotations

import base64
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

#: Pictures whose pixels are summed at a time; keeps 100,000 of them from standing in memory at once.
CHUNK = 4096


def average_pictures(
    pixels: NDArray[np.uint8], labels: NDArray[np.int64], classes: Sequence[str]
) -> dict[str, NDArray[np.uint8]]:
    """Return the mean picture of each class that has pictures.

    Args:
        pixels: uint8 ``(N, S, S, 3)``, may be memory-mapped.
        labels: (N,) int64, numbers of ``classes``.

    Returns:
        By class, uint8 ``(S, S, 3)``.
    """
    sums = np.zeros((len(classes), *pixels.shape[1:]), dtype=np.float64)
    for begin in range(0, len(pixels), CHUNK):
        part, of_part = np.asarray(pixels[begin : begin + CHUNK]), labels[begin : begin + CHUNK]
        for number in np.unique(of_part):
            sums[number] += part[of_part == number].sum(axis=0, dtype=np.float64)
    counts = np.bincount(labels, minlength=len(classes))
    return {
        name: np.rint(sums[number] / counts[number]).astype(np.uint8)
        for number, name in enumerate(classes)
        if counts[number]
    }


def as_text(picture: NDArray[np.uint8]) -> str:
    """Return the bytes of a small picture as Base64."""
    return base64.b64encode(np.ascontiguousarray(picture).tobytes()).decode("ascii")


def from_text(text: str, side: int) -> NDArray[np.uint8]:
    """Return what ``as_text`` was given, uint8 ``(side, side, 3)``.

    Raises:
        ValueError: the text holds something else.
    """
    return np.frombuffer(base64.b64decode(text, validate=True), dtype=np.uint8).reshape(side, side, 3)
