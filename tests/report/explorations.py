"""Explorations for tests: made of pictures drawn by numbers, with names that people and attackers give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from anmok.explore.layout import components, in_unit_square
from anmok.explore.results import Exploration, PictureMap
from anmok.pipeline.explore import describe
from anmok.records import Quarantined
from explore.tables import manifest

SIDE = 8


def exploration(
    labels: Sequence[str], each: int = 12, *, splits: Sequence[str] = (), dark: str = "", near: bool = True
) -> Exploration:
    """Return what is found in ``each`` pictures of each of ``labels``; the class ``dark`` is darker than the rest."""
    rows = [label for label in labels for _picture in range(each)]
    random = np.random.default_rng(0)
    light = random.normal(150, 20, len(rows)) - 110.0 * np.array([label == dark for label in rows])
    columns = {
        "brightness": light,
        "contrast": random.normal(50, 10, len(rows)),
        "width": random.integers(100, 300, len(rows)),
        "path": [f"{label}/{row:04d}.jpg" for row, label in enumerate(rows)],
        "split": [splits[row % len(splits)] if splits else "" for row in range(len(rows))],
    }
    made = manifest(rows, columns)
    pixels = random.integers(0, 256, (len(rows), SIDE, SIDE, 3), dtype=np.uint8)
    found = describe(made, pixels, seed=0)
    placed, explained = components(random.normal(size=(len(rows), 16)).astype(np.float32), seed=0)
    places = in_unit_square(placed[:, :2])
    layout = PictureMap(
        method="tsne" if near else "pca",
        extractor="mobilenetv2",
        paths=tuple(made.table["path"]),
        labels=tuple(made.label_indices().tolist()),
        splits=tuple(made.table["split"]),
        ratios=tuple((made.table["width"] / made.table["height"]).tolist()),
        components=places,
        explained=explained,
        neighbours=places if near else (),
    )
    return replace(found, map=layout, created="2026-11-21T12:00:00+00:00", command="anmok explore x")


def with_troubles(found: Exploration, count: int = 3) -> Exploration:
    """Return it with files that were left out and ignored."""
    bad = tuple(Quarantined(f"bad/{number}.jpg", "damaged", f"file {number} is cut short") for number in range(count))
    return replace(found, quarantined=bad, ignored=2, notes=("Copies were left out.",))
