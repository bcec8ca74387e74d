"""What a comparison leaves for programs."""

from __future__ import annotations

import errno
import json
import math
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from anmok.bundle.unknown.rule import UnknownRule
from anmok.errors import StorageError
from anmok.evaluation.measure_unknown import measure_unknown
from anmok.evaluation.pair_results import Difference, Pair
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


def test_the_summary_says_how_many_pictures_are_answered_with_a_class(tmp_path: Path) -> None:
    evaluation = answered(("x", "y"), [[9, 1], [2, 8]])
    rule = UnknownRule(score="energy", settings={"temperature": 1.0}, threshold=0.5, accepts=0.95)
    scores = np.arange(20) / 20
    refusals = measure_unknown(rule, scores, 1 - scores / 2, scores < 0.8)
    write_summary(comparison([model("a", evaluation, unknown=refusals), model("b", evaluation)]), tmp_path)
    models = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))["models"]
    assert models["b"]["none_of_these"] is None
    assert models["a"]["none_of_these"]["score"] == "energy"
    assert models["a"]["none_of_these"]["accepted"] == refusals.accepted.to_json()
    assert models["a"]["none_of_these"]["accuracy_accepted"]["value"] == 1
    assert read_comparison(tmp_path).models[0].unknown == refusals


def test_pairs_stand_beside_the_fixed_keys_with_differences_and_corrected_p_values(tmp_path: Path) -> None:
    pair = Pair(
        first="a",
        second="b",
        pictures=200,
        only_first=12,
        only_second=8,
        both_wrong=5,
        differences={"accuracy": Difference(0.02, -0.02, 0.06, 0.5, 0.75)},
        more_pictures=1900,
    )
    evaluation = answered(("x", "y"), [[90, 10], [20, 80]])
    made = comparison([model("a", evaluation, latency_ms=4.5), model("b", evaluation)], pairs=(pair,))
    write_summary(replace(made, shared_mistakes_count=5), tmp_path)
    summary = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
    assert summary["pairs"] == [
        {
            "first": "a",
            "second": "b",
            "pictures": 200,
            "only_first": 12,
            "only_second": 8,
            "both_wrong": 5,
            "differences": {"accuracy": {"value": 0.02, "low": -0.02, "high": 0.06, "p": 0.5, "p_holm": 0.75}},
            "more_pictures": 1900,
            "told_apart": False,
        }
    ]
    assert summary["shared_mistakes"] == 5
    assert [summary["models"][name]["latency_ms"] for name in "ab"] == [4.5, None]


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
