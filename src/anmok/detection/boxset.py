"""Pictures with labelled boxes, and what was wrong with them: the values that this room hands on. Light.

Coordinates are edges in pixels of the upright picture: the first pixel reaches from 0 to 1. They stand on a grid of
1/1024 pixel, so that differences and shares of them lose nothing: a box that is written in any of the formats and read
again is the very same box.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from anmok.records import SPLITS, Box

#: Steps of the grid in one pixel.
GRID = 1024

#: What can be wrong with boxes and their files.
Code = Literal[
    "outside",
    "zero-area",
    "unknown-class",
    "no-size",
    "wrong-size",
    "turned",
    "missing-picture",
    "missing-boxes",
    "wrong-extension",
    "unreadable-picture",
    "unreadable-boxes",
    "twice",
]
CODES: tuple[Code, ...] = Code.__args__  # type: ignore[attr-defined]


def snap(value: float) -> float:
    """Return the nearest coordinate on the grid."""
    return round(value * GRID) / GRID


@dataclass(frozen=True, slots=True)
class TrueBox(Box):
    """A box that a person drew.

    Attributes:
        difficult: hard to see even for people. truncated: reaches beyond the picture. Words of Pascal VOC; they are
            kept and handed on.
    """

    difficult: bool = False
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class BoxedPicture:
    """A picture and what is to be found in it.

    Attributes:
        path: inside the source.
        width, height: upright, pixels.
        boxes: none of them where there is nothing to be found.
        split: ``train``, ``valid``, ``test`` or ``""``.
        id: SHA-256 of the file's bytes, 64 hexadecimal digits.
    """

    path: str
    width: int
    height: int
    boxes: tuple[TrueBox, ...] = ()
    split: str = ""
    id: str = ""

    def __post_init__(self) -> None:
        if self.split not in ("", *SPLITS):
            raise ValueError(f"split {self.split!r} of {self.path!r} is none of {', '.join(SPLITS)}")


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is wrong with a file, or was.

    Attributes:
        path: of the picture or of the file with boxes, inside the source.
        code: the kind.
        reason: a full sentence for people.
        left_out: True where a box or a picture was left out; False where it was mended or only is worth a look.
    """

    path: str
    code: Code
    reason: str
    left_out: bool


@dataclass(frozen=True)
class BoxSet:
    """A data set for detection.

    Attributes:
        pictures: sorted by path.
        classes: names in the order of the numbers that models give them.
        source: absolute location of the source. name: what people call it.
        problems: what was left out, mended or is odd, in the order in which it was found.
        notes: sentences on how the set came to be.
    """

    pictures: tuple[BoxedPicture, ...]
    classes: tuple[str, ...]
    source: str = ""
    name: str = ""
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.pictures)

    def of_split(self, *splits: str) -> tuple[BoxedPicture, ...]:
        """Return the pictures of some splits."""
        return tuple(picture for picture in self.pictures if picture.split in splits)

    @cached_property
    def numbers(self) -> Mapping[str, int]:
        """The number of each class."""
        return {label: number for number, label in enumerate(self.classes)}

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 of which pictures hold which boxes and stand in which split, whatever their order."""
        digest = hashlib.sha256()
        rows = sorted(
            repr((picture.id, picture.path, picture.split, sorted(map(_plain, picture.boxes))))
            for picture in self.pictures
        )
        for row in (repr(self.classes), *rows):
            data = row.encode("utf-8", "surrogatepass")
            digest.update(len(data).to_bytes(8, "little") + data)
        return digest.hexdigest()


def _plain(box: TrueBox) -> tuple[str, float, float, float, float, bool, bool]:
    return box.label, float(box.x0), float(box.y0), float(box.x1), float(box.y1), box.difficult, box.truncated
