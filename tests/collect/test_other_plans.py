"""A collection that goes on under another plan: it takes only what the new plan wants, and loses nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from anmok.collect import QueryText, collect
from anmok.data.manifest import Manifest
from tests.collect.conftest import plan_for, rows_of
from tests.collect.servers.world import Answer, Hosted, World

pytestmark = pytest.mark.real

SEA = {"sea": [QueryText(text="sea")]}


def licences_of(folder: Path) -> list[str]:
    return sorted(Manifest.load(folder / "manifest.parquet").table["licence"].unique())


def test_with_fewer_licences_what_was_listed_before_is_no_longer_fetched(
    world: World, real_pictures: list[Hosted], tmp_path: Path
) -> None:
    for at, one in enumerate(real_pictures[:30]):
        one.licence = "by" if at < 20 else "cc0"
    world.add("sea", *real_pictures[:30])
    plan = plan_for(world, SEA, sources=("commons",), per_class=5)
    assert collect(plan, tmp_path / "photos").kept == {"sea": 5}
    # All thirty were on that page, so the rest of the first licence waits to be fetched.
    collected = collect(replace(plan, licences=("cc0",), per_class=30), tmp_path / "photos")
    assert collected.kept == {"sea": 15}
    assert world.served().keys() == {one.name for one in (*real_pictures[:5], *real_pictures[20:30])}


def test_with_more_licences_what_was_refused_for_its_licence_is_fetched(
    world: World, real_pictures: list[Hosted], tmp_path: Path
) -> None:
    for at, one in enumerate(real_pictures[:30]):
        one.licence = "by" if at < 20 else "cc0"
    world.add("sea", *real_pictures[:30])
    plan = plan_for(world, SEA, sources=("commons",), licences=("cc0",), per_class=30)
    assert collect(plan, tmp_path / "photos").kept == {"sea": 10}
    collected = collect(replace(plan, licences=("cc0", "by")), tmp_path / "photos")
    assert collected.kept == {"sea": 30}
    assert collected.refused == {}
    assert licences_of(tmp_path / "photos") == ["CC BY 2.0", "CC0 1.0"]


def test_a_source_that_is_left_out_gives_nothing_more_and_its_right_stays_with_its_pictures(
    world: World, real_pictures: list[Hosted], keys: list[str], tmp_path: Path
) -> None:
    world.add("sea", *real_pictures[:20])
    plan = plan_for(world, SEA, sources=("pexels",), right={"pexels": "agreed in 2026"}, per_class=5)
    assert collect(plan, tmp_path / "photos").kept == {"sea": 5}
    asked = len(world.served())
    world.by_query["sea"] = real_pictures[20:40]
    world.pictures.update({one.name: one for one in real_pictures[20:40]})
    collected = collect(replace(plan, sources=("commons",), right={}, per_class=12), tmp_path / "photos")
    assert collected.kept == {"sea": 12}
    assert set(list(world.served())[asked:]) <= {one.name for one in real_pictures[20:40]}
    rights = {row["source"]: row["right"] for row in rows_of(tmp_path / "photos" / "ATTRIBUTION.csv")}
    assert rights == {"pexels": "agreed in 2026", "commons": ""}
    assert "agreed in 2026" in (tmp_path / "photos" / "ATTRIBUTION.md").read_text(encoding="utf-8")


def test_what_a_busy_server_kept_back_is_fetched_by_the_next_run(
    world: World, real_pictures: list[Hosted], tmp_path: Path
) -> None:
    world.add("sea", *real_pictures[:10])
    plan = plan_for(world, SEA, per_class=10)
    real_pictures[2].faults.extend([Answer(b"", 503)] * plan.limits.tries)
    real_pictures[5].faults.extend([Answer(b"", 404)] * 99)
    first = collect(plan, tmp_path / "photos")
    assert first.kept == {"sea": 8}
    assert first.refused == {"http-503": 1, "http-404": 1}
    second = collect(plan, tmp_path / "photos")
    assert second.kept == {"sea": 9}
    assert second.refused == {"http-404": 1}
    assert world.served()[real_pictures[5].name] == 1


def test_with_more_wanted_the_test_set_keeps_its_size(
    world: World, real_pictures: list[Hosted], tmp_path: Path
) -> None:
    world.add("sea", *real_pictures[:60])
    plan = plan_for(world, SEA, per_class=14, test_per_class=6)
    for per_class in (14, 24, 34):
        collect(replace(plan, per_class=per_class), tmp_path / "photos")
        table = Manifest.load(tmp_path / "photos" / "manifest.parquet").table
        assert table["split"].value_counts().to_dict() == {"train": per_class, "test": 6}
