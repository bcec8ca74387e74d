"""What the tests of ``anmok.data`` are made of: small pictures, folders, zips and manifests without pictures."""

from __future__ import annotations

import contextlib
import hashlib
import os
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np

from anmok.data.manifest import Manifest, make_table
from tests.pictures import encode, photo

Row = tuple[str, str, str, str, str]
"""id, path, label, split, group."""


@cache
def picture(seed: int = 0, kind: str = "PNG") -> bytes:
    """The bytes of a picture of 24x16 pixels; each seed gives another."""
    return encode(photo(24, 16, seed), kind)


def write_tree(root: Path, files: Mapping[str, bytes]) -> Path:
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root


def write_zip(path: Path, files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def pictures_of(counts: Mapping[str, int], seed: int = 0) -> dict[str, bytes]:
    """So many different pictures in each folder."""
    numbers = iter(range(seed, seed + sum(counts.values())))
    return {f"{folder}/{i:03d}.png": picture(next(numbers)) for folder, count in counts.items() for i in range(count)}


def digest(number: int | str) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def manifest_of(rows: Sequence[Row], source: str = "/nowhere") -> Manifest:
    """A manifest without pictures behind it."""
    columns = dict(zip(("id", "path", "label", "split", "group"), map(list, zip(*rows, strict=True)), strict=True))
    return Manifest(table=make_table(columns | numbers(len(rows))), source=source, name="made")


def numbers(rows: int) -> dict[str, list[float]]:
    """The columns of numbers, the same in each row."""
    whole = {name: [8] * rows for name in ("width", "height", "bytes")}
    names = ("brightness", "contrast", "mean_r", "mean_g", "mean_b", "saturation", "sharpness", "entropy")
    return whole | {name: [1.5] * rows for name in names}


def synthetic(count: int, *, classes: int = 10, copies: float = 0.0, grouped: float = 0.0, seed: int = 0) -> Manifest:
    """Many rows: some are copies of others (same id and label), some belong to groups of about five in one class."""
    rng = np.random.default_rng(seed)
    base = np.arange(count)
    base = np.where(rng.random(count) < copies, rng.integers(0, count, count), base)
    labels = base % classes
    in_group = rng.random(count) < grouped
    group = [f"{label}-{b // (5 * classes)}" if g else "" for b, label, g in zip(base, labels, in_group, strict=True)]
    columns = {
        "id": [digest(int(b)) for b in base],
        "path": [f"{label}/{i:07d}.jpg" for i, label in enumerate(labels)],
        "label": [f"class {label:03d}" for label in labels],
        "group": group,
    }
    return Manifest(table=make_table(columns | numbers(count)), source="/nowhere", name="made")


@contextlib.contextmanager
def unprivileged() -> Iterator[None]:
    """Run the block as an ordinary user even where the tests run as root, who may read everything."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
