"""The wait for the answer to one picture."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from anmok.bundle.format import read_bundle
from anmok.data.scan import scan
from anmok.evaluation.latency import measure_latency
from anmok.inference.predictor import Predictor
from bundle.small_bundles import write_colour_bundle
from evaluation.tinted import write_shades


class Watched(Predictor):
    """A predictor that keeps what it was asked at a time."""

    def answers(self, items: Iterable[Any]) -> Iterator[Any]:
        asked = list(items)
        self.asked.append([name for name, _read in asked])
        return super().answers(asked)

    @property
    def asked(self) -> list[list[str]]:
        return self.__dict__.setdefault("_asked", [])


@pytest.fixture
def predictor(tmp_path: Path) -> Watched:
    return Watched(read_bundle(write_colour_bundle(tmp_path / "colours.anmok")))


def test_pictures_are_asked_about_one_at_a_time_spread_over_the_split(tmp_path: Path, predictor: Watched) -> None:
    folder = write_shades(tmp_path / "shades", {"train": {"red": 9}, "test": {"red": 20, "green": 20, "blue": 20}})
    latency = measure_latency(predictor, scan(folder), "test", asked=12)
    assert latency is not None
    assert latency > 0
    names = [name for (name,) in predictor.asked]
    assert names[0] == names[1]  # the first one before it counts
    assert len(set(names)) == 12
    assert all(name.startswith("test/") for name in names)
    assert {name.split("/")[1] for name in names} == {"red", "green", "blue"}


def test_fewer_pictures_than_wanted_are_all_asked_about(tmp_path: Path, predictor: Watched) -> None:
    folder = write_shades(tmp_path / "shades", {"test": {"red": 2, "green": 1}})
    assert measure_latency(predictor, scan(folder), "test")
    assert len({name for (name,) in predictor.asked}) == 3


def test_pictures_that_cannot_be_read_any_more_give_no_figure(tmp_path: Path, predictor: Watched) -> None:
    folder = write_shades(tmp_path / "shades", {"test": {"red": 3, "green": 3}})
    manifest = scan(folder)
    for path in folder.rglob("*.png"):
        path.write_bytes(b"")
    assert measure_latency(predictor, manifest, "test") is None
