"""Bytes from a server to a checked picture, or the reason why they are none."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from anmok.config import Limits
from anmok.data.measures import MEASURED_SIDE
from anmok.data.measuring import Batch
from anmok.data.scancache import Facts
from anmok.errors import PictureError
from anmok.images import decode_image

#: What files of a format are called.
ENDINGS = {
    "JPEG": ".jpg",
    "MPO": ".jpg",
    "PNG": ".png",
    "WEBP": ".webp",
    "GIF": ".gif",
    "BMP": ".bmp",
    "TIFF": ".tif",
    "AVIF": ".avif",
    "HEIF": ".heic",
}


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a picture is not taken: a code for programs, a reason for people."""

    code: str
    reason: str


def check_picture(data: bytes, *, min_side: int, limits: Limits) -> Facts | Refused:
    """Decode a picture and measure what a manifest says of it.

    What the server called it does not count, only its bytes. It is decoded to its end, so what was cut short is found.
    """
    try:
        picture = decode_image(data, "picture", limits, MEASURED_SIDE)
    except PictureError as error:
        return Refused(error.code, error.message)
    if min(picture.width, picture.height) < min_side:
        return Refused("too-small", f"{picture.width}x{picture.height} pixels")
    batch = Batch()
    batch.add(hashlib.sha256(data).hexdigest(), len(data), picture)
    ((facts, _thumb),) = batch.measure()
    return facts
