"""The values that all rooms hand on."""

from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anmok.records import Box, Finding, ImageRecord, Interval, Prediction, PredictionFailure

RECORD = {
    "id": "0" * 64,
    "path": "train/고양이/1.jpg",
    "label": "고양이",
    "width": 4,
    "height": 3,
    "mode": "RGB",
    "format": "JPEG",
    "bytes": 99,
    "brightness": 1.0,
    "contrast": 2.0,
    "mean_r": 3.0,
    "mean_g": 4.0,
    "mean_b": 5.0,
    "saturation": 6.0,
    "sharpness": 7.0,
    "entropy": 8.0,
    "phash": "0" * 16,
}
numbers = st.floats(allow_nan=False, allow_infinity=False)
intervals = st.builds(Interval, numbers, numbers, numbers)


def test_a_record_begins_without_split_group_and_source() -> None:
    record = ImageRecord(**RECORD)
    assert (record.split, record.group, record.source_url, record.flags) == ("", "", "", ())


@pytest.mark.parametrize("split", ["", "train", "valid", "test"])
def test_a_record_takes_the_three_splits_or_none(split: str) -> None:
    assert ImageRecord(**RECORD, split=split).split == split


@pytest.mark.parametrize("split", ["validation", "Train", "dev"])
def test_a_record_of_another_split_is_refused_by_name(split: str) -> None:
    with pytest.raises(ValueError, match=rf"'{split}' of 'train/고양이/1\.jpg' is none of train, valid, test"):
        ImageRecord(**RECORD, split=split)


@pytest.mark.parametrize("size", [{"width": 0}, {"height": 0}, {"width": -1}])
def test_a_record_without_pixels_is_refused(size: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least 1x1 is wanted"):
        ImageRecord(**{**RECORD, **size})


def test_records_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        ImageRecord(**RECORD).label = "개"  # type: ignore[misc]


def test_the_json_of_a_prediction_has_the_fixed_names() -> None:
    prediction = Prediction("a.jpg", "cat", 1, 0.75, unknown=False, top=(("cat", 0.75), ("dog", 0.25)))
    row = prediction.to_json()
    assert json.loads(json.dumps(row)) == row
    assert row == {
        "path": "a.jpg",
        "class": "cat",
        "index": 1,
        "probability": 0.75,
        "unknown": False,
        "top": [{"class": "cat", "probability": 0.75}, {"class": "dog", "probability": 0.25}],
    }


def test_the_json_of_a_failed_prediction_has_the_fixed_names() -> None:
    assert PredictionFailure("a.jpg", "broken").to_json() == {"path": "a.jpg", "error": "broken"}


def test_the_json_of_a_finding_calls_the_other_picture_with() -> None:
    row = Finding("a.jpg", "duplicates", 0.1, flag=True, other="b.jpg", reason="the same").to_json()
    # The first six are fixed for scripts that others write.
    assert set(row) == {"path", "check", "score", "flag", "with", "reason", "action", "label", "suggested"}
    assert row["with"] == "b.jpg"


@pytest.mark.parametrize("edges", [(5, 0, 5, 9), (6, 0, 5, 9), (0, 9, 5, 9), (float("nan"), 0, 5, 9)])
def test_a_box_without_an_inside_is_refused(edges: tuple[float, float, float, float]) -> None:
    with pytest.raises(ValueError, match="must lie beyond"):
        Box("ace", *edges)


@given(intervals)
def test_an_interval_comes_back_from_json(interval: Interval) -> None:
    assert Interval.from_json(json.loads(json.dumps(interval.to_json()))) == interval


@given(intervals, intervals)
def test_overlapping_is_mutual(one: Interval, other: Interval) -> None:
    assert one.overlaps(other) == other.overlaps(one)


def test_intervals_that_touch_overlap_and_apart_ones_do_not() -> None:
    assert Interval(0.5, 0.4, 0.6).overlaps(Interval(0.7, 0.6, 0.8))
    assert Interval(0.5, 0.0, 1.0).overlaps(Interval(0.5, 0.4, 0.6))
    assert not Interval(0.5, 0.4, 0.6).overlaps(Interval(0.8, 0.61, 0.9))
