"""Wrong labels are found by heads that never saw the picture they judge, and little else is called wrong."""

from __future__ import annotations

import csv
import warnings
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from anmok.clean.evidence import Evidence
from anmok.clean.label_errors import DOUBTED, find_label_errors, judge
from anmok.clean.registry import get_check
from anmok.config import CleanConfig
from anmok.data.catalog import get_dataset
from anmok.data.manifest import Manifest
from anmok.data.scan import scan
from tests.data.made import manifest_of


def clouds(counts: list[int], *, seed: int = 0, apart: float = 6.0) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Vectors (N, 16) around one point for each class, and their labels."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(counts)), counts)
    middles = rng.normal(size=(len(counts), 16))
    middles *= apart / np.linalg.norm(middles, axis=1, keepdims=True)
    return (middles[labels] + rng.normal(size=(len(labels), 16))).astype(np.float32), labels.astype(np.int64)


def seen(vectors: NDArray[np.float32], labels: NDArray[np.int64], groups: list[str] | None = None) -> Evidence:
    """Evidence of pictures that are not there but for their vectors."""
    rows = [(f"{row:064d}", f"{row}.png", f"class {label}", "", "") for row, label in enumerate(labels)]
    if groups is not None:
        rows = [(*row[:4], group) for row, group in zip(rows, groups, strict=True)]
    evidence = Evidence(manifest_of(rows))
    evidence.__dict__["vectors"] = vectors
    return evidence


def test_swapped_labels_are_found_and_named_as_they_should_be() -> None:
    vectors, labels = clouds([60, 60, 60])
    given_labels = labels.copy()
    wrong = [3, 70, 100, 150]
    given_labels[wrong] = (labels[wrong] + 1) % 3
    result = find_label_errors(seen(vectors, given_labels))
    assert set(np.flatnonzero(result.flags)) == set(wrong)
    assert [result.suggested[row] for row in wrong] == [f"class {labels[row]}" for row in wrong]
    assert not any(result.suggested[row] for row in range(len(labels)) if row not in wrong)
    for row in wrong:
        values = result.values[row]
        assert values["probability_label"] < DOUBTED < values["probability_suggested"]
        sentence = get_check("label-error").reason(values)
        assert f"class {given_labels[row]}" in sentence
        assert f"class {labels[row]}" in sentence


def test_clean_labels_of_classes_far_apart_are_left_alone() -> None:
    result = find_label_errors(seen(*clouds([40, 50, 60, 30])))
    assert not result.flags.any()
    assert result.about["agreement"] == 1


def test_classes_that_nothing_tells_apart_are_not_called_wrong_by_the_dozen() -> None:
    vectors, labels = clouds([200, 200], apart=0)
    assert find_label_errors(seen(vectors, labels)).flags.mean() < 0.01


@pytest.mark.parametrize(
    "counts",
    [[1], [5], [1, 1], [2, 1], [1, 40], [1, 30, 30], [2, 2], [1, 1, 1, 1], [20] * 40],
    ids=lambda counts: "+".join(map(str, counts[:4])),
)
def test_tiny_and_many_classes_are_judged_or_left_alone_without_a_warning(counts: list[int]) -> None:
    vectors, labels = clouds(counts, apart=20)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = find_label_errors(seen(vectors, labels))
    assert not result.flags.any()
    alone = np.isin(labels, np.flatnonzero(np.array(counts) == 1))
    assert (result.scores[alone] == 1).all()
    assert result.about["judged"] <= (~alone).sum()


def test_a_class_that_lost_all_its_pictures_does_not_matter() -> None:
    vectors, labels = clouds([30, 30, 30])
    stay = labels != 1
    evidence = seen(vectors[stay], labels[stay])
    whole = Manifest(table=evidence.manifest.table, source="/nowhere", classes=("class 0", "class 1", "class 2"))
    other = Evidence(whole)
    other.__dict__["vectors"] = evidence.vectors
    assert not find_label_errors(other).flags.any()


