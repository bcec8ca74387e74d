"""Draw one picture, or the whole sample into a folder."""

from __future__ import annotations

import csv
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from anmok.data.sample.camera import OVERSAMPLING, photograph
from anmok.data.sample.faults import (
    EXACT,
    NEAR,
    OFF_TOPIC,
    UNREADABLE,
    Planned,
    SampleTruth,
    encode,
    nearly,
    plan_sample,
    truncated,
)
from anmok.data.sample.offtopic import draw_off_topic
from anmok.data.sample.places import PAINTERS, place_names

SIDE = 160  # pixels of a finished picture


def draw_place(place: int, *, seed: int, size: int = SIDE) -> Image.Image:
    """Draw one picture of place 0 to 4, RGB, `size` x `size` pixels; the same seed shows the same scene."""
    if not 0 <= place < len(PAINTERS):
        raise ValueError(f"Place {place} is not known. Choose 0 to {len(PAINTERS) - 1}.")
    return _draw(place, np.random.default_rng((_checked(seed), place, 0)), size)


def draw_sample(
    folder: Path,
    *,
    per_class: int = 60,
    seed: int = 2026,
    lang: str = "en",
    faults: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[SampleTruth, ...]:
    """Draw the sample: one folder per class with its pictures, and `truth.csv` with the planted faults.

    The folder appears complete or not at all. `progress` is told pictures done and pictures in all.
    """
    names = place_names(lang)
    if per_class < 1:
        raise ValueError(f"per_class is {per_class}; it must be at least 1.")
    folder = Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(f"{folder} exists and is not an empty folder. Name another, or remove it first.")
    plan = plan_sample(per_class, _checked(seed), faults=faults)
    paths = _name_files(plan, names, seed)
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = folder.with_name(f".{folder.name}-{secrets.token_hex(4)}")
    draft.mkdir()
    try:
        for name in names:
            (draft / name).mkdir()
        # Originals come before their copies in the plan, so a copy finds its file on disk.
        for number, planned in enumerate(plan):
            original = (draft / paths[planned.original]).read_bytes() if planned.original >= 0 else b""
            (draft / paths[number]).write_bytes(_make(planned, original, seed))
            if progress is not None:
                progress(number + 1, len(plan))
        truth = tuple(sorted(_truth(plan, paths, names), key=lambda row: row.path))
        _write_truth(draft / "truth.csv", truth)
        if folder.exists():
            folder.rmdir()
        draft.rename(folder)
    except BaseException:  # also Ctrl-C: half a sample must not be taken for a whole one
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return truth


def _checked(seed: int) -> int:
    if seed < 0:
        raise ValueError(f"The seed is {seed}; it must be 0 or more.")
    return seed


def _draw(place: int, rng: np.random.Generator, size: int) -> Image.Image:
    scene = PAINTERS[place](rng, size * OVERSAMPLING)
    return photograph(scene, rng, size=size)


def _make(planned: Planned, original: bytes, seed: int) -> bytes:
    """Give the bytes of one file; each has its own generator, so the order of drawing does not matter."""
    rng = np.random.default_rng((seed, planned.place, planned.index, 1))
    if planned.fault == EXACT:
        return original
    if planned.fault == NEAR:
        return nearly(original, planned.change, rng)
    if planned.fault == OFF_TOPIC:
        return encode(draw_off_topic(planned.index, rng, SIDE), rng)
    data = encode(_draw(planned.place, rng, SIDE), rng)
    return truncated(data) if planned.fault == UNREADABLE else data


def _name_files(plan: list[Planned], names: tuple[str, ...], seed: int) -> list[str]:
    """Give every planned picture a path; numbers are dealt at random, so that no name tells of a fault."""
    rng = np.random.default_rng((seed, 7))
    paths = [""] * len(plan)
    for number, name in enumerate(names):
        members = [position for position, planned in enumerate(plan) if planned.folder == number]
        for position, ticket in zip(members, rng.permutation(len(members)), strict=True):
            paths[position] = f"{name}/IMG_{int(ticket) + 1:04d}.jpg"
    return paths


def _truth(plan: list[Planned], paths: list[str], names: tuple[str, ...]) -> list[SampleTruth]:
    rows = []
    for planned, path in zip(plan, paths, strict=True):
        if planned.fault:
            other = paths[planned.original] if planned.original >= 0 else ""
            shown = "" if planned.fault in (OFF_TOPIC, UNREADABLE) else names[planned.place]
            rows.append(SampleTruth(path, planned.fault, other, shown))
    return rows


def _write_truth(path: Path, truth: tuple[SampleTruth, ...]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("path", "fault", "other", "true_label"))
        writer.writerows((row.path, row.fault, row.other, row.true_label) for row in truth)
