"""The map of pictures: points as SVG that is there without a script, thumbnails in one sheet, and data for pointing."""

from __future__ import annotations

import base64
import io
import math
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray
from PIL import Image

from anmok.explore.results import Exploration
from anmok.records import SPLITS
from anmok.report import names, words
from anmok.report.page import data_block

#: Side of the drawing in its own units.
SIDE = 1000
#: Colours that the style sheet has; more classes take them in turn.
COLOURS = 10
#: Characters that the sheet of thumbnails may take, and the JPEG qualities that are tried for it.
SHEET_BUDGET = 3_600_000
QUALITIES = (62, 45, 30)


@dataclass(frozen=True, slots=True)
class Key:
    """One entry of a legend: its number among classes or splits, colour, name, pictures on the map."""

    number: int
    colour: int
    label: str
    count: int


@dataclass(frozen=True, slots=True)
class Map:
    """What the section of the map shows.

    Attributes:
        points: circles, one a picture, at its first place.
        data: block for the script; sheet: data URI of all thumbnails; ``""`` where there are none.
        sheet_side: pixels of the sheet.
        classes, splits: legends; splits are empty where there are none, or one.
        near: there is a neighbour layout, which is shown first.
        explained: per cent of the spread on the two axes of the components.
        shown: pictures on the map. all: pictures there are.
        in_turn: colours repeat.
    """

    points: Markup
    data: Markup
    sheet: str
    sheet_side: int
    classes: tuple[Key, ...]
    splits: tuple[Key, ...]
    near: bool
    explained: str
    extractor: str
    shown: int
    all: int
    in_turn: bool


def build(found: Exploration, pixels: NDArray[np.uint8] | None) -> Map | None:
    """Return the section's values; None where there is no map.

    Args:
        pixels: uint8 ``(P, S, S, 3)``, a thumbnail of each picture of the map in its order; None: the source is gone.
    """
    layout = found.map
    if layout.method == "none" or not layout.paths:
        return None
    splits = tuple(split for split in (*SPLITS, "") if split in set(layout.splits))
    split_of = [splits.index(split) for split in layout.splits]
    sheet, columns = thumbnail_sheet(pixels)
    places = layout.neighbours or layout.components
    return Map(
        points=_points(places, layout.labels, split_of),
        data=data_block("map-data", _data(found, splits, split_of, columns)),
        sheet=sheet,
        sheet_side=columns * pixels.shape[1] if pixels is not None else 0,
        classes=_legend(found.classes, layout.labels),
        splits=_legend([words.split_title(split) for split in splits], split_of) if len(splits) > 1 else (),
        near=bool(layout.neighbours),
        explained=words.percent(sum(layout.explained)) if layout.explained else "",
        extractor=layout.extractor,
        shown=len(layout.paths),
        all=found.pictures,
        in_turn=len(found.classes) > COLOURS,
    )


def _points(places: tuple[tuple[float, ...], ...], labels: tuple[int, ...], splits: list[int]) -> Markup:
    # Numbers alone, so there is nothing to escape; thousands of them are faster made here than by a template.
    return Markup("").join(
        Markup(  # noqa: S704
            f'<circle class="k{label % COLOURS} s{split}" cx="{x * SIDE:.0f}" cy="{y * SIDE:.0f}" r="5"/>'
        )
        for (x, y), label, split in zip(places, labels, splits, strict=True)
    )


def _data(found: Exploration, splits: tuple[str, ...], split_of: list[int], columns: int) -> dict[str, object]:
    layout = found.map

    def flat(places: tuple[tuple[float, ...], ...]) -> list[int]:
        return [round(end * SIDE) for place in places for end in place]

    return {
        "paths": [names.shown(path) for path in layout.paths],
        "labels": layout.labels,
        "splits": split_of,
        "ratios": layout.ratios,
        "near": flat(layout.neighbours),
        "components": flat(layout.components),
        "columns": columns,
        "classNames": [names.shown(label) for label in found.classes],
        "splitNames": [words.split_title(split) if split else "" for split in splits],
    }


def _legend(labels: tuple[str, ...] | list[str], numbers: tuple[int, ...] | list[int]) -> tuple[Key, ...]:
    counts = np.bincount(np.asarray(numbers, dtype=np.int64), minlength=len(labels))
    return tuple(
        Key(number, number % COLOURS, label, int(counts[number]))
        for number, label in enumerate(labels)
        if counts[number]
    )


def thumbnail_sheet(pixels: NDArray[np.uint8] | None) -> tuple[str, int]:
    """Return all thumbnails side by side as the data URI of one JPEG, and how many stand in a row.

    One picture of thousands is some times smaller than thousands of pictures, and decoded once.
    """
    if pixels is None or not len(pixels):
        return "", 0
    count, side = len(pixels), pixels.shape[1]
    columns = math.isqrt(count - 1) + 1
    sheet = Image.new("RGB", (columns * side, columns * side))
    for number in range(count):
        sheet.paste(Image.fromarray(np.asarray(pixels[number])), (number % columns * side, number // columns * side))
    for quality in QUALITIES:
        stream = io.BytesIO()
        sheet.save(stream, "JPEG", quality=quality, optimize=True)
        text = base64.b64encode(stream.getvalue()).decode("ascii")
        if len(text) <= SHEET_BUDGET:
            return f"data:image/jpeg;base64,{text}", columns
    return "", columns
