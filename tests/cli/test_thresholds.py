"""``anmok thresholds`` and what it reads, on a small training of its own."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from rich.cells import cell_len
from rich.console import Console

from anmok.bundle.format import read_bundle
from anmok.cli.app import run
from anmok.cli.thresholds import _table
from anmok.evaluation.results import ModelResult
from anmok.evaluation.stored import read_comparison
from anmok.evaluation.thresholds import Accepted, Threshold
from anmok.i18n import LANGUAGES, use_language
from anmok.pipeline.calibration import calibration_of
from anmok.probabilities import fit_temperature
from anmok.records import TEST, TRAIN, VALID, Interval
from anmok.storage import read_json, write_json
from anmok.training.run import Run
from tests.training.made import picture_folder


@pytest.fixture(scope="module")
def folder(module_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("thresholds")
    pictures = picture_folder(place / "stripes")
    words = ["train", str(pictures), "--recipe", "handcrafted", "--no-precheck", "--threads", "1"]
    assert run([*words, "--out", str(place / "out")]) == 0
    return place / "out"


@pytest.fixture
def result(folder: Path) -> ModelResult:
    return read_comparison(folder).models[0]


@pytest.fixture
def trained(folder: Path, result: ModelResult) -> Run:
    return Run(folder / result.run)


@pytest.fixture
def copied(trained: Run, tmp_path: Path) -> Run:
    """The same run in a folder of its own, which a test may change."""
    return Run(shutil.copytree(trained.folder, tmp_path / trained.id))


def lines(capsys: pytest.CaptureFixture[str], *words: object) -> list[dict]:
    assert run(["thresholds", *map(str, words), "--json"]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_every_picture_that_was_learned_from_and_no_test_picture_is_held_out(trained: Run) -> None:
    held_out, predicted = trained.calibration_predictions(), trained.predictions()
    assert set(held_out.splits) == {TRAIN, VALID}
    assert not set(held_out.paths) & set(predicted.of_split(TEST).paths)
    assert set(predicted.of_split(VALID).paths) < set(held_out.paths)
    assert read_bundle(trained.bundle_path).info.temperature == fit_temperature(held_out.probabilities, held_out.labels)


def test_a_run_of_an_older_anmok_has_its_validation_pictures(copied: Run) -> None:
    held_out = copied.calibration_predictions()
    copied.out_of_fold_path.unlink()
    older = copied.calibration_predictions()
    assert set(older.splits) == {VALID}
    assert len(older.labels) < len(held_out.labels)


def test_the_comparison_and_metrics_json_hold_the_calibration_and_it_is_measured_once(
    result: ModelResult, trained: Run, copied: Run
) -> None:
    calibration, thresholds = calibration_of(copied, seed=0)
    assert (result.calibration, result.thresholds) == (calibration, thresholds)
    assert calibration.pictures == result.evaluation.pictures
    summary = read_json(trained.folder.parent.parent / "summary.json")["models"]["handcrafted"]["calibration"]
    assert summary["ece_after"] == calibration.after.ece.to_json()
    assert summary["temperature"] == calibration.temperature
    assert calibration.after.log_loss.value == pytest.approx(result.evaluation.metrics["log_loss"].value)
    values = read_json(copied.metrics_path)
    values["calibration"]["temperature"] = 77.0
    write_json(copied.metrics_path, values)
    assert calibration_of(copied, seed=0)[0].temperature == 77.0
    # A file of before, or one that is not understood, is measured again, and the rest of it is kept.
    write_json(copied.metrics_path, {**values, "calibration": {"strange": 1}, "other": 5})
    assert calibration_of(copied, seed=0)[0] == calibration
    assert read_json(copied.metrics_path)["other"] == 5


def test_thresholds_are_printed_for_programs_and_hold_on_the_pictures_that_they_were_chosen_on(
    folder: Path, trained: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = lines(capsys, folder, "--precision", "0.5")
    assert [row["class"] for row in rows] == [None, *trained.classes]
    assert any(row["threshold"] is not None for row in rows)
    for row in rows:
        if row["threshold"] is not None:
            assert row["calibration"]["precision"]["low"] >= 0.5
            assert 0 <= row["test"]["recall"]["value"] <= 1
    assert lines(capsys, trained.folder, "--precision", "0.5") == rows


def test_the_wanted_precision_is_told_as_it_was_asked_for(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["thresholds", str(folder), "--precision", "0.999"]) == 0
    assert "are right 99.9% of the time" in " ".join(capsys.readouterr().out.split())


def test_the_figures_of_the_test_pictures_are_those_of_the_stored_answers(
    folder: Path, trained: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = trained.answers()
    name = trained.classes[0]
    (row,) = lines(capsys, folder, "--precision", "0.4", "--class", name)
    accepted = (answers.probabilities.argmax(1) == 0) & (answers.probabilities.max(1) >= row["threshold"])
    assert row["test"]["answers"] == accepted.sum()
    assert row["test"]["recall"]["value"] == pytest.approx(np.mean(accepted[answers.labels == 0]))


def test_at_80_columns_every_threshold_can_be_read() -> None:
    seen = Accepted(523, Interval(0.969, 0.951, 0.981), Interval(0.704, 0.67, 0.736))
    rows = [
        Threshold("", 0.864, seen, seen),
        Threshold("buildings", 0.929, seen, seen),
        Threshold("Jusangjeolli columnar joints", 0.94, seen, seen),
        Threshold("glacier", None, None, None),
    ]
    for language in LANGUAGES:
        with use_language(language):
            written = io.StringIO()
            Console(width=80, file=written).print(_table(rows, chosen_on=720))
            shown = written.getvalue()
            assert all(f"{row.threshold:.3f}" in shown for row in rows if row.threshold)
            assert shown.count("0.67-0.74") == 6
            assert "buildings" in shown
            assert "…" not in shown
            assert max(map(cell_len, shown.splitlines())) <= 80


def test_a_precision_that_nothing_reaches_is_said_so(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["thresholds", str(folder), "--precision", "0.999"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "none reaches it" in out
    assert "Even if all of them are right, it takes 3838 in each class." in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--precision", "95"], "--precision 0.95"),
        (["--class", "unheard of"], "it has"),
        (["--model", "unheard of"], "handcrafted"),
    ],
)
def test_what_cannot_be_is_refused_with_what_can(
    folder: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["thresholds", str(folder), *words]) == 2
    assert said in " ".join(capsys.readouterr().err.split())


def test_a_folder_that_is_neither_run_nor_comparison_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["thresholds", str(tmp_path)]) != 0
    assert "neither" in capsys.readouterr().err
