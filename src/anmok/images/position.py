"""Where a photo was taken, as its camera wrote it down. Read only where someone asks for it; nothing else keeps it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from anmok.images.decoding import open_header
from anmok.images.signatures import format_of

_GPS = 0x8825
#: A JPEG without these bytes has no EXIF data, so its header need not be read again.
_EXIF = b"Exif\0"
_LATITUDE_REF, _LATITUDE, _LONGITUDE_REF, _LONGITUDE = 1, 2, 3, 4


@dataclass(frozen=True, slots=True)
class Position:
    """Degrees, WGS 84: ``latitude`` -90 to 90, north is above 0; ``longitude`` -180 to 180, east is above 0."""

    latitude: float
    longitude: float


def position_of(data: bytes) -> Position | None:
    """Return the position in a picture's EXIF data; None where there is none, or none that makes sense.

    Cameras write it into JPEG, HEIF and WebP. What a PNG carries beside its pixels is never opened.

    Args:
        data: the bytes of a picture that ``decode`` has accepted.
    """
    kind = format_of(data)
    if kind is None or (kind == "JPEG" and _EXIF not in data):
        return None
    try:
        with open_header(data, kind) as image:
            tags: Mapping[int, Any] = image.getexif().get_ifd(_GPS)
            latitude = _degrees(tags[_LATITUDE], tags[_LATITUDE_REF], "NS")
            longitude = _degrees(tags[_LONGITUDE], tags[_LONGITUDE_REF], "EW")
    except Exception:  # noqa: BLE001 - broken EXIF data of a stranger is as good as none
        return None
    # Cameras without a fix write zeros: a spot in the Gulf of Guinea where hardly a photo is taken.
    if not (abs(latitude) <= 90 and abs(longitude) <= 180) or latitude == longitude == 0:
        return None
    return Position(latitude, longitude)


def _degrees(parts: Sequence[Any], reference: object, signs: str) -> float:
    """Return degrees of degrees, minutes and seconds; raises ``ValueError`` for what is none."""
    degrees, minutes, seconds = (float(part) for part in parts)
    value = degrees + minutes / 60 + seconds / 3600
    letter = str(reference).strip("\0 ").upper()
    if len(letter) != 1 or letter not in signs or not math.isfinite(value):
        raise ValueError(f"{parts} {reference!r} is no position")
    return value if letter == signs[0] else -value
