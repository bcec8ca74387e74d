from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anmok.config import to_json
from anmok.errors import StorageError
from anmok.pipeline.calibration import calibration_of
from anmok.training.checkpoint import load_network
from anmok.training.predictions import Predictions
from anmok.training.run import HISTORY_COLUMNS, Run, find_run, run_id
from tests.training.made import network_recipe, small_disk

HASH = "ab" * 32


def begun(folder: Path, **changes: object) -> Run:
    recipe = network_recipe(**changes)
    run = Run(folder / run_id(recipe, HASH))
    config = {"recipe": to_json(recipe), "data_hash": HASH, "classes": ["개", "고양이"], "image_size": 32}
    run.write_config(config)
    return run


def predictions(rows: int = 3) -> Predictions:
    chance = np.random.default_rng(0).random((rows, 2)).astype(np.float32)
    return Predictions(
        tuple(f"폴더/{row} ü.png" for row in range(rows)),
        tuple(f"{row:064}" for row in range(rows)),
        tuple(("valid", "test")[row % 2] for row in range(rows)),
        np.arange(rows, dtype=np.int64) % 2,
        chance / chance.sum(axis=1, keepdims=True),
    )


def test_a_run_is_read_as_it_was_written(tmp_path: Path) -> None:
    run = Run(begun(tmp_path).folder)
    assert run.recipe == network_recipe()
    assert run.data_hash == HASH
    assert run.classes == ("개", "고양이")
    assert run.image_size == 32
    assert run.history() == ()
    assert not run.is_finished
    run.finish({"training": 1.5})
    assert run.is_finished
    assert run.seconds == {"training": 1.5}


@pytest.mark.parametrize("rows", [0, 1, 7])
def test_predictions_come_back_to_the_last_bit(tmp_path: Path, rows: int) -> None:
    run, wanted = begun(tmp_path), predictions(rows)
    run.write_predictions(wanted)
    found = run.predictions()
    assert (found.paths, found.ids, found.splits) == (wanted.paths, wanted.ids, wanted.splits)
    np.testing.assert_array_equal(found.labels, wanted.labels)
    np.testing.assert_array_equal(found.probabilities, wanted.probabilities)
    assert found.probabilities.dtype == np.float32
    assert found.probabilities.shape == (rows, 2)


def test_predictions_of_a_split_keep_their_order() -> None:
    part = predictions(5).of_split("test")
    assert part.paths == ("폴더/1 ü.png", "폴더/3 ü.png")
    assert part.probabilities.shape == (2, 2)
    assert predictions(5).of_split("train").paths == ()


def test_predictions_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="lengths"):
        dataclasses.replace(predictions(3), paths=("one",))


def test_the_history_comes_back_as_numbers(tmp_path: Path) -> None:
    run = begun(tmp_path)
    rows = [{name: (number + 1 if name == "epoch" else number / 7) for name in HISTORY_COLUMNS} for number in range(3)]
    run.write_history(rows)
    assert list(run.history()) == rows
    first = (run.folder / "history.csv").read_text(encoding="utf-8").splitlines()
    assert first[0] == ",".join(HISTORY_COLUMNS)
    assert first[1].startswith("1,")


def test_runs_of_another_recipe_or_other_data_have_other_folders() -> None:
    recipe = network_recipe()
    ids = {
        run_id(recipe, HASH),
        run_id(recipe, "cd" * 32),
        run_id(dataclasses.replace(recipe, seed=4), HASH),
        run_id(dataclasses.replace(recipe, learning_rate=1e-4), HASH),
    }
    assert len(ids) == 4
    assert run_id(network_recipe(), HASH) in ids


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=200).filter(str.strip))
def test_whatever_a_recipe_is_called_its_folder_is_one_plain_name(name: str) -> None:
    made = run_id(network_recipe(name=name), HASH)
    assert Path(made).name == made
    assert not made.startswith((".", "-"))
    assert "\0" not in made
    assert len(made.encode()) <= 255


def test_a_run_that_was_begun_is_found_and_one_of_other_data_is_not(tmp_path: Path) -> None:
    run = begun(tmp_path)
    assert find_run(tmp_path, network_recipe(), HASH) == (run, True)
    assert find_run(tmp_path, network_recipe(), "cd" * 32)[1] is False


@pytest.mark.parametrize("text", ["", "{", "[]", '{"recipe": {}}', '{"recipe": {"nonsense": 1}, "data_hash": ""}'])
def test_a_damaged_configuration_counts_as_not_begun(tmp_path: Path, text: str) -> None:
    run = begun(tmp_path)
    (run.folder / "config.json").write_text(text, encoding="utf-8")
    assert find_run(tmp_path, network_recipe(), HASH) == (run, False)


