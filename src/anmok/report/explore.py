"""The page of an exploration, drawn from stored values. Nothing is computed here."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from anmok.evaluation.results import DataSummary
from anmok.explore.averages import from_text
from anmok.explore.results import Exploration, StandOut
from anmok.i18n import use_language
from anmok.report import explore_map, explore_tables, explore_words, pictureset
from anmok.report.page import render_page
from anmok.report.pictures import Thumbnail, Thumbnails

#: Characters that the samples of all classes may take together.
THUMBNAIL_BUDGET = 2_600_000
#: Classes that are shown at once; the others are folded away.
SHOWN_CLASSES = 12
#: Traits of groups that stand out, and groups of one trait, that are told of at once.
SHOWN_TOLD = 12
#: From so many classes on, samples are small.
MANY_CLASSES = 12


@dataclass(frozen=True, slots=True)
class Card:
    """One class: its average picture, samples, and what stands out."""

    label: str
    count: int
    average: Thumbnail
    samples: tuple[Thumbnail, ...]
    stand_outs: tuple[StandOut, ...]


def render_exploration(
    found: Exploration,
    path: Path,
    *,
    read_picture: Callable[[str], bytes] | None,
    map_pixels: NDArray[np.uint8] | None,
    language: str,
) -> Path:
    """Draw ``found`` as a self-contained HTML file and return its path.

    The same values, pictures and language give the same bytes.

    Args:
        path: the file to write; it appears whole or not at all.
        read_picture: gives the bytes of a picture by its path in the source; None where the source is not at hand.
        map_pixels: uint8 ``(P, S, S, 3)``, a thumbnail of each picture of the map in its order, or None.
        language: ``"en"`` or ``"ko"``.

    Raises:
        StorageError: the file could not be written.
    """
    thumbnails = Thumbnails(read_picture, budget=THUMBNAIL_BUDGET)
    with use_language(language):
        cards = _cards(found, thumbnails)
        values: dict[str, object] = {
            "found": found,
            "data": pictureset.build(_summary(found), Thumbnails(None, budget=0)),
            "told": explore_tables.build_told(found),
            "shown_told": SHOWN_TOLD,
            "tables": explore_tables.build(found),
            "kinds": explore_tables.build_kinds(found),
            "cards": cards,
            "shown_cards": SHOWN_CLASSES,
            "small": len(found.classes) > MANY_CLASSES,
            "map": explore_map.build(found, map_pixels),
            "pictures": thumbnails.any_shown,
            "tell": explore_words,
        }
    return render_page(
        "explore.html", path, language=language, values=values, scripts=("explore.js",), styles=("explore.css",)
    )


def _summary(found: Exploration) -> DataSummary:
    """Return what the section about counts and quarantine, which the comparison's report has too, is drawn from."""
    return DataSummary(
        source=found.source,
        location=found.location,
        content_hash=found.content_hash,
        classes=found.classes,
        counts=found.counts,
        quarantined=found.quarantined,
        ignored=found.ignored,
        notes=found.notes,
        samples={},
        widths=(),
        heights=(),
        brightness=(),
        contrast=(),
    )


def _cards(found: Exploration, thumbnails: Thumbnails) -> tuple[Card, ...]:
    told: dict[str, list[StandOut]] = {}
    for one in found.stand_outs:
        if one.among == "class":
            told.setdefault(one.group, []).append(one)
    totals = explore_tables.totals_of(found.counts)
    side = 96 if len(found.classes) > MANY_CLASSES else 160
    return tuple(
        Card(
            label=label,
            count=totals.get(label, 0),
            average=_average(found, label),
            samples=tuple(thumbnails.of(path, side) for path in found.samples.get(label, ())),
            stand_outs=tuple(told.get(label, ())),
        )
        for label in explore_tables.class_order(found)
    )


def _average(found: Exploration, label: str) -> Thumbnail:
    if label not in found.averages:
        return Thumbnail(trouble="unreadable")
    pixels = from_text(found.averages[label], found.average_side)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=90, optimize=True)
    text = base64.b64encode(stream.getvalue()).decode("ascii")
    return Thumbnail(f"data:image/jpeg;base64,{text}", found.average_side, found.average_side)
