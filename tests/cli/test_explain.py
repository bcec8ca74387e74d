"""``anmok explain``: answers with their reasons, on a page, as pictures and as JSON; originals stay as they are."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from anmok.bundle.format import update_bundle_info
from anmok.bundle.unknown.rule import UnknownRule
from anmok.cli import main
from bundle.small_bundles import write_colour_bundle
from evaluation.tinted import shade, trained_bundle
from inference.picture_files import coloured_files, png, write_folder
from report.pages import Page


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return write_colour_bundle(tmp_path / "colours.anmok")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "pictures", coloured_files(2))


def explain(*words: object) -> int:
    with pytest.raises(SystemExit) as caught:
        main(["explain", *map(str, words)])
    return int(caught.value.code or 0)


def files_of(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_each_picture_gets_an_answer_a_map_and_a_place_on_the_page(
    bundle: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = files_of(folder)
    assert explain(bundle, folder, "--out", tmp_path / "out") == 0
    assert files_of(folder) == before
    maps = sorted((tmp_path / "out" / "heat-maps").iterdir())
    assert len(maps) == 6
    for path in maps:
        with Image.open(path) as opened:
            assert opened.format == "PNG"
    printed = capsys.readouterr().out
    assert "blue/0.png" in printed
    assert " cam" in printed
    assert "explain.html" in printed
    page = Page((tmp_path / "out" / "explain.html").read_text("utf-8"))
    sources = page.attributes("img", "src")
    assert len(sources) == 1 + 2 * 6
    first = Image.open(io.BytesIO(base64.b64decode(str(sources[1]).partition(",")[2])))
    assert first.size == (20, 20)
    assert "anmok explain" in page.text


def test_json_gives_the_answer_of_predict_and_where_it_comes_from(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pixels = np.full((60, 90, 3), 90, dtype=np.uint8)
    pixels[40:55, 60:85, 2] = 255
    picture = tmp_path / "sky.png"
    picture.write_bytes(png(pixels))
    assert explain(bundle, picture, "--out", tmp_path / "out", "--json", "--class", "blue") == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert main_json(["predict", bundle, picture, "--json"], capsys).items() <= json.loads(line).items()
    found = json.loads(line)["heat_map"]
    assert (found["class"], found["method"]) == ("blue", "cam")
    assert (found["strongest"]["x"], found["strongest"]["y"]) == pytest.approx((0.8, 0.8), abs=0.15)
    assert Path(found["file"]).is_file()
    stored = json.loads((tmp_path / "out" / "explain.json").read_text("utf-8"))
    assert stored["explained"] == [json.loads(line)]


def main_json(words: list[object], capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    with pytest.raises(SystemExit):
        main([str(word) for word in words])
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


def test_occlusion_is_had_on_request(
    bundle: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert explain(bundle, folder / "red/0.png", "--out", tmp_path / "out", "--json", "--method", "occlusion") == 0
    assert json.loads(capsys.readouterr().out)["heat_map"]["method"] == "occlusion"


def test_more_pictures_than_the_limit_are_left_out_and_counted(
    bundle: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert explain(bundle, folder, "--out", tmp_path / "out", "--limit", 2) == 0
    assert "4 more pictures were left out" in capsys.readouterr().out
    assert len(list((tmp_path / "out" / "heat-maps").iterdir())) == 2
    assert "4 more were given" in Page((tmp_path / "out" / "explain.html").read_text("utf-8")).text


def test_a_picture_that_cannot_be_read_is_named_and_the_others_are_explained(
    bundle: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "blue" / "0.png").write_bytes(b"\x89PNG\r\n\x1a\ncut off")
    assert explain(bundle, folder, "--out", tmp_path / "out") == 1
    assert "cannot be" in capsys.readouterr().out
    page = Page((tmp_path / "out" / "explain.html").read_text("utf-8"))
    assert "Not readable" in page.text
    assert len(page.attributes("img", "src")) == 1 + 2 * 5


def test_the_folder_of_a_comparison_stands_for_its_best_bundle(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "made").mkdir()
    write_colour_bundle(tmp_path / "made" / "best.anmok")
    assert explain(tmp_path / "made", folder / "red/0.png", "--out", tmp_path / "out") == 0
    assert "red" in capsys.readouterr().out
    assert explain(folder, folder / "red/0.png", "--out", tmp_path / "out") == 2
    assert "holds no bundle" in " ".join(capsys.readouterr().err.split())


def test_beside_none_of_these_stands_the_class_whose_probability_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rule = UnknownRule(score="neighbours", settings={"neighbours": 3}, threshold=0.7, accepts=0.95)
    bundle = trained_bundle(tmp_path / "shades.anmok", {"red": 30, "green": 30})
    update_bundle_info(bundle, unknown=rule)
    folder = write_folder(tmp_path / "in", {"blue.png": png(shade("blue", 0))})
    assert explain(bundle, folder, "--out", tmp_path / "out", "--method", "occlusion") == 0
    assert "none of these; nearest: " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [(["--class", "purple"], "knows no class 'purple'"), (["--method", "magic"], "no method 'magic'")],
)
def test_what_is_not_there_is_refused_in_a_sentence(
    words: list[str], said: str, bundle: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert explain(bundle, folder, "--out", tmp_path / "out", *words) == 2
    assert said in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "out").exists()


def test_names_from_outside_can_do_nothing_on_the_page(tmp_path: Path) -> None:
    bundle = write_colour_bundle(tmp_path / "a.anmok", info={"labels": ('<b onload="x">', "g\u202ereen", "blue")})
    folder = write_folder(tmp_path / "pictures", {'<img src="x">.png': coloured_files(1)["red/0.png"]})
    assert explain(bundle, folder, "--out", tmp_path / "out") == 0
    page = Page((tmp_path / "out" / "explain.html").read_text("utf-8"))
    assert not page.attributes("b", "onload")
    assert all(str(src).startswith("data:image/") for src in page.attributes("img", "src"))
    assert "\u202e" not in page.text
