"""What a file with boxes says, before it was held against its picture. Light."""

from __future__ import annotations

from dataclasses import dataclass


class Unreadable(ValueError):
    """A file with boxes cannot be read; the message is a part of a sentence for people."""


@dataclass(frozen=True, slots=True)
class RawBox:
    """A box as a file names it; nothing of it was checked but that its coordinates are finite numbers.

    Attributes:
        label: the class; "" where the file names a number that has no name.
        x0, y0, x1, y1: edges, pixels; or shares of width and height where ``RawPicture.shares``.
    """

    label: str
    x0: float
    y0: float
    x1: float
    y1: float
    difficult: bool = False
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class RawPicture:
    """What a file says of one picture.

    Attributes:
        origin: the file that says so, inside the source.
        candidates: paths where the picture may lie, the likeliest first.
        boxes: as they stand there.
        size: width and height that the file names, pixels; None where it names none.
        shares: the coordinates are shares of the picture's size.
        named: the file name that the file itself gives, "" for none.
    """

    origin: str
    candidates: tuple[str, ...]
    boxes: tuple[RawBox, ...]
    size: tuple[int, int] | None = None
    shares: bool = False
    named: str = ""
