"""``anmok explore`` from a folder to its files: the page, the tables, the values; what it refuses; going on."""

from __future__ import annotations

import csv
import json
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from anmok.cli.app import run
from anmok.config import ExploreConfig
from anmok.data.manifest import Manifest
from anmok.pipeline.explore import explore_source, read_exploration
from report.pages import Page
from tests.pictures import encode, photo

LEAVES = {"explore.html", "explore.json", "manifest.parquet", "manifest.quarantine.csv", "pictures.csv"}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Three classes of twelve pictures, one of them dark; a damaged file, a text, a formula for a name."""
    root = tmp_path / "photos"
    for number, label in enumerate(("dark", "light", unicodedata.normalize("NFD", "천지연 폭포"))):
        (root / label).mkdir(parents=True)
        for picture in range(12):
            pixels = photo(48, 32, seed=100 * number + picture)
            if label == "dark":
                pixels = Image.fromarray(np.asarray(pixels) // 6)
            (root / label / f"{picture}.png").write_bytes(encode(pixels, "PNG"))
    (root / "light" / "=1+1.png").write_bytes(encode(photo(48, 32, seed=999), "PNG"))
    (root / "light" / "broken.jpg").write_bytes(encode(photo(48, 32, seed=998), "JPEG")[:300])
    (root / "light" / "notes.txt").write_text("not a picture")
    return root


def page_of(folder: Path) -> Page:
    return Page((folder / "explore.html").read_text(encoding="utf-8"))


def test_a_folder_becomes_page_tables_and_values(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert run(["explore", str(source), "-o", str(out), "--map", "pca", "--sample", "10"]) == 0
    assert {path.name for path in out.iterdir()} == LEAVES
    told = " ".join(capsys.readouterr().out.split())
    assert "37 pictures, 3 classes" in told
    assert "dark is darker than the rest. Look for photos among drawings" in told
    assert "1 file was left out" in told
    assert "explore.html" in told
    page = page_of(out)
    assert "dark is darker than the rest." in page.text
    assert "천지연 폭포" in page.text
    assert "1 file was left out" in page.text
    assert "1 file was ignored" in page.text
    assert sum(tag == "circle" for tag, _found in page.elements) == 10 + 1
    found = read_exploration(out)
    assert len(found.map.paths) == 10
    assert found.map.neighbours == ()
    assert len(Manifest.load(out / "manifest.parquet")) == found.pictures == 37


def test_picture_table_opens_in_a_spreadsheet_and_runs_nothing(source: Path, tmp_path: Path) -> None:
    # The label of a folder that is a formula, too.
    (source / "light").rename(source / "@SUM(A1)")
    explore_source(source, tmp_path / "out", ExploreConfig(map="none"))
    data = (tmp_path / "out" / "pictures.csv").read_bytes()
    assert data.startswith("\ufeff".encode())
    header, *rows = csv.reader(data.decode("utf-8-sig").splitlines())
    for name in ("path", "label", "split", "width", "height", "mean_pixel", "brightness", "contrast", "mode", "format"):
        assert name in header
    assert len(rows) == 37
    assert {row[1] for row in rows} == {"dark", "'@SUM(A1)", "천지연 폭포"}
    assert not [cell for row in rows for cell in row[:3] if cell.startswith(("=", "+", "-", "@"))]
    by_path = {row[0]: dict(zip(header, row, strict=True)) for row in rows}
    table = Manifest.load(tmp_path / "out" / "manifest.parquet").table
    first = table[table["label"] == "dark"].iloc[0]
    line = by_path[first["path"]]
    assert float(line["brightness"]) == pytest.approx(first["brightness"], abs=1e-3)
    assert float(line["mean_pixel"]) == pytest.approx(
        (first["mean_r"] + first["mean_g"] + first["mean_b"]) / 3, abs=1e-3
    )
    assert (line["width"], line["height"]) == (str(first["width"]), str(first["height"]))


def test_json_is_one_line_with_all_values(source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explore", str(source), "-o", str(tmp_path / "out"), "--map", "none", "--json"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    values = json.loads(line)
    assert values["counts"][""]["dark"] == 12
    assert values["stand_outs"][0]["group"] == "dark"
    assert [row["code"] for row in values["quarantined"]] == ["damaged"]
    assert values["map"]["method"] == "none"


def test_the_page_can_be_drawn_again_in_korean_from_the_values_alone(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    found = explore_source(source, out, ExploreConfig(map="pca"))
    assert run(["report", str(out), "--lang", "ko"]) == 0
    page = page_of(out)
    assert page.attributes("html", "lang") == ["ko"]
    assert sum(tag == "circle" for tag, _found in page.elements) == len(found.map.paths) + 1
    assert read_exploration(out) == found
    # Averages, samples, and the sheet of the map.
    shown = len(page.attributes("img", "src"))
    assert shown == 3 + 18 + 1
    source.rename(tmp_path / "moved")
    assert run(["report", str(out), "-o", str(tmp_path / "again.html")]) == 0
    again = Page((tmp_path / "again.html").read_text(encoding="utf-8"))
    assert len(again.attributes("img", "src")) == 3
    assert "were not at hand" in again.text


def test_running_again_uses_the_folder_and_a_strangers_folder_is_refused(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, strange = tmp_path / "out", tmp_path / "strange"
    for _time in range(2):
        assert run(["explore", str(source), "-o", str(out), "--map", "none"]) == 0
    for left in ("explore.json", "explore.html", "pictures.csv"):
        (out / left).unlink()
        assert run(["explore", str(source), "-o", str(out), "--map", "none"]) == 0, f"killed before {left}"
    strange.mkdir()
    (strange / "manifest.parquet").write_bytes(b"somebody's own scan")
    assert run(["explore", str(source), "-o", str(strange)]) == 1
    (strange / "manifest.parquet").write_bytes(b"mine")
    (strange / "thesis.doc").write_bytes(b"mine")
    capsys.readouterr()
    assert run(["explore", str(source), "-o", str(strange)]) == 1
    assert "something else" in capsys.readouterr().err
    assert {path.name for path in strange.iterdir()} == {"manifest.parquet", "thesis.doc"}
    assert run(["explore", str(source), "-o", str(strange / "thesis.doc")]) == 1


def test_without_a_folder_name_results_stand_beside_and_the_source_is_as_it_was(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in source.rglob("*")}
    assert run(["explore", "photos", "--map", "none"]) == 0
    assert (tmp_path / "anmok-explore-photos" / "explore.html").exists()
    assert {path: path.stat().st_mtime_ns for path in source.rglob("*")} == before


def test_one_picture_and_a_manifest_with_splits_are_explored_too(tmp_path: Path) -> None:
    (tmp_path / "one" / "only").mkdir(parents=True)
    (tmp_path / "one" / "only" / "1.png").write_bytes(encode(photo(40, 90, 0), "PNG"))
    found = explore_source(tmp_path / "one", tmp_path / "out")
    assert (found.pictures, found.stand_outs, found.imbalance) == (1, (), ())
    assert "There is only one class" in page_of(tmp_path / "out").text
    for split in ("train", "test"):
        for label in ("a", "b"):
            folder = tmp_path / "divided" / split / label
            folder.mkdir(parents=True)
            for number in range(3):
                (folder / f"{number}.png").write_bytes(
                    encode(photo(40, 30, 10 * len(folder.as_posix()) + number + 3 * (label == "b")), "PNG")
                )
    explore_source(tmp_path / "divided", tmp_path / "first", ExploreConfig(map="none"))
    found = explore_source(tmp_path / "first" / "manifest.parquet", tmp_path / "second", ExploreConfig(map="tsne"))
    assert found.splits == ("train", "test")
    assert len(found.map.neighbours) == 12
    assert "By split" in page_of(tmp_path / "second").text


def test_wrong_options_are_explained_and_end_with_2(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explore", str(source), "--map", "umap"]) == 2
    assert "tsne" in capsys.readouterr().err
    assert run(["explore", str(source), "--sample", "0"]) == 2
    assert run(["explore", "no-such-folder"]) == 2


def test_the_same_source_gives_the_same_values(source: Path, tmp_path: Path) -> None:
    first, second = (explore_source(source, tmp_path / name, ExploreConfig(sample=20)) for name in ("a", "b"))
    assert first.map == second.map
    assert first.samples == second.samples
    assert first.stand_outs == second.stand_outs
    assert first.averages == second.averages
