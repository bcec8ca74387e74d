"""The faults of the sample: what is wrong with which picture, and how each fault is made.

A plan is made first, from the seed alone; the pictures are drawn afterwards, in any order.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import Image

EXACT = "exact-duplicate"
NEAR = "near-duplicate"
WRONG = "wrong-label"
OFF_TOPIC = "off-topic"
UNREADABLE = "unreadable"

# How many of each stand in a sample of 60 pictures per class; other sizes get their share, at least one.
_AT_SIXTY = {EXACT: 6, NEAR: 8, WRONG: 6, OFF_TOPIC: 6, UNREADABLE: 1}
_DEFAULT_PER_CLASS = 60


@dataclass(frozen=True)
class SampleTruth:
    """One planted fault, a row of truth.csv."""

    path: str  # relative posix path inside the folder
    fault: str  # "exact-duplicate" | "near-duplicate" | "wrong-label" | "off-topic" | "unreadable"
    other: str  # relative path of the original for duplicates, else ""
    true_label: str  # what the picture really shows; "" for off-topic and unreadable ones


@dataclass(frozen=True)
class Planned:
    """One file to write: a picture of `place` (5: off-topic) filed under `folder`; both are numbers."""

    folder: int
    place: int
    index: int  # of the picture within its place
    fault: str = ""
    original: int = -1  # of duplicates: position of the original in the plan
    change: int = 0  # of near duplicates: which of the changes


def plan_sample(per_class: int, seed: int, *, faults: bool) -> list[Planned]:
    """List what is to be drawn: `per_class` good pictures of each place, then the faults."""
    plan = [Planned(place, place, index) for place in range(5) for index in range(per_class)]
    if not faults:
        return plan
    rng = np.random.default_rng((seed, 6))
    good = len(plan)
    counts = {fault: max(1, round(n * per_class / _DEFAULT_PER_CLASS)) for fault, n in _AT_SIXTY.items()}
    # No picture is the original of two duplicates, so that every pair stands alone.
    copies = min(counts[EXACT] + counts[NEAR], good)
    originals = rng.permutation(good)[:copies]
    for number, position in enumerate(int(value) for value in originals):
        fault = EXACT if number < counts[EXACT] else NEAR
        source = plan[position]
        plan.append(Planned(source.folder, source.place, source.index, fault, position, number))
    for number in range(counts[WRONG]):
        place = int(rng.integers(5))
        folder = (place + int(rng.integers(1, 5))) % 5
        plan.append(Planned(folder, place, per_class + number, WRONG))
    for number in range(counts[OFF_TOPIC]):
        plan.append(Planned(int(rng.integers(5)), 5, number, OFF_TOPIC))
    for number in range(counts[UNREADABLE]):
        place = int(rng.integers(5))
        plan.append(Planned(place, place, per_class + counts[WRONG] + number, UNREADABLE))
    return plan


def encode(picture: Image.Image, rng: np.random.Generator) -> bytes:
    """Write a picture as JPEG, in one of the qualities that cameras and web sites use."""
    return _jpeg(picture, int(rng.integers(74, 96)))


def _jpeg(picture: Image.Image, quality: int) -> bytes:
    stream = BytesIO()
    picture.save(stream, "JPEG", quality=quality)
    return stream.getvalue()


def nearly(original: bytes, change: int, rng: np.random.Generator) -> bytes:
    """Give the same picture as it comes back from the web: rescaled, recompressed, brightened or cropped."""
    with Image.open(BytesIO(original)) as opened:
        picture = opened.convert("RGB")
    kind = change % 4
    if kind == 0:
        side = round(picture.width * float(rng.choice([0.75, 0.85, 1.2])))
        return _jpeg(picture.resize((side, side), Image.Resampling.LANCZOS), 88)
    if kind == 1:
        return _jpeg(picture, int(rng.integers(38, 60)))
    if kind == 2:
        factor = 1 + float(rng.choice([-0.15, 0.15]))
        pixels = np.clip(np.asarray(picture, np.float32) * factor + 0.5, 0, 255)
        return _jpeg(Image.fromarray(pixels.astype(np.uint8)), 88)
    margin = 0.04 * picture.width
    left, top = rng.uniform(0, margin, 2)
    box = (float(left), float(top), picture.width - margin + float(left), picture.height - margin + float(top))
    return _jpeg(picture.resize(picture.size, Image.Resampling.BICUBIC, box=box), 88)


def truncated(original: bytes) -> bytes:
    """Cut a file off, as a broken download does."""
    return original[: len(original) * 2 // 5]
