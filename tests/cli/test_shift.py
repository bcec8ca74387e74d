"""``anmok evaluate`` on other pictures than a model was trained on."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from anmok.cli.app import run
from report.pages import Page
from tests.pictures import photo

LABELS = ("red", "blue")


def write(root: Path, *, first: int, count: int = 40, darker: float = 1.0, side: int = 32, ending: str = "png") -> Path:
    for number, label in enumerate(LABELS):
        (root / label).mkdir(parents=True)
        random = np.random.default_rng([number, first])
        for picture in range(count):
            pixels = np.asarray(photo(side, side, seed=1000 * number + first + picture)).astype(float)
            pixels[..., 2 * number] *= random.normal(1.4, 0.1)
            image = Image.fromarray((pixels * darker).clip(0, 255).astype(np.uint8))
            image.save(root / label / f"{picture}.{ending}")
    return root


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("origin")
    out = root / "model"
    source = write(root / "photos", first=0, count=60)
    words = ["train", source, "--recipe", "features-2d", "--repair", "-o", out]
    assert run([str(word) for word in words]) == 0
    return out


def evaluate(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    capsys.readouterr()
    assert run(["evaluate", *map(str, words)]) == 0
    return capsys.readouterr().out


def test_pictures_of_the_same_kind_are_said_to_be_so(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alike = write(tmp_path / "alike", first=500)
    assert "these pictures are like those that the model was trained on" in evaluate(capsys, trained, alike)
    assert json.loads(evaluate(capsys, trained, alike, "--json"))["shift"]["sentences"] == []
    evaluate(capsys, trained, alike, "--out", tmp_path / "page")
    page = Page((tmp_path / "page" / "shift.html").read_text(encoding="utf-8"))
    assert "Of no class can it be told that it is recognised less" in page.text


def test_darker_smaller_pictures_of_another_format_are_told_and_drawn(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = write(tmp_path / "other", first=500, darker=0.4, side=20, ending="bmp")
    out = tmp_path / "page"
    text = " ".join(evaluate(capsys, trained, other, "--out", out).split())
    assert "Different from the pictures that the model was trained on" in text
    for words in ("They are darker: median", "They are smaller: median 20 pixels, training pictures 32"):
        assert words in text
    assert "BMP 100% instead of 0%" in text
    page = Page((out / "shift.html").read_text(encoding="utf-8"))
    assert "They are darker" in page.text
    assert sum(tag == "img" for tag, _attributes in page.elements) == 12
    shift = json.loads(evaluate(capsys, trained, other, "--json"))["shift"]
    changed = {one["measure"]: one["above"] for one in shift["measures"] if one["matters"]}
    assert changed["brightness"] < 0.1
    assert changed["size"] == 0
    assert any("darker" in sentence for sentence in shift["sentences"])
    (out / "shift.html").unlink()
    capsys.readouterr()
    assert run(["report", str(out)]) == 0
    assert (out / "shift.html").is_file()


def test_with_few_pictures_the_figures_are_told_and_why_there_is_no_page(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few = write(tmp_path / "few", first=500, count=3)
    told = " ".join(evaluate(capsys, trained, few, "--out", tmp_path / "page").split())
    assert "Accuracy" in told
    assert "No page was drawn" in told
    assert not (tmp_path / "page" / "shift.html").exists()


def test_the_page_names_the_command_as_it_was_given(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = trained / "manifest.parquet"
    evaluate(capsys, trained, manifest, "--out", tmp_path / "page")
    page = Page((tmp_path / "page" / "shift.html").read_text(encoding="utf-8"))
    assert f"{manifest} --split test --out {tmp_path / 'page'}" in " ".join(page.text.split())


def test_a_folder_that_holds_something_else_is_refused_before_anything_is_measured(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    capsys.readouterr()
    assert run(["evaluate", str(trained), "no-such-source", "--out", str(tmp_path / "mine")]) == 1
    assert "holds something else" in " ".join(capsys.readouterr().err.split())
