"""``anmok features2d`` from a folder to its page, and ``features-2d`` as a model beside others."""

from __future__ import annotations

import dataclasses
import json
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from anmok.bundle.export import export_run
from anmok.cli.app import run
from anmok.config import SplitConfig
from anmok.data.scan import scan
from anmok.data.split import assign_splits
from anmok.evaluation.measure import evaluate_predictor
from anmok.i18n import use_language
from anmok.inference.predictor import Predictor
from anmok.models.recipes import get_recipe
from anmok.pipeline.features2d import Features2dConfig, features_2d
from anmok.report.features2d import what_one_sees
from anmok.training.train import train
from report.pages import Page
from tests.pictures import photo


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seven classes; "bright" and "dark" overlap in brightness, "wide" is wide."""
    root = tmp_path_factory.mktemp("two") / "photos"
    for number, label in enumerate(("bright", "dark", "wide", "넷", "five", "six", "seven")):
        (root / label).mkdir(parents=True)
        random = np.random.default_rng(number)
        for picture in range(40 if number < 3 else 10):
            shade = random.normal(1.0 if label == "bright" else 0.7, 0.2)
            pixels = np.asarray(photo(48 if label == "wide" else 32, 24, seed=100 * number + picture)) * shade
            Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(root / label / f"{picture}.png")
    return root


def call(source: Path, out: Path, *options: str) -> int:
    return run(["features2d", str(source), "--out", str(out), *options])


def test_class_names_may_come_as_a_mac_writes_them(source: Path, tmp_path: Path) -> None:
    decomposed = unicodedata.normalize("NFD", "넷")
    assert decomposed != "넷"
    assert call(source, tmp_path / "out", "--classes", f"dark,{decomposed}") == 0


def test_a_folder_becomes_a_page_with_three_boundaries_measured_on_test_pictures(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert call(source, out, "--x", "brightness", "--y", "contrast", "--classes", "bright,dark") == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "Brightness × Contrast" in told
    assert "The wiggly boundary knows its training pictures by heart: 1.00 of them right" in told
    values = json.loads((out / "features2d.json").read_text(encoding="utf-8"))["features2d"]
    assert (values["x"]["measure"], values["y"]["measure"], values["classes"]) == (
        "brightness", "contrast", ["bright", "dark"],
    )  # fmt: skip
    assert (values["train"], values["test"], len(values["points"])) == ([32, 32], [8, 8], 80)
    assert [one["kind"] for one in values["boundaries"]] == ["straight", "moderate", "wiggly"]
    wiggly = values["boundaries"][2]
    assert wiggly["train"]["value"] == 1.0 > wiggly["test"]["value"]
    page = Page((out / "features2d.html").read_text(encoding="utf-8"))
    assert "knows its training pictures by heart" in page.text
    assert sum(tag == "svg" and attributes.get("role") == "img" for tag, attributes in page.elements) == 3
    assert f"{wiggly['test']['low']:.2f} – {wiggly['test']['high']:.2f}" in page.text
    # The same again gives the same, but for the time of day.
    assert call(source, out, "--x", "brightness", "--y", "contrast", "--classes", "bright,dark") == 0
    again = json.loads((out / "features2d.json").read_text(encoding="utf-8"))["features2d"]
    assert {**again, "created": ""} == {**values, "created": ""}


def test_auto_chooses_the_feature_that_tells_the_classes_apart_and_says_how_sure(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(source, tmp_path / "out", "--classes", "dark,wide", "--json") == 0
    values = json.loads(capsys.readouterr().out)
    assert {values["x"]["measure"], values["y"]["measure"]} & {"aspect", "width"}
    assert values["pairs"][0]["accuracy"] == 1.0
    assert values["chosen"]
    assert values["boundaries"][0]["test"]["value"] == 1.0


def test_of_many_classes_the_six_largest_are_shown_and_that_is_said(source: Path, tmp_path: Path) -> None:
    found = features_2d(source, tmp_path / "out", Features2dConfig(x="brightness", y="saturation"))
    assert len(found.classes) == 6
    assert {"bright", "dark", "wide"} < set(found.classes)
    assert found.notes[0].startswith("The source has 7 classes; these 6 are shown")
    assert found.notes[-1] == "Nothing is chosen by validation pictures here: they are learned from, too."


def test_choosing_features_is_only_recommended_where_it_was_not_done(source: Path, tmp_path: Path) -> None:
    found = features_2d(source, tmp_path / "out", Features2dConfig(x="brightness", y="saturation"))
    hopeless = dataclasses.replace(found, guessing=1.0)
    assert any("--x auto --y auto" in text for text in what_one_sees(hopeless))
    assert not any("--x auto" in text for text in what_one_sees(dataclasses.replace(hopeless, chosen=True)))


def test_anmok_report_draws_the_page_again_in_another_language(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    features_2d(source, out, Features2dConfig(x="brightness", y="contrast"))
    first = (out / "features2d.html").read_text(encoding="utf-8")
    (out / "features2d.html").unlink()
    assert run(["report", str(out)]) == 0
    assert (out / "features2d.html").read_text(encoding="utf-8") == first
    assert run(["report", str(out), "--lang", "ko"]) == 0
    assert 'lang="ko"' in (out / "features2d.html").read_text(encoding="utf-8")


def test_the_sentences_are_said_in_korean_too(source: Path, tmp_path: Path) -> None:
    config = Features2dConfig(x="brightness", y="contrast", classes=("bright", "dark"))
    with use_language("ko"):
        found = features_2d(source, tmp_path / "out", config)
        assert any("외" in text for text in what_one_sees(found))
    assert 'lang="ko"' in (tmp_path / "out" / "features2d.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--x", "brightnes"), "Did you mean brightness"),
        (("--x", "width", "--y", "width"), "two different measures"),
        (("--classes", "bright,drak"), "Did you mean dark?"),
        (("--classes", "bright"), "1 classes are to be told apart; 2 to 6 are wanted"),
        (("--classes", "bright,dark,wide,넷,five,six,seven"), "7 classes are to be told apart"),
    ],
)
def test_what_cannot_be_drawn_is_bad_usage_that_says_what_can(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], message: str
) -> None:
    assert call(source, tmp_path / "out", *options) == 2
    assert message in " ".join(capsys.readouterr().err.split())


def test_a_folder_with_something_else_is_not_written_into(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    assert call(source, tmp_path) == 1
    assert "holds something else" in " ".join(capsys.readouterr().err.split())


def test_features_2d_is_trained_exported_and_served_by_its_name(source: Path, tmp_path: Path) -> None:
    scanned = scan(source, threads=1)
    two = scanned.with_table(scanned.table[scanned.table["label"].isin(["bright", "dark"])].reset_index(drop=True))
    manifest = assign_splits(two, SplitConfig())
    trained = train(get_recipe("features-2d"), manifest, tmp_path, threads=1)
    bundle = export_run(trained, manifest, threads=1)
    evaluation, _probabilities, _rate = evaluate_predictor(Predictor.open(bundle, threads=1), manifest, "test")
    answers = trained.predictions().of_split("test")
    right = (answers.probabilities.argmax(axis=1) == answers.labels).mean()
    assert (evaluation.pictures, evaluation.metrics["accuracy"].value) == (16, pytest.approx(right))