def test_pictures_of_one_group_do_not_vouch_for_each_other() -> None:
    # Five shots of one scene, all under the wrong label: alone each would be explained by the other four.
    vectors, labels = clouds([40, 40])
    burst = np.arange(5)
    vectors[burst] = vectors[0] + np.random.default_rng(1).normal(size=(5, 16)).astype(np.float32) * 0.01
    labels[burst] = 1
    groups = ["burst" if row in burst else "" for row in range(len(labels))]
    assert find_label_errors(seen(vectors, labels, groups)).flags[burst].all()


@pytest.mark.parametrize(("seed", "classes"), [(0, 2), (1, 3), (2, 5)])
def test_the_order_of_rows_changes_nothing(seed: int, classes: int) -> None:
    vectors, labels = clouds([12] * classes, seed=seed, apart=3)
    evidence = seen(vectors, labels)
    order = np.random.default_rng(seed).permutation(len(labels))
    mixed = Evidence(evidence.manifest.with_table(evidence.manifest.table.iloc[order]))
    mixed.__dict__["vectors"] = vectors[order]
    result, again = find_label_errors(evidence), find_label_errors(mixed)
    assert np.array_equal(result.flags[order], again.flags)
    assert np.allclose(result.scores[order], again.scores)


def test_nothing_to_compare_with_gives_no_judgement() -> None:
    vectors, labels = clouds([4, 4])
    assert judge(vectors[:4], labels[:4], ["a", "b", "c", "d"]) is None
    assert judge(vectors, labels, ["a"] * 4 + ["b"] * 4) is None


def planted_in_sample() -> dict[str, tuple[str, str]]:
    with (get_dataset("sample") / "truth.csv").open(encoding="utf-8", newline="") as stream:
        return {row["path"]: (row["fault"], row["true_label"]) for row in csv.DictReader(stream)}


def check_sample(model: str, precision: float) -> None:
    evidence = Evidence(scan(get_dataset("sample")), CleanConfig(vectors=model))
    result = find_label_errors(evidence)
    paths = evidence.manifest.table["path"].tolist()
    truth = planted_in_sample()
    wrong = {path for path, (fault, _label) in truth.items() if fault == "wrong-label"}
    flagged = {paths[row]: result.suggested[row] for row in np.flatnonzero(result.flags)}
    assert len(wrong) == 6
    assert wrong <= set(flagged)
    assert all(flagged[path] == truth[path][1] for path in wrong)
    assert len(wrong) / len(flagged) >= precision


def test_all_wrong_labels_of_the_sample_are_found_by_hand_made_features(shared_cache: Path) -> None:
    check_sample("handcrafted", precision=0.5)


@pytest.mark.real
def test_all_wrong_labels_of_the_sample_are_found_by_mobilenetv2(real_weights: Path, shared_cache: Path) -> None:
    check_sample("mobilenetv2", precision=0.9)


@pytest.mark.real
def test_flipped_labels_of_cats_and_dogs_are_found(data_dir: Path, real_weights: Path, shared_cache: Path) -> None:
    manifest = scan(data_dir / "cats-dogs.zip").of_split("train")
    manifest = manifest.with_table(manifest.table.iloc[::3])
    evidence = Evidence(manifest, CleanConfig(vectors="mobilenetv2"))
    for seed in (11, 12):
        rng = np.random.default_rng(seed)
        flipped = rng.choice(len(manifest), size=len(manifest) // 20, replace=False)
        labels = manifest.label_indices()
        labels[flipped] = 1 - labels[flipped]
        other = Evidence(manifest.with_table(manifest.table.assign(label=[manifest.classes[i] for i in labels])))
        other.__dict__["vectors"] = evidence.vectors
        result = find_label_errors(other)
        hits = result.flags[flipped].sum()
        assert hits / len(flipped) >= 0.90
        assert hits / result.flags.sum() >= 0.80
