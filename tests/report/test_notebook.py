"""What values look like in a notebook: small, whole, and with names that can do nothing."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from anmok.data.scan import scan
from anmok.inference.explain import explain
from anmok.inference.heat_map import HeatMap
from anmok.records import Prediction, PredictionFailure
from bundle.small_bundles import write_colour_bundle
from inference.picture_files import coloured_files, write_folder
from report.comparisons import HOSTILE, JEJU, comparison
from report.explorations import exploration
from report.pages import Page

NASTY = '<img src="x" onerror="y">\u202e'


def shown(value: object) -> Page:
    html: str = value._repr_html_()  # type: ignore[attr-defined]
    page = Page(html)
    assert "onerror" not in {name for _tag, attributes in page.elements for name in attributes}
    assert "\u202e" not in html
    assert len(html) < 400_000
    return page


def sizes(page: Page) -> list[tuple[int, int]]:
    found = []
    for source in page.attributes("img", "src"):
        data = base64.b64decode(str(source).partition("data:image/png;base64,")[2])
        found.append(Image.open(io.BytesIO(data)).size)
    return found


def test_a_comparison_shows_each_model_with_its_intervals_and_the_recommendation() -> None:
    value = comparison(HOSTILE)
    page = shown(value)
    for model in value.models:
        assert model.name in page.text
    assert page.text.count(" – ") >= 5 * len(value.models)
    assert f"Recommended: {value.best}" in page.text
    assert value.reason in page.text


def test_an_evaluation_shows_its_measures() -> None:
    value = comparison(JEJU).models[0].evaluation
    page = shown(value)
    assert "Accuracy" in page.text
    assert f"{len(value.mistakes)} mistakes" in page.text


def test_an_exploration_and_a_manifest_count_pictures_by_class(tmp_path: Path) -> None:
    page = shown(exploration(("forest", NASTY), 15, splits=("train", "test"), dark=NASTY))
    assert re.search(r"forest\s*8\s*7", page.text)
    assert "arker" in page.text
    manifest = scan(write_folder(tmp_path / "pictures", coloured_files(3)))
    page = shown(replace(manifest, name=NASTY))
    assert "9 pictures" in page.text
    assert re.search(r"blue\s*3", page.text)


def test_a_hundred_classes_are_cut_to_twenty_and_the_rest_is_counted(tmp_path: Path) -> None:
    files = coloured_files(1)
    picture = files["red/0.png"]
    manifest = scan(write_folder(tmp_path / "pictures", {f"class {n:03}/0.png": picture for n in range(100)}))
    page = shown(manifest)
    assert "class 019" in page.text
    assert "class 020" not in page.text
    assert "80 more classes" in page.text


def test_an_answer_shows_its_classes_and_says_when_it_is_none_of_these() -> None:
    value = Prediction(NASTY, "cat", 0, 0.97, False, (("cat", 0.97), ("dog", 0.03)))
    page = shown(value)
    assert "97.0%" in page.text
    assert "None of these" not in page.text
    assert "None of these" in shown(replace(value, unknown=True)).text
    assert "broken" in shown(PredictionFailure(NASTY, "it is broken")).text


def test_a_heat_map_is_a_picture_of_its_form(tmp_path: Path) -> None:
    values = np.zeros((4, 4), dtype=np.float32)
    values[0, 3] = 1
    page = shown(HeatMap(values, NASTY, 0, "cam", 1.0))
    assert sizes(page) == [(224, 224)]
    assert "upper right" in page.text


def test_an_explanation_is_the_picture_its_map_and_its_classes(tmp_path: Path) -> None:
    bundle = write_colour_bundle(tmp_path / "a.anmok", info={"labels": (NASTY, "green", "blue")})
    folder = write_folder(tmp_path / "pictures", coloured_files(1))
    (one, *_rest) = explain(bundle, folder / "blue" / "0.png")
    page = shown(one)
    assert sizes(page) == [(20, 20), (20, 20)]
    assert "blue" in page.text
    assert page.attributes("img", "alt")


@pytest.mark.parametrize("kind", [Prediction, PredictionFailure, HeatMap])
def test_values_that_a_notebook_shows_stay_small(kind: type) -> None:
    assert "__dict__" not in dir(kind)


def test_plain_text_stays_as_it_was() -> None:
    assert repr(PredictionFailure("a", "b")) == "PredictionFailure(path='a', error='b')"
