"""``anmok collect`` from a keyboard, against a server that speaks Openverse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from anmok.cli.app import run
from anmok.data.manifest import Manifest
from anmok.data.scan import scan
from tests.collect.conftest import photos, real_pictures, rows_of, world
from tests.collect.servers.world import Hosted, World

pytestmark = pytest.mark.real
__all__ = ["photos", "real_pictures", "world"]  # fixtures


@pytest.fixture
def plan(world: World, tmp_path: Path) -> Path:
    """A plan that asks the small web, without waiting as one waits with the real one."""
    path = tmp_path / "plan.toml"
    path.write_text(
        'sources = ["openverse"]\n'
        "per_class = 30\n"
        "[classes]\n"
        '"천지연 폭포" = ["천지연 폭포"]\n'
        f'[endpoints]\nopenverse = "{world.base}/openverse/v1/images/"\n'
        "[manners]\nstart_delay = 0.0\n[manners.delays]\nopenverse = 0.0\n",
        encoding="utf-8",
    )
    return path


def test_a_plan_becomes_class_folders_with_a_manifest_and_attribution(
    world: World,
    real_pictures: list[Hosted],
    plan: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    world.add("천지연 폭포", *real_pictures[:40])
    into = tmp_path / "photos"
    assert run(["collect", "--plan", str(plan), "--into", str(into), "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["kept"] == {"천지연 폭포": 30}
    assert summary["complete"] is True
    assert len(list((into / "천지연 폭포").iterdir())) == 30
    manifest = Manifest.load(into / "manifest.parquet")
    assert set(manifest.table["licence"]) == {"CC BY 2.0"}
    assert set(manifest.table["author"]) == {"Jo"}
    assert manifest.table["page_url"].str.startswith("https://site.example/").all()
    # What the collection says of its pictures is what a scan would find.
    scanned = scan(into).table.sort_values("path", ignore_index=True)
    for name in ("id", "path", "label", "width", "height", "bytes", "phash", "brightness", "sharpness"):
        assert list(manifest.table[name]) == list(scanned[name])
    rows = rows_of(into / "ATTRIBUTION.csv")
    assert {row["path"] for row in rows} == set(manifest.table["path"])
    assert all(row["licence_url"] == "https://creativecommons.org/licenses/by/2.0/" for row in rows)
    page = (into / "overview.html").read_text(encoding="utf-8")
    assert page.count("data:image/jpeg") == 30
    assert "천지연 폭포" in page
    assert "https://site.example/0000.jpg" in page
    # Never more than was asked for: each once, and no picture too many.
    assert len(world.served()) == 30
    assert set(world.served().values()) == {1}


def test_the_command_line_goes_before_the_plan(plan: Path) -> None:
    from anmok.cli.collect import _plan

    nothing = {"random": False, "sources": (), "per_class": None, "test_per_class": None, "endpoints": {}, "allow": ()}
    kept = _plan([], plan, right={}, contact="", licences=(), min_side=None, apart_from=(), **nothing)
    assert (kept.per_class, kept.min_side, kept.sources) == (30, 100, ("openverse",))
    said = {**nothing, "per_class": 7, "sources": ("commons",)}
    made = _plan([], plan, right={}, contact="me@x", licences=("by",), min_side=0, apart_from=(), **said)
    assert (made.per_class, made.min_side, made.sources, made.licences) == (7, 0, ("commons",), ("by",))
    assert made.manners.contact == "me@x"
    assert made.manners.delays == kept.manners.delays
    assert made.endpoints == kept.endpoints


def test_wrong_use_is_told_and_ends_with_2(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(["collect"]) == 2
    assert run(["collect", "cat", "--source", "gogle"]) == 2
    assert run(["collect", "cat", "--source", "naver"]) == 2
    assert run(["collect", "../cat", "--into", str(tmp_path / "x")]) == 2
    assert run(["collect", "cat", "--source", "urls,page", "--right", "because"]) == 2
    said = " ".join(capsys.readouterr().err.split())
    for words in ("nothing to collect", "Did you mean google", "--right naver", "name of a folder", "SOURCE=..."):
        assert words in said
    assert not (tmp_path / "x").exists()


def test_sources_are_listed_with_what_they_need(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["collect", "--list-sources", "--json"]) == 0
    rows = {row["name"]: row for row in map(json.loads, capsys.readouterr().out.splitlines())}
    assert rows["openverse"]["keys"] == []
    assert not rows["commons"]["needs_right"]
    assert rows["naver"]["needs_right"]
    assert rows["unsplash"]["keys"] == ["UNSPLASH_ACCESS_KEY"]
