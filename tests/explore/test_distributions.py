"""Distributions hold every picture once, on an axis that one odd picture does not stretch."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anmok.explore.distributions import BINS, axis_of, count_classes, count_kinds, measure_all
from explore.tables import classes, dice, manifest


def test_histograms_and_quantiles_are_those_of_each_group() -> None:
    labels = classes(3, 101)
    light = np.concatenate([np.linspace(0, 100, 101), np.full(101, 50.0), np.linspace(100, 200, 101)])
    split = np.tile(["train", "test", "train"], 101)
    found = {one.measure: one for one in measure_all(manifest(labels, {"brightness": light, "split": split}))}
    measured = found["brightness"]
    assert [one.group for one in measured.classes] == ["c000", "c001", "c002"]
    assert measured.classes[0].quantiles == (0, 25, 50, 75, 100)
    assert measured.classes[1].quantiles == (50,) * 5
    assert max(measured.classes[1].histogram) == 1
    assert [(one.group, one.count) for one in measured.splits] == [("train", 202), ("test", 101)]
    for one in (measured.whole, *measured.classes, *measured.splits):
        assert sum(one.histogram) == pytest.approx(1, abs=BINS * 1e-4)
    assert found["mean_pixel"].whole.quantiles == (120,) * 5
    assert found["aspect"].whole.quantiles[2] == pytest.approx(200 / 150)


@given(
    st.lists(st.floats(-1e9, 1e9) | st.just(float("nan")), max_size=40),
    st.booleans(),
)
def test_an_axis_has_a_length_whatever_the_values(values: list[float], logarithmic: bool) -> None:
    low, high = axis_of(np.array(values, dtype=np.float64), logarithmic=logarithmic)
    assert np.isfinite([low, high]).all()
    assert low < high
    assert low > 0 or not logarithmic


def test_one_odd_picture_does_not_stretch_the_axis_and_is_still_counted() -> None:
    widths = np.append(dice().integers(200, 300, 999), 100_000)
    measured = next(one for one in measure_all(manifest(["a"] * 1000, {"width": widths})) if one.measure == "width")
    assert measured.high < 400
    assert measured.whole.quantiles[-1] == 100_000
    assert measured.whole.count == 1000


def test_a_measure_without_a_value_leaves_pictures_out_and_one_without_any_is_not_shown() -> None:
    light = np.array([np.nan, 10.0, 20.0])
    found = {one.measure: one for one in measure_all(manifest(["a", "a", "b"], {"brightness": light}))}
    assert [one.count for one in found["brightness"].classes] == [1, 1]
    assert "brightness" not in {one.measure for one in measure_all(manifest(["a"], {"brightness": [np.nan]}))}


def test_counts_name_every_class_in_every_split_that_there_is() -> None:
    given_ = manifest(["a", "b", "b"], {"split": ["train", "train", "test"]})
    assert count_classes(given_) == {"train": {"a": 1, "b": 1}, "test": {"a": 0, "b": 1}}
    assert count_classes(manifest(["a", "b"])) == {"": {"a": 1, "b": 1}}


def test_kinds_are_counted_the_most_frequent_first() -> None:
    given_ = manifest(["a", "a", "b"], {"format": ["PNG", "JPEG", "JPEG"], "mode": ["P", "RGB", "RGB"]})
    found = [(one.format, one.mode, one.count, dict(one.classes)) for one in count_kinds(given_)]
    assert found == [("JPEG", "RGB", 2, {"a": 1, "b": 1}), ("PNG", "P", 1, {"a": 1})]
