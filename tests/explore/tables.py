"""Manifests without pictures: numbers drawn by seed, for what looks at tables alone."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from anmok.data.manifest import Manifest
from anmok.data.manifest_file import SCHEMA

PLAIN: dict[str, Any] = {
    "width": 200,
    "height": 150,
    "mode": "RGB",
    "format": "JPEG",
    "bytes": 12_000,
    "brightness": 120.0,
    "contrast": 50.0,
    "mean_r": 120.0,
    "mean_g": 120.0,
    "mean_b": 120.0,
}


def manifest(labels: Sequence[str], columns: Mapping[str, Any] | None = None) -> Manifest:
    """Return a manifest of one row a label; columns that are not given are the same for all pictures."""
    rows = len(labels)
    values: dict[str, Any] = {
        "id": [hashlib.sha256(str(row).encode()).hexdigest() for row in range(rows)],
        "path": [f"{label}/{row:05d}.jpg" for row, label in enumerate(labels)],
        "label": list(labels),
    }
    table = pd.DataFrame(values)
    for name, kind in zip(SCHEMA.names, SCHEMA.types, strict=True):
        if name not in table:
            missing = "" if str(kind) == "string" else 1 if str(kind) == "int64" else 1.0
            table[name] = PLAIN.get(name, missing)
    for name, column in (columns or {}).items():
        table[name] = column
    return Manifest(table=table, source="/nowhere", name="made")


def classes(count: int, each: int) -> list[str]:
    """Return ``each`` labels of each of ``count`` classes."""
    return [f"c{number:03d}" for number in range(count) for _picture in range(each)]


def dice(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)
