"""Results survive their way through JSON."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anmok.errors import StorageError
from anmok.evaluation.pair_results import Difference, Pair, SharedMistake
from anmok.evaluation.results import (
    ClassScore,
    Comparison,
    DataSummary,
    Evaluation,
    LeftOut,
    Mistake,
    ModelResult,
)
from anmok.evaluation.stored import comparison_to_json, from_json, read_comparison, to_json
from anmok.evaluation.unknown import CoverageCurve, CoveragePoint, UnknownResult
from anmok.records import Interval, Quarantined
from anmok.storage import write_json
from evaluation.made import answered, comparison, model

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
numbers = st.floats(allow_nan=False, allow_infinity=False)
counts = st.integers(0, 2**53)


def few(strategy: st.SearchStrategy) -> st.SearchStrategy:
    return st.lists(strategy, max_size=3).map(tuple)


def named(strategy: st.SearchStrategy) -> st.SearchStrategy:
    return st.dictionaries(text, strategy, max_size=3)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | numbers | text,
    lambda inner: st.lists(inner, max_size=2) | named(inner),
    max_leaves=4,
)
intervals = st.builds(Interval, numbers, numbers, numbers)
evaluations = st.builds(
    Evaluation,
    split=text,
    classes=few(text),
    pictures=counts,
    metrics=named(intervals),
    per_class=few(st.builds(ClassScore, text, intervals, intervals, intervals, counts)),
    confusion=few(few(counts)),
    mistakes=few(st.builds(Mistake, text, text, text, numbers, numbers)),
    unreadable=few(text),
    without_auc=few(text),
    unknown=named(counts),
)
curves = st.builds(CoverageCurve, few(st.builds(CoveragePoint, numbers, intervals)), numbers)
unknown_results = st.builds(
    UnknownResult,
    score=text,
    title=text,
    threshold=numbers,
    calibrated_on=counts,
    calibrated_accepts=numbers,
    pictures=counts,
    accepted=intervals,
    accuracy=intervals,
    accuracy_accepted=intervals,
    accuracy_refused=intervals,
    by_score=curves,
    by_probability=curves,
)
models = st.builds(
    ModelResult,
    name=text,
    title=text,
    recipe=named(json_values),
    evaluation=evaluations,
    history=few(named(numbers)),
    seconds=named(numbers),
    pictures_per_second=numbers,
    parity=named(numbers),
    run=text,
    bundle=text,
    bundle_bytes=counts,
    latency_ms=st.none() | numbers,
    unknown=st.none() | unknown_results,
)
pairs = st.builds(
    Pair,
    first=text,
    second=text,
    pictures=counts,
    only_first=counts,
    only_second=counts,
    both_wrong=counts,
    differences=named(st.builds(Difference, numbers, numbers, numbers, numbers, numbers)),
    more_pictures=st.none() | counts,
)
summaries = st.builds(
    DataSummary,
    source=text,
    location=text,
    content_hash=text,
    classes=few(text),
    counts=named(named(counts)),
    notes=few(text),
    quarantined=few(st.builds(Quarantined, text, text, text)),
    ignored=counts,
    widths=few(numbers),
    heights=few(numbers),
    brightness=few(numbers),
    contrast=few(numbers),
    samples=named(few(text)),
)
comparisons = st.builds(
    Comparison,
    data=summaries,
    models=few(models),
    left_out=few(st.builds(LeftOut, text, text, text)),
    best=text,
    reason=text,
    warnings=few(text),
    seconds=named(numbers),
    environment=named(text),
    command=text,
    created=text,
    seed=counts,
    extra=named(json_values),
    pairs=few(pairs),
    shared_mistakes=few(st.builds(SharedMistake, path=text, true=text, predicted=named(text), probability=numbers)),
    shared_mistakes_count=counts,
    only_mistakes=named(few(st.builds(Mistake, text, text, text, numbers, numbers))),
    only_mistakes_count=named(counts),
)


@given(comparisons)
def test_any_comparison_comes_back_from_json_as_it_was(given_comparison: Comparison) -> None:
    stored = json.dumps(to_json(given_comparison), allow_nan=False)
    assert from_json(Comparison, json.loads(stored), where="it") == given_comparison


def test_a_measured_comparison_comes_back_from_its_file(tmp_path: Path) -> None:
    made = comparison([model("a", answered(("숲", "바다"), [[9, 1], [2, 8]]), history=({"epoch": 1.0},))])
    write_json(tmp_path / "comparison.json", comparison_to_json(made))
    assert read_comparison(tmp_path / "comparison.json") == made
    assert read_comparison(tmp_path) == made


def test_a_loss_that_is_no_number_is_stored_as_null_and_read_as_nan() -> None:
    made = comparison(
        [
            model(
                "a", answered(("a", "b"), [[9, 1], [2, 8]]), history=({"train_loss": math.nan, "valid_loss": math.inf},)
            )
        ]
    )
    stored = to_json(made)
    assert stored["models"][0]["history"] == [{"train_loss": None, "valid_loss": None}]
    back = from_json(Comparison, json.loads(json.dumps(stored, allow_nan=False)), where="it")
    assert math.isnan(back.models[0].history[0]["train_loss"])


def test_numbers_of_numpy_are_stored_as_plain_ones() -> None:
    import numpy as np

    made = comparison([model("a", answered(("a", "b"), [[9, 1], [2, 8]]), pictures_per_second=np.float32(2.5))])
    assert json.loads(json.dumps(to_json(made)))["models"][0]["pictures_per_second"] == 2.5


def _stored() -> dict:
    return comparison_to_json(comparison([model("a", answered(("a", "b"), [[9, 1], [2, 8]]))]))


def _evaluation(values: dict) -> dict:
    return values["comparison"]["models"][0]["evaluation"]


def test_a_damaged_file_is_an_error_that_says_where_and_what_was_wanted(tmp_path: Path) -> None:
    values = _stored()
    values["comparison"]["models"][0]["evaluation"]["pictures"] = "many"
    write_json(tmp_path / "comparison.json", values)
    with pytest.raises(StorageError, match=r"models\[0\]\.evaluation\.pictures is 'many'; wanted: a whole number"):
        read_comparison(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda v: v["comparison"].pop("best"), "best is None; wanted: a value"),
        (lambda v: v["comparison"].update(beauty=1), "beauty is 1; wanted: nothing of that name"),
        (lambda v: v["comparison"].update(models={}), r"models is \{\}; wanted: a list"),
        (lambda v: v["comparison"].update(seconds=[1]), r"seconds is \[1\]; wanted: an object"),
        (lambda v: v["comparison"].update(seconds={"scan": "1"}), r"seconds\.scan is '1'; wanted: a number"),
        (lambda v: v["comparison"].update(seconds={"scan": True}), r"seconds\.scan is True; wanted: a number"),
        (lambda v: v["comparison"].update(data=None), "data is None; wanted: an object"),
        (lambda v: v.update(format_version=2), "has the format 2"),
        (lambda v: v.clear(), "wanted: a result that Anmok wrote"),
        (
            lambda v: _evaluation(v)["confusion"][1].pop(),
            r"evaluation\.confusion\[1\] is 1; wanted: one entry for each of the 2 classes",
        ),
        (lambda v: _evaluation(v)["per_class"].pop(), r"per_class is 1; wanted: one entry for each"),
        (lambda v: _evaluation(v)["metrics"].pop("accuracy"), r"metrics\.accuracy is None; wanted: a share"),
        (lambda v: _evaluation(v)["metrics"].pop("balanced_accuracy"), r"balanced_accuracy is None; wanted: a share"),
        (lambda v: _evaluation(v).update(pictures=0), r"pictures is 0; wanted: a count of at least 1"),
        (
            lambda v: v["comparison"].update(
                pairs=[{"first": "a", "second": "b", "pictures": 9, "only_first": 1, "only_second": 1, "both_wrong": 1}]
            ),
            r"pairs\[0\]\.differences\.accuracy is None",
        ),
        (
            lambda v: v["comparison"]["models"][0].update(validation={"accuracy": 1.5, "pictures": 3}),
            r"validation\.accuracy is 1\.5; wanted: a share",
        ),
    ],
)
def test_what_is_no_comparison_is_refused(tmp_path: Path, change, message: str) -> None:
    values = _stored()
    change(values)
    write_json(tmp_path / "comparison.json", values)
    with pytest.raises(StorageError, match=message):
        read_comparison(tmp_path)


@given(json_values)
def test_any_json_is_either_read_or_refused_with_a_sentence(value: object) -> None:
    with pytest.raises(StorageError):
        from_json(Comparison, value, where="it")


def test_a_field_that_an_older_anmok_did_not_have_takes_its_default() -> None:
    made = comparison([model("a", answered(("a", "b"), [[9, 1], [2, 8]]))])
    values = to_json(made)
    del values["models"][0]["evaluation"]["unknown"], values["seed"]
    assert from_json(Comparison, values, where="it") == replace(made, seed=0)
