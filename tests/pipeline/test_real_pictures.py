"""The issue's table: what ``anmok compare`` must reach on the real pictures, with the real weights."""

from __future__ import annotations

import csv
import json
import zipfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anmok.data.sources import open_source
from anmok.inference.predictor import Predictor
from anmok.training.run import Run
from tests.pipeline.compared import accuracy, anmok, compare

pytestmark = [pytest.mark.real, pytest.mark.usefixtures("shared_cache", "real_weights")]


@pytest.fixture(scope="module")
def cats_dogs(
    data_dir: Path, weights_dir: Path, session_cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, Any]]:
    """Three models on cats and dogs, made once for the tests below."""
    out = tmp_path_factory.mktemp("cats-dogs") / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANMOK_CACHE", str(session_cache))
        patch.setenv("ANMOK_WEIGHTS", str(weights_dir))
        patch.setenv("ANMOK_LANG", "en")
        return out, compare(data_dir / "cats-dogs.zip", "handcrafted,cnn-small,mobilenetv2", out)


@pytest.mark.parametrize(
    ("model", "least"), [("mobilenetv2", 0.98), ("cnn-small", 0.70), ("handcrafted", 0.65)], ids=str
)
def test_each_model_reaches_its_figure_on_cats_and_dogs(
    cats_dogs: tuple[Path, dict[str, Any]], model: str, least: float
) -> None:
    _out, summary = cats_dogs
    assert summary["models"][model]["pictures"] == 400
    assert accuracy(summary, model) >= least


@pytest.mark.parametrize("model", ["handcrafted", "cnn-small", "mobilenetv2"])
def test_the_bundle_answers_as_the_trained_model_did(
    cats_dogs: tuple[Path, dict[str, Any]], data_dir: Path, model: str
) -> None:
    # Not the figures that the export noted: the stored predictions of training against the bundle run on the files.
    out, summary = cats_dogs
    folder = out / summary["models"][model]["run"]
    stored = Run(folder).predictions().of_split("test")
    predictor = Predictor.open(folder / "model.anmok")
    with open_source(data_dir / "cats-dogs.zip") as source:
        answers = list(predictor.answers((path, partial(source.read, path)) for path in stored.paths))
    calibrated = np.stack([answer.probabilities for _path, answer in answers]).astype(np.float64)
    # The bundle's temperature is taken back: training's probabilities are without one.
    raw = np.maximum(calibrated, 1e-300) ** predictor.info.temperature
    raw /= raw.sum(axis=1, keepdims=True)
    assert (raw.argmax(axis=1) == stored.probabilities.argmax(axis=1)).mean() >= 0.999
    assert np.abs(raw - stored.probabilities).max() <= 1e-3


def test_predict_on_the_test_folder_gives_the_measured_accuracy(
    cats_dogs: tuple[Path, dict[str, Any]], data_dir: Path, tmp_path: Path
) -> None:
    out, summary = cats_dogs
    with zipfile.ZipFile(data_dir / "cats-dogs.zip") as archive:
        names = [name for name in archive.namelist() if name.startswith("test/") and not name.endswith("/")]
        archive.extractall(tmp_path, names)
    done = anmok("predict", str(out / "best.anmok"), str(tmp_path / "test"), "--json")
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    right = sum(answer["class"] == answer["path"].split("/")[-2] for answer in answers)
    assert len(answers) == 400
    assert right / 400 == pytest.approx(accuracy(summary, summary["best"]), abs=1e-9)


def test_the_second_run_finds_everything_done(
    cats_dogs: tuple[Path, dict[str, Any]], data_dir: Path, shared_cache: Path, real_weights: Path
) -> None:
    out, first = cats_dogs
    written = {path: path.stat().st_mtime_ns for path in (out / "runs").glob("*/predictions.parquet")}
    assert len(written) == 3
    second = compare(data_dir / "cats-dogs.zip", "handcrafted,cnn-small,mobilenetv2", out)
    assert {k: v["accuracy"] for k, v in second["models"].items()} == {
        k: v["accuracy"] for k, v in first["models"].items()
    }
    assert second["seconds"]["features"] == 0.0
    assert {path: path.stat().st_mtime_ns for path in (out / "runs").glob("*/predictions.parquet")} == written


def test_a_leaking_split_is_refused_repaired_or_allowed_aloud(data_dir: Path, tmp_path: Path) -> None:
    # Planted into the real set: test pictures that also stand in train, as RIAWELC's did.
    with zipfile.ZipFile(data_dir / "scenes6.zip") as archive:
        archive.extractall(tmp_path / "scenes")
    folder = tmp_path / "scenes"
    stolen = sorted((folder / "test" / "sea").iterdir())[:5]
    for picture in stolen:
        (folder / "train" / "sea" / f"copy-{picture.name}").write_bytes(picture.read_bytes())
    refused = anmok("compare", str(folder), "--models", "handcrafted", "--out", str(tmp_path / "refused"))
    assert refused.returncode == 1
    assert f"train/sea/copy-{stolen[0].name}" in refused.stderr
    assert "--repair" in refused.stderr
    assert not (tmp_path / "refused").exists()

    words = ("compare", str(folder), "--models", "handcrafted", "--no-checks")
    repaired = anmok(*words, "--repair", "--out", str(tmp_path / "repaired"))
    assert repaired.returncode == 0, repaired.stderr
    with (tmp_path / "repaired" / "manifest.quarantine.csv").open(encoding="utf-8-sig", newline="") as stream:
        quarantined = {row["path"] for row in csv.DictReader(stream)}
    assert quarantined == {f"train/sea/copy-{picture.name}" for picture in stolen}

    allowed = anmok(*words, "--allow-leaks", "--out", str(tmp_path / "allowed"))
    assert allowed.returncode == 0, allowed.stderr
    warnings = json.loads((tmp_path / "allowed" / "summary.json").read_text(encoding="utf-8"))["warnings"]
    assert any("--allow-leaks" in warning for warning in warnings)
