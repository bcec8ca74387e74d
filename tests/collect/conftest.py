"""A small web of real pictures, and a way to collect from it without waiting as one waits with the real one."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from anmok.collect import ClassPlan, Manners, Plan, QueryText
from tests.collect.servers.dialects import DIALECTS, KEYS, PATHS
from tests.collect.servers.world import Hosted, World


@pytest.fixture(scope="session")
def photos(data_dir: Path) -> list[tuple[bytes, int, int]]:
    """Real photographs of places, no two with the same bytes, and their sizes."""
    found: dict[bytes, tuple[int, int]] = {}
    with zipfile.ZipFile(data_dir / "scenes6.zip") as archive:
        for name in sorted(archive.namelist()):
            if name.endswith(".jpg") and "train/" in name:
                data = archive.read(name)
                found.setdefault(data, Image.open(io.BytesIO(data)).size)
    return [(data, *size) for data, size in found.items()]


@pytest.fixture
def real_pictures(photos: list[tuple[bytes, int, int]]) -> list[Hosted]:
    """The photographs with names, for this test alone, so that it can put faults before them."""
    return [Hosted(f"{n:04d}.jpg", data, width, height) for n, (data, width, height) in enumerate(photos)]


@pytest.fixture
def world() -> Iterator[World]:
    """An empty web that speaks all dialects."""
    world = World()
    world.dialects.update(DIALECTS)
    with world.open():
        yield world


#: Nothing is waited for: the servers of the tests are ours.
AT_ONCE = Manners(
    start_delay=0.0, backoff=0.01, contact="test@example.org", delays=dict.fromkeys([*DIALECTS, "page"], 0.0)
)


def plan_for(world: World, classes: dict[str, list[QueryText]], **settings: Any) -> Plan:
    """Return a plan that asks the small web."""
    manners = replace(AT_ONCE, **settings.pop("manners", {}))
    return Plan(
        classes=tuple(ClassPlan(name=name, queries=tuple(queries)) for name, queries in classes.items()),
        endpoints={name: f"{world.base}/{path}" for name, path in PATHS.items()},
        manners=manners,
        **{"sources": ("openverse",), "min_side": 50, **settings},
    )


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """All keys that the servers take, in the environment."""
    given = {name: value for keys in KEYS.values() for name, value in keys.items()}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    return list(given.values())


def rows_of(file: Path) -> list[dict[str, str]]:
    """Read a CSV of ours."""
    with file.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))
