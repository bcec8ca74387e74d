"""How a photo is kept: decoded, made upright, re-encoded without metadata, under the hash of the result."""

from __future__ import annotations

import contextlib
import hashlib
import io
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from anmok.images import Upright, decode_image
from anmok.service.answering import FEW_AT_ONCE, LIMITS
from anmok.storage import explained, write_bytes

#: The longer side of what is kept, pixels, and its JPEG quality; the longer side of a preview.
LONGEST_SIDE, QUALITY = 2048, 90
PREVIEW_SIDE = 512


@dataclass(frozen=True, slots=True)
class Kept:
    """A photo as it is kept: JPEG bytes, their SHA-256, that of what came, and the size, pixels."""

    data: bytes
    picture: str
    original: str
    width: int
    height: int


def encode(name: str, data: bytes) -> Kept:
    """Return a photo as it is kept.

    Raises:
        PictureError: it cannot be read, or is too large.
    """
    with FEW_AT_ONCE:
        return encoded(decode_to_keep(name, data), data)


def decode_to_keep(name: str, data: bytes) -> Upright:
    """Decode a photo in the size that is kept; the caller holds ``FEW_AT_ONCE``.

    Raises:
        PictureError: it cannot be read, or is too large.
    """
    # No array: a copy of the largest photos is a quarter of a gigabyte.
    return decode_image(data, name, LIMITS, LONGEST_SIDE)


def encoded(picture: Upright, data: bytes) -> Kept:
    """Return a decoded photo as it is kept; shrinks it in place. ``data`` is what came."""
    image = picture.image
    image.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    # Tables made for each photo would save a twentieth of the disk and take twice as long.
    image.save(stream, "JPEG", quality=QUALITY)
    kept = stream.getvalue()
    return Kept(kept, hashlib.sha256(kept).hexdigest(), hashlib.sha256(data).hexdigest(), *image.size)


def store(kept: Kept, folder: Path) -> Path:
    """Write a photo to its place below ``folder``; one that is there already is left as it is.

    Raises:
        StorageError: disk full, no permission.
    """
    path = place(kept.picture, folder)
    if not path.exists():
        with explained(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, kept.data)
    return path


def discard(path: Path, is_named: Callable[[], bool]) -> bool:
    """Remove a photo unless a row names it; return whether it was removed.

    Args:
        is_named: asks the database.
    """
    if is_named():
        return False
    # Someone may give the very same photo just now. It is moved aside before the second look, and whoever gives it
    # stores it again after their row is written: one of the two always sees the other.
    aside = path.with_name(f".{uuid.uuid4().hex}.removed")
    with contextlib.suppress(FileNotFoundError):
        path.rename(aside)
        if not is_named():
            aside.unlink()
            return True
        aside.rename(path)
    return False


def preview(kept: Kept, side: int = PREVIEW_SIDE, *, quality: int = QUALITY, optimize: bool = False) -> bytes:
    """Return a small JPEG of a photo.

    Args:
        side: the longer one, pixels.
        quality: of the JPEG.
        optimize: make tables for this photo: smaller, and slower.
    """
    stream = io.BytesIO()
    with Image.open(io.BytesIO(kept.data), formats=["JPEG"]) as image:  # of our own making
        image.draft("RGB", (side, side))
        image.thumbnail((side, side), Image.Resampling.LANCZOS)
        image.save(stream, "JPEG", quality=quality, optimize=optimize)
    return stream.getvalue()


def place(picture: str, folder: Path) -> Path:
    """Return where the photo of that hash lies: in one of 256 folders, so that none grows too long."""
    if len(picture) != 64 or not set(picture) <= set("0123456789abcdef"):
        raise ValueError(f"{picture!r} is no SHA-256")
    return folder / picture[:2] / f"{picture}.jpg"
