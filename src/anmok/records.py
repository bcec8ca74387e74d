"""What all rooms hand on: frozen dataclasses for a picture, an answer, a box and a finding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from anmok.notebook import ShownInNotebooks

#: What a check proposes to do with a picture: leave it out, give it another label, never part it from the other one in
#: a split, or only look at it.
Action = Literal["remove", "relabel", "group", "review"]
ACTIONS: tuple[Action, ...] = ("remove", "relabel", "group", "review")

TRAIN, VALID, TEST = "train", "valid", "test"
SPLITS = (TRAIN, VALID, TEST)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRecord:
    """One picture: one row of a manifest.

    Attributes:
        id: SHA-256 of the file's bytes, 64 hexadecimal digits.
        path: POSIX path inside the source, exactly as the file system or the zip spells it.
        label: class name, Unicode NFC; nested folders are joined by ``/``.
        split: ``"train"``, ``"valid"``, ``"test"``, or ``""`` while no split was made.
        group: pictures of one group are never divided between splits; ``""`` means the id is the group.
        width, height: pixels, upright (after EXIF orientation).
        mode, format: Pillow's words for the file as stored (``"RGB"``, ``"P"``, ...; ``"JPEG"``, ...).
        bytes: size of the file.
        brightness, contrast: mean and standard deviation of luma (ITU-R 601), 0-255. How this and what follows is
            measured, and at which scale, so that a picture's size does not decide, says ``data.measures``.
        mean_r, mean_g, mean_b: mean of each channel, 0-255.
        saturation: mean HSV saturation, 0 (grey) to 255.
        sharpness: variance of the Laplacian of luma, 0 (plain) upwards; low where a picture is blurred.
        entropy: Shannon entropy of the histogram of luma, bits, 0 (one tone) to 8; low where there is little to see.
        phash: 64-bit perceptual hash (DCT), 16 hexadecimal digits.
        flags: names of the checks that flagged the picture.
    """

    id: str
    path: str
    label: str
    split: str = ""
    group: str = ""
    width: int
    height: int
    mode: str
    format: str
    bytes: int
    brightness: float
    contrast: float
    mean_r: float
    mean_g: float
    mean_b: float
    saturation: float
    sharpness: float
    entropy: float
    phash: str
    source_url: str = ""
    page_url: str = ""
    author: str = ""
    licence: str = ""
    collected_at: str = ""
    flags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.split not in ("", *SPLITS):
            raise ValueError(f"split {self.split!r} of {self.path!r} is none of {', '.join(SPLITS)}")
        if self.width < 1 or self.height < 1:
            raise ValueError(f"{self.path!r} measures {self.width}x{self.height} pixels; at least 1x1 is wanted")


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A file that was left out, and why.

    Attributes:
        path: POSIX path inside the source.
        code: the kind of trouble (``"damaged"``, ``"unknown-format"``, ``"too-large"``, ``"no-label"``,
            ``"outside-source"``, ``"no-permission"``, ``"duplicate-of-test"``, ``"label-conflict"``, ...).
        reason: a full sentence for people.
    """

    path: str
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Prediction(ShownInNotebooks):
    """The answer for one picture.

    Attributes:
        path: the picture, inside its source.
        label, index: the most probable class, its name and number.
        probability: of that class, 0-1, after temperature scaling.
        unknown: True where "none of these" is the answer; the class is the nearest one then.
        top: the k most probable classes with their probabilities, best first.
        unknown_score: how little the picture looks like any class, in the unit of the bundle's score; None where the
            bundle cannot say.
    """

    path: str
    label: str
    index: int
    probability: float
    unknown: bool
    top: tuple[tuple[str, float], ...]
    unknown_score: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the fixed JSON form of ``anmok predict --json``; ``unknown_score`` is there where there is one."""
        values = {
            "path": self.path,
            "class": self.label,
            "index": self.index,
            "probability": self.probability,
            "unknown": self.unknown,
            "top": [{"class": name, "probability": p} for name, p in self.top],
        }
        return values if self.unknown_score is None else {**values, "unknown_score": self.unknown_score}


@dataclass(frozen=True, slots=True)
class PredictionFailure(ShownInNotebooks):
    """A picture that could not be read, where a prediction was asked for."""

    path: str
    error: str

    def to_json(self) -> dict[str, Any]:
        """Return the fixed JSON form of ``anmok predict --json``."""
        return {"path": self.path, "error": self.error}


@dataclass(frozen=True, slots=True)
class Box:
    """A labelled rectangle in upright pixel coordinates, origin at the top left, ``x1``/``y1`` exclusive."""

    label: str
    x0: float
    y0: float
    x1: float
    y1: float
    score: float = 1.0

    def __post_init__(self) -> None:
        if not (self.x0 < self.x1 and self.y0 < self.y1):
            raise ValueError(
                f"box {self.label!r} spans ({self.x0}, {self.y0})-({self.x1}, {self.y1}); "
                "its right and lower edges must lie beyond its left and upper ones"
            )


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check says about one picture.

    Attributes:
        check: the check's registered name.
        score: 0 (certainly wrong) to 1 (certainly right).
        flag: True where the check proposes to act.
        other: the second picture, for duplicates; else ``""``.
        reason: a full sentence for people, in the language in which it was found.
        action: what is proposed.
        label: the picture's class. suggested: the class it should have, for ``relabel``; else ``""``.
        values: what the sentence was made from, so that it can be told in another language.
    """

    path: str
    check: str
    score: float
    flag: bool
    other: str
    reason: str
    action: Action = "review"
    label: str = ""
    suggested: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the fixed JSON form of ``anmok clean --json``."""
        return {
            "path": self.path,
            "check": self.check,
            "score": self.score,
            "flag": self.flag,
            "with": self.other,
            "reason": self.reason,
            "action": self.action,
            "label": self.label,
            "suggested": self.suggested,
        }


@dataclass(frozen=True, slots=True)
class Interval:
    """A measured figure with its 95 % interval. ``low <= value <= high`` but for bootstrap oddities."""

    value: float
    low: float
    high: float

    def to_json(self) -> dict[str, float]:
        """Return ``{"value", "low", "high"}``."""
        return {"value": self.value, "low": self.low, "high": self.high}

    @classmethod
    def from_json(cls, row: Mapping[str, float]) -> Interval:
        """Read what ``to_json`` wrote."""
        return cls(float(row["value"]), float(row["low"]), float(row["high"]))

    def overlaps(self, other: Interval) -> bool:
        """Tell whether the two intervals share a point."""
        return self.low <= other.high and other.low <= self.high