def test_damaged_files_are_named(tmp_path: Path) -> None:
    run = begun(tmp_path)
    run.predictions_path.write_bytes(b"PAR1 nothing")
    with pytest.raises(StorageError, match=r"predictions\.parquet.*train again"):
        run.predictions()
    (run.folder / "history.csv").write_text("epoch,train_loss\n1,x\n", encoding="utf-8")
    with pytest.raises(StorageError, match=r"history\.csv.*train again"):
        run.history()
    with pytest.raises(StorageError, match=r"config\.json"):
        _ = Run(tmp_path / "nowhere").recipe


MISSING: dict[str, Callable[[Run], object]] = {
    "config.json": lambda run: Run(run.folder).recipe,
    "predictions.parquet": Run.predictions,
    "answers.parquet": Run.answers,
    "finished.json": lambda run: run.seconds,
    "checkpoint.json": load_network,
    "metrics.json": lambda run: calibration_of(run, seed=0),
}


@pytest.mark.parametrize("name", MISSING)
def test_a_deleted_file_is_called_missing_with_what_to_do(tmp_path: Path, name: str) -> None:
    run = begun(tmp_path)
    if name == "config.json":
        (run.folder / name).unlink()
    with pytest.raises(StorageError, match=rf"{name} is missing.*train again"):
        MISSING[name](run)


STRANGE = {
    "size of a text": {"image_size": "x"},
    "size of a terabyte": {"image_size": 10**6},
    "less than a pixel": {"image_size": -1},
    "classes of a number": {"classes": 5},
    "no classes": {"classes": []},
    "recipe of a list": {"recipe": [1]},
    "hash of a list": {"data_hash": [1]},
}


@pytest.mark.parametrize("changes", STRANGE.values(), ids=STRANGE)
def test_the_configuration_of_a_stranger_is_refused_by_name(tmp_path: Path, changes: dict[str, object]) -> None:
    run = begun(tmp_path)
    run.write_config({**run.config, **changes})
    with pytest.raises(StorageError, match=r"config\.json is not the configuration of a run"):
        Run(run.folder).recipe  # noqa: B018


@pytest.mark.parametrize("row", ["1,nan,1,1,1,1,1", "1,1,1,1e308,1,1,1", "9,1,1,1,1,1,1", "1,1\0,1,1,1,1,1", "\udcff"])
def test_figures_that_no_training_gives_are_refused_by_name(tmp_path: Path, row: str) -> None:
    run = begun(tmp_path)
    text = ",".join(HISTORY_COLUMNS) + f"\n{row}\n"
    (run.folder / "history.csv").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(StorageError, match=r"history\.csv"):
        run.history()
    (run.folder / "finished.json").write_text("[]", encoding="utf-8")
    with pytest.raises(StorageError, match=r"finished\.json is damaged"):
        run.seconds  # noqa: B018


def test_predictions_of_other_classes_are_refused_by_name(tmp_path: Path) -> None:
    run, good = begun(tmp_path), predictions()
    for wrong in (
        dataclasses.replace(good, labels=good.labels + 99),
        dataclasses.replace(good, probabilities=good.probabilities * np.float32(9)),
        dataclasses.replace(good, probabilities=np.tile(np.array([-1, 2], np.float32), (3, 1))),
        dataclasses.replace(good, paths=(good.paths[0],) * 3),
        dataclasses.replace(good, splits=("test", "x", "test")),
        dataclasses.replace(good, ids=(None, *good.ids[1:])),
        dataclasses.replace(good, probabilities=good.probabilities * np.float32(np.nan)),
    ):
        run.write_predictions(wrong)
        with pytest.raises(StorageError, match=r"predictions\.parquet is damaged"):
            run.predictions()
    with pytest.raises(StorageError, match=r"the probabilities of 3 pictures are no numbers \(NaN\)"):
        run.predictions()


def test_a_cleared_run_is_gone(tmp_path: Path) -> None:
    run = begun(tmp_path)
    run.finish({})
    run.clear()
    assert not run.folder.exists()
    run.clear()


def test_a_full_disk_is_said_and_leaves_no_half_file(tmp_path: Path) -> None:
    run = begun(tmp_path)
    run.write_history([])
    with small_disk(2000), pytest.raises(StorageError, match=r"predictions\.parquet"):
        run.write_predictions(predictions(5000))
    assert sorted(path.name for path in run.folder.iterdir()) == ["config.json", "history.csv"]
