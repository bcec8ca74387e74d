"""Perceptual hashes of windows of small pictures, so that a picture is found again where a strip was cut off."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

SIDE, LOW = 32, 8

#: The whole picture; and windows that a cut of up to 5 % leaves, to within 1 % of the side. Found on five sets of real
#: pictures (cats-dogs, scenes6, sports100-small, horse-or-human, cifar10-small): 2,200 copies, cut by 2 to 5 %
#: anywhere, or rescaled, recompressed and brightened as well, differ in at most 6 bits from one of these (in at most
#: 8 without the windows' offsets, in up to 18 without windows).
SPANS = ((0.0, 0.96), (0.02, 0.98), (0.04, 1.0))
WHOLE = (0.0, 1.0)

_LUMA = np.array([0.299, 0.587, 0.114])
_BLOCK = 4096


def luma(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return float32 ``(N, H, W)``, 0-255 (ITU-R 601), of uint8 ``(N, H, W, 3)`` RGB."""
    return np.asarray(pictures @ _LUMA.astype(np.float32), dtype=np.float32)


def window_hashes(thumbs: NDArray[np.uint8], *, flips: bool = False) -> NDArray[np.uint64]:
    """Return uint64 ``(V, N)``: hashes of V windows of each small picture, the whole one first.

    The same hash as the scan's (``measures.perceptual_hash``) but for the way the 32x32 pixels were made.

    Args:
        thumbs: uint8 ``(N, 32, 32, 3)``.
        flips: the same windows mirrored, as well.
    """
    windows = [(WHOLE, WHOLE), *product(SPANS, SPANS)]
    hashes = _hashes(thumbs, windows, mirrored=False)
    return np.concatenate([hashes, _hashes(thumbs, windows, mirrored=True)]) if flips else hashes


def _hashes(
    thumbs: NDArray[np.uint8], windows: list[tuple[tuple[float, float], tuple[float, float]]], *, mirrored: bool
) -> NDArray[np.uint64]:
    if thumbs.shape[1:] != (SIDE, SIDE, 3):
        raise ValueError(f"small pictures of shape {thumbs.shape[1:]}; ({SIDE}, {SIDE}, 3) is wanted")
    hashes = np.empty((len(windows), len(thumbs)), dtype=np.uint64)
    cosines = _cosines()
    for begin in range(0, len(thumbs), _BLOCK):
        grey = luma(thumbs[begin : begin + _BLOCK]).astype(np.float64)
        if mirrored:
            grey = grey[:, :, ::-1]
        for number, (across, down) in enumerate(windows):
            # Cutting, resampling and the cosine transform are linear: two small matrices do all of it.
            low = (cosines @ _resampling(*down)) @ grey @ (cosines @ _resampling(*across)).T
            hashes[number, begin : begin + _BLOCK] = _bits(np.round(low.reshape(len(grey), -1), 3))
    return hashes


def _bits(low: NDArray[np.float64]) -> NDArray[np.uint64]:
    packed = np.packbits(low > np.median(low, axis=1, keepdims=True), axis=1)
    return packed.view(">u8")[:, 0].astype(np.uint64)


def _cosines() -> NDArray[np.float64]:
    """Return (8, 32): the lowest rows of the orthonormal DCT-II matrix."""
    frequency, place = np.arange(LOW)[:, None], np.arange(SIDE)[None, :]
    rows = np.sqrt(2 / SIDE) * np.cos(np.pi * frequency * (2 * place + 1) / (2 * SIDE))
    rows[0] /= np.sqrt(2)
    return np.asarray(rows, dtype=np.float64)


def _resampling(begin: float, end: float) -> NDArray[np.float64]:
    """Return (32, 32): linear interpolation of 32 points between ``begin`` and ``end`` of the unit length."""
    places = (begin + (end - begin) * (np.arange(SIDE) + 0.5) / SIDE) * SIDE - 0.5
    places = np.clip(places, 0, SIDE - 1)
    return np.asarray(np.maximum(0, 1 - np.abs(places[:, None] - np.arange(SIDE)[None, :])), dtype=np.float64)
