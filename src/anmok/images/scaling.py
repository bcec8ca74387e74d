"""At which scale a JPEG is decoded: a picture that is wanted in two sizes is decoded once where that gives the same."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anmok.config import Limits, ResizeRule
from anmok.images.decoding import _DECODED_AT_LEAST, Upright, load
from anmok.images.resizing import resize_image

_SCALES = (8, 4, 2, 1)
#: Formats that can be decoded at a part of their size.
_SCALED = ("JPEG", "MPO")


def load_decoded(
    picture: Upright,
    decoded_for: int,
    data: bytes,
    *,
    name: str,
    size: int,
    rule: ResizeRule,
    limits: Limits,
) -> NDArray[np.uint8]:
    """Return what ``load`` returns for ``data``, bit for bit, from a picture that was decoded already where it can.

    Args:
        picture: ``data`` as ``decode_image`` gave it with ``at_least=decoded_for``; left as it is.

    Raises:
        PictureError: as ``load``.
    """
    if decodes_alike(picture, decoded_for, _DECODED_AT_LEAST * size):
        return resize_image(picture.image, size, rule)
    return load(data, name=name, size=size, rule=rule, limits=limits)


def decodes_alike(picture: Upright, first: int, second: int) -> bool:
    """Tell whether ``decode_image`` gives the same pixels of this picture for ``at_least=first`` and ``second``.

    Args:
        picture: decoded with either.
        first, second: pixels that both sides shall keep, at least 1.
    """
    if picture.format not in _SCALED:
        return True
    return _scale(picture, first) == _scale(picture, second)


def _scale(picture: Upright, at_least: int) -> int:
    # As Pillow's draft chooses it; which side is which after turning makes no difference to the smaller ratio.
    ratio = min(picture.width // at_least, picture.height // at_least)
    return next((scale for scale in _SCALES if ratio >= scale), 1)
