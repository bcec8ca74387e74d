"""``anmok learning-curve`` from a folder to its page, and in a comparison."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from anmok.cli.app import run
from anmok.evaluation.stored import read_comparison
from anmok.report.learning_curve import sentences
from report.pages import Page
from tests.pictures import photo

PICTURES = 32


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three classes that colours tell apart, but not always."""
    root = tmp_path_factory.mktemp("grow") / "photos"
    for number, label in enumerate(("red", "green", "푸른")):
        (root / label).mkdir(parents=True)
        random = np.random.default_rng(number)
        for picture in range(PICTURES):
            pixels = np.asarray(photo(24, 24, seed=100 * number + picture)).astype(float)
            pixels[..., number] *= random.normal(1.25, 0.2)
            Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(root / label / f"{picture}.png")
    return root


def call(*words: object) -> int:
    return run([str(word) for word in words])


def stored(out: Path) -> dict:
    return json.loads((out / "learning-curve.json").read_text(encoding="utf-8"))["learning_curve"]


def test_a_folder_becomes_a_curve_with_forecasts_a_page_and_the_same_again(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    words = ("learning-curve", source, "--model", "features-2d", "--sizes", 3, "--seeds", 2, "--test", 0.25, "-o", out)
    assert call(*words) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "features-2d on photos: accuracy on 24 test pictures by training pictures" in told
    assert "With twice as many pictures expect" in told
    values = stored(out)
    curve = values["curve"]
    # Train and valid together, as the head of the comparison learns from them; the test is never touched.
    assert [point["pictures"] for point in curve["points"]][-1] == 3 * PICTURES * 3 // 4
    assert [len(point["accuracies"]) for point in curve["points"]] == [2, 2, 1]
    assert [one["pictures"] for one in curve["forecasts"]] == [144, 360, 720]
    page = Page((out / "learning-curve.html").read_text(encoding="utf-8"))
    assert "With twice as many pictures expect" in page.text
    assert "푸른" in page.text
    assert sum(tag == "svg" and attributes.get("role") == "img" for tag, attributes in page.elements) == 1
    assert call(*words, "--json") == 0
    again = json.loads(capsys.readouterr().out)
    for one in (values, again):
        one["created"], one["curve"]["seconds"], one["command"] = "", 0, ""
    assert again == values


def test_anmok_report_draws_the_page_again_in_another_language(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert call("learning-curve", source, "--model", "features-2d", "--sizes", 3, "--seeds", 1, "-o", out) == 0
    first = (out / "learning-curve.html").read_text(encoding="utf-8")
    (out / "learning-curve.html").unlink()
    capsys.readouterr()
    assert call("report", out) == 0
    assert capsys.readouterr().out.strip() == str(out / "learning-curve.html")
    assert (out / "learning-curve.html").read_text(encoding="utf-8") == first
    assert call("report", out, "--lang", "ko") == 0
    assert '<html lang="ko">' in (out / "learning-curve.html").read_text(encoding="utf-8")


def test_a_network_is_trained_for_each_subset_and_not_twice(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, recipe = tmp_path / "out", tmp_path / "one-epoch.toml"
    recipe.write_text(
        'name = "one-epoch"\nmodel = "cnn-tiny"\nstrategy = "scratch"\nimage_size = 32\nepochs = 1\nhead = "linear"\n'
    )
    words = ("learning-curve", source, "--model", recipe, "--sizes", 3, "--seeds", 1, "-o", out)
    assert call(*words) == 0
    assert "its curve takes 3 trainings" in " ".join(capsys.readouterr().err.split())
    first, trained = (
        stored(out),
        {path: path.stat().st_mtime_ns for path in (out / "runs").glob("*/predictions.parquet")},
    )
    assert len(trained) == 3
    assert call(*words) == 0
    assert {path: path.stat().st_mtime_ns for path in (out / "runs").glob("*/predictions.parquet")} == trained
    assert stored(out)["curve"]["points"] == first["curve"]["points"]


def test_a_comparison_holds_the_curve_of_its_best_frozen_model_where_it_is_asked_for(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert call("compare", source, "--models", "features-2d", "--no-checks", "--learning-curve", "-o", out) == 0
    curve = read_comparison(out).learning_curve
    assert curve is not None
    (model,) = read_comparison(out).models
    # The curve ends where the comparison is: the same head, of the same pictures, on the same test.
    assert curve.now.accuracy.value == pytest.approx(model.evaluation.metrics["accuracy"].value)
    assert sentences(curve)[0] in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--sizes", 2), "--sizes is 2; 3 to 20 are wanted"),
        (("--seeds", 0), "--seeds is 0; 1 to 50 are wanted"),
        (("--model", "no-such"), "no-such"),
    ],
)
def test_what_cannot_be_done_is_said_before_any_picture_is_read(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[object, ...], message: str
) -> None:
    assert call("learning-curve", source, *words, "-o", tmp_path / "out") == 2
    assert message in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "out").exists()


def test_classes_that_are_too_small_to_be_divided_by_size_are_refused_in_a_sentence(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few = tmp_path / "few"
    for label in ("red", "green"):
        (few / label).mkdir(parents=True)
        for path in sorted((source / label).iterdir())[:6]:
            (few / label / path.name).write_bytes(path.read_bytes())
    assert call("learning-curve", few, "--model", "features-2d", "-o", tmp_path / "out") == 1
    assert "too few to see how accuracy grows" in " ".join(capsys.readouterr().err.split())
