"""What a comparison leaves for programs."""

from __future__ import annotations

import errno
import json
import math
import os
from pathlib import Path

import pytest

from anmok.errors import StorageError
from anmok.evaluation.results import HEADLINE_METRICS
from anmok.evaluation.stored import read_comparison
from anmok.evaluation.summary import write_summary
from evaluation.made import answered, answers, comparison, model


def test_the_summary_has_the_form_that_scripts_rely_on(tmp_path: Path) -> None:
    evaluation = answered(("숲", "바다"), [[90, 10], [20, 80]])
    write_summary(comparison([model("cnn-small", evaluation), model("mobilenetv2", evaluation)]), tmp_path)
    summary = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
    assert summary["best"] == "cnn-small"
    assert list(summary["models"]) == ["cnn-small", "mobilenetv2"]
    for values in summary["models"].values():
        for metric in ("accuracy", "balanced_accuracy", "macro_f1", "roc_auc", "log_loss"):
            assert set(values[metric]) == {"value", "low", "high"}
            assert values[metric]["low"] <= values[metric]["value"] <= values[metric]["high"]
    assert summary["models"]["cnn-small"]["accuracy"]["value"] == 0.85
    assert summary["seconds"] == {"scan": 0.5, "total": 9.25}
    assert summary["warnings"] == ["The test set is small."]


def test_everything_can_be_read_again(tmp_path: Path) -> None:
    made = comparison([model("a", answered(("x", "y"), [[9, 1], [2, 8]]))])
    write_summary(made, tmp_path)
    assert read_comparison(tmp_path) == made


def _refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")


def test_no_nan_gets_into_any_file(tmp_path: Path) -> None:
    one_class = answers(("x", "y"), [0, 0], [0, 0])
    rows = ({"train_loss": math.nan, "valid_loss": math.inf},)
    made = comparison(
        [model("a", one_class, history=rows, pictures_per_second=math.inf, seconds={"training": math.nan})],
        seconds={"total": math.nan},
    )
    write_summary(made, tmp_path)
    for file in ("summary.json", "comparison.json"):
        json.loads((tmp_path / file).read_text(encoding="utf-8"), parse_constant=_refuse)
    values = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))["models"]["a"]
    assert values["roc_auc"] is None
    assert set(HEADLINE_METRICS) <= set(values)


def test_a_file_where_the_folder_should_be_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("mine")
    with pytest.raises(StorageError, match="results"):
        write_summary(comparison([model("a", answered(("x", "y"), [[9, 1], [2, 8]]))]), tmp_path / "results")
    assert (tmp_path / "results").read_text() == "mine"


def test_when_the_disk_is_full_the_old_summary_stays_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = comparison([model("a", answered(("x", "y"), [[9, 1], [2, 8]]))])
    write_summary(made, tmp_path)
    before = (tmp_path / "summary.json").read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="disk is full"):
        write_summary(comparison(made.models, best="b"), tmp_path)
    assert (tmp_path / "summary.json").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["comparison.json", "summary.json"]
