"""The page of a preview: it holds all it shows, says what is taken, and shows what a backbone is really given."""

from __future__ import annotations

import base64
import hashlib
import io
import json
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from numpy.typing import NDArray
from PIL import Image

from anmok.config import Recipe
from anmok.images import resize
from anmok.report.augment import embedded, render_preview
from anmok.training.augmentation.preview import Preview, preview
from report.pages import Page
from tests.training.made import network_recipe, striped

NAME = '<b onload="x">\u202egpj.jpg'


@pytest.fixture
def picture() -> NDArray[np.uint8]:
    return np.concatenate([striped(0, 1, 96), striped(1, 1, 96)], axis=1)


def shown(found: Preview, path: Path, language: str = "en") -> Page:
    return Page(render_preview(found, path, language=language, command="anmok augment '<x>'").read_text("utf-8"))


def test_a_strangers_file_name_can_do_nothing(picture: NDArray[np.uint8], tmp_path: Path) -> None:
    found = preview(NAME, picture, key="0" * 64, policies=("light",), count=3)
    page = shown(found, tmp_path / "page.html")
    assert "onload" not in page.attributes("b", "onload")
    assert not page.attributes("b", "onload")
    assert "gpj.jpg" in page.text
    assert "\u202e" not in page.text
    assert "anmok augment '<x>'" in page.text
    assert all(src.startswith("data:image/") for src in page.attributes("img", "src"))
    assert all(page.attributes("img", "alt"))


def test_the_square_is_the_very_array_that_models_see(picture: NDArray[np.uint8]) -> None:
    recipe = network_recipe(image_size=48, resize="crop")
    found = preview("a.jpg", picture, key="0" * 64, policies=("none",), count=2, recipe=recipe)
    assert (found.size, found.rule, found.width, found.height) == (48, "crop", 192, 96)
    assert np.array_equal(found.square, resize(picture, 48, "crop"))
    assert np.array_equal(found.squares["pad"], resize(picture, 48, "pad"))
    assert np.array_equal(found.rows[0].variants, np.stack([found.square] * 2))
    assert found.seen is not None
    assert not found.seen.given
    assert not found.seen.backbone


def test_a_network_without_a_size_is_shown_at_its_own(picture: NDArray[np.uint8]) -> None:
    found = preview("a", picture, key="0" * 64, policies=(), count=1, recipe=network_recipe(image_size=0))
    assert found.size == 64


def test_a_picture_is_embedded_at_its_own_size(picture: NDArray[np.uint8]) -> None:
    made = embedded(picture)
    with Image.open(io.BytesIO(base64.b64decode(made.src.partition(",")[2]))) as image:
        assert image.size == (made.width, made.height) == (192, 96)
        # JPEG loses a little of the noise; it is still this picture.
        assert np.abs(np.asarray(image).astype(int) - picture).mean() < 8


def write_pack(folder: Path, mean: float, std: float) -> None:
    folder.mkdir(parents=True)
    weights = safetensors.numpy.save({"x": np.zeros(1, np.float32)})
    (folder / "model.safetensors").write_bytes(weights)
    facts = {
        "name": folder.name,
        "architecture": folder.name.partition(".")[0],
        "architecture_args": {},
        "num_classes": 0,
        "input_size": [3, 64, 64],
        "mean": [mean] * 3,
        "std": [std] * 3,
        "interpolation": "bicubic",
        "crop_pct": 1.0,
        "licence": "made here",
        "source": "made here",
        "sha256": hashlib.sha256(weights).hexdigest(),
    }
    (folder / "pack.json").write_text(json.dumps(facts))


def test_a_backbone_is_shown_what_its_preprocessing_makes_of_the_pixels_and_what_two_mistakes_would(
    picture: NDArray[np.uint8], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_pack(tmp_path / "weights" / "mobilenetv2_100.tf2_in1k", 0.5, 0.5)
    monkeypatch.setenv("ANMOK_WEIGHTS", str(tmp_path / "weights"))
    recipe = Recipe(name="mine", model="mobilenetv2", preprocessing="mistake-0-1")
    found = preview("a.jpg", picture, key="0" * 64, policies=("light",), count=2, recipe=recipe)
    assert found.size == 64
    assert found.seen is not None
    given = {one.preprocessing: one for one in found.seen.given}
    assert found.seen.given[0].preprocessing == "mistake-0-1"
    assert [one.own for one in found.seen.given] == [True, False, False]
    lowest, highest = int(found.square.min()), int(found.square.max())
    assert np.array_equal(given["own"].pixels, found.square)
    assert (given["own"].low, given["own"].high) == pytest.approx((lowest / 127.5 - 1, highest / 127.5 - 1))
    # What comes as 0 to 1 lies in the upper half of what these weights know; what is divided twice is all but black.
    assert (given["mistake-0-1"].low, given["mistake-0-1"].high) == pytest.approx((lowest / 255, highest / 255))
    assert np.abs(given["mistake-0-1"].pixels - (127.5 + found.square / 2)).max() <= 0.51
    assert given["mistake-twice"].pixels.max() <= 1
    page = shown(found, tmp_path / "page.html")
    assert "Mistake: only divided by 255 – taken here" in page.text
    assert len(page.attributes("img", "src")) == 3 + 3 + 3


def test_weights_that_are_not_here_are_said_to_be_missing(
    picture: NDArray[np.uint8], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANMOK_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("ANMOK_CACHE", str(tmp_path / "cache"))
    recipe = Recipe(name="mine", model="mobilenetv2")
    found = preview("a.jpg", picture, key="0" * 64, policies=("light",), count=1, recipe=recipe)
    assert found.size == 224
    assert "are not on this machine" in shown(found, tmp_path / "page.html").text


def test_the_page_speaks_korean_and_the_same_values_give_the_same_bytes(
    picture: NDArray[np.uint8], tmp_path: Path
) -> None:
    found = preview("천지연.jpg", picture, key="0" * 64, policies=("light",), count=2)
    page = shown(found, tmp_path / "one.html", "ko")
    assert page.attributes("html", "lang") == ["ko"]
    assert "천지연.jpg" in page.text
    render_preview(found, tmp_path / "two.html", language="ko", command="anmok augment '<x>'")
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "two.html").read_bytes()
