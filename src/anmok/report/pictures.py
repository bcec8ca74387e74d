"""Thumbnails as data URIs: small JPEGs inside the report, within a budget for the whole file."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image

from anmok import images
from anmok.errors import AnmokError

QUALITY = 75


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A small picture for an ``img`` element; ``src`` is empty where there is none to show.

    Attributes:
        src: data URI of a JPEG.
        width, height: pixels.
        trouble: ``""``, ``"unreadable"``, or ``"budget"`` (left out to keep the file small).
    """

    src: str = ""
    width: int = 0
    height: int = 0
    trouble: str = ""


class Thumbnails:
    """Makes thumbnails and counts their bytes.

    Args:
        read: gives the bytes of a picture by its path in the source; None where the source is not at hand.
        budget: characters that all data URIs together may take.
    """

    def __init__(self, read: Callable[[str], bytes] | None, *, budget: int) -> None:
        self.any_shown = False
        self._read = read
        self._left = budget
        self._known: dict[tuple[str, int], Thumbnail] = {}

    def of(self, path: str, side: int) -> Thumbnail:
        """Return the picture at ``path``, its longer side at most ``side`` pixels; never raises for a bad picture."""
        key = (path, side)
        if key not in self._known:
            self._known[key] = self._make(path, side)
        made = self._known[key]
        if len(made.src) > self._left:
            return Thumbnail(trouble="budget")
        self._left -= len(made.src)
        self.any_shown = self.any_shown or bool(made.src)
        return made

    def _make(self, path: str, side: int) -> Thumbnail:
        if self._read is None:
            return Thumbnail(trouble="unreadable")
        try:
            pixels = images.decode(self._read(path), name=path, at_least=2 * side).pixels
        except (AnmokError, OSError, LookupError):
            # A source changes after it was measured; the report then shows an empty frame in that place.
            return Thumbnail(trouble="unreadable")
        picture = Image.fromarray(pixels)
        picture.thumbnail((side, side), Image.Resampling.LANCZOS)
        stream = io.BytesIO()
        picture.save(stream, "JPEG", quality=QUALITY, optimize=True)
        text = base64.b64encode(stream.getvalue()).decode("ascii")
        return Thumbnail(f"data:image/jpeg;base64,{text}", picture.width, picture.height)
