"""Every picture stands on one side, every class is there to choose by, and boxes are counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anmok.detection.boxset import BoxedPicture, BoxSet, TrueBox
from anmok.detection.settings import DetectConfig
from anmok.detection.splitting import split_boxes
from anmok.detection.statistics import describe
from anmok.errors import TooFewPictures


def _set(count: int, *, split: str = "", tests: int = 0) -> BoxSet:
    pictures = [
        BoxedPicture(f"{number}.jpg", 100, 50, (TrueBox("ab"[number % 2], 0, 0, 50, 25),), split, f"{number:064}")
        for number in range(count)
    ]
    pictures += [
        BoxedPicture(f"t{number}.jpg", 100, 50, (TrueBox("a", 0, 0, 50, 25),), "test", f"{1000 + number:064}")
        for number in range(tests)
    ]
    return BoxSet(tuple(pictures), ("a", "b"))


@given(st.integers(10, 120), st.integers(0, 5), st.integers(0, 2**31))
def test_all_pictures_stay_and_each_has_one_split(count: int, tests: int, seed: int) -> None:
    boxes = _set(count, split="train" if tests else "", tests=tests)
    divided = split_boxes(boxes, DetectConfig(seed=seed))
    assert Counter(picture.path for picture in divided.pictures) == Counter(picture.path for picture in boxes.pictures)
    assert {picture.split for picture in divided.pictures} == {"train", "valid", "test"}
    if tests:
        assert len(divided.of_split("test")) == tests
    if len(divided.of_split("valid")) > 1:
        assert {box.label for picture in divided.of_split("valid") for box in picture.boxes} == {"a", "b"}


def test_the_same_seed_divides_alike_and_another_does_not() -> None:
    def valid(seed: int) -> set[str]:
        divided = split_boxes(_set(60, split="train", tests=3), DetectConfig(seed=seed))
        return {picture.path for picture in divided.of_split("valid")}

    assert valid(1) == valid(1)
    assert valid(1) != valid(2)


def test_a_training_picture_that_stands_in_the_test_is_left_out_and_said() -> None:
    boxes = _set(20, split="train", tests=2)
    twin = BoxedPicture("twin.jpg", 100, 50, boxes.pictures[0].boxes, "train", boxes.pictures[-1].id)
    divided = split_boxes(BoxSet((*boxes.pictures, twin), boxes.classes), DetectConfig())
    assert "twin.jpg" not in {picture.path for picture in divided.pictures}
    assert "1 training picture was left out" in divided.notes[0]


def test_a_training_picture_that_stands_in_the_given_validation_is_left_out_and_said() -> None:
    *others, last = _set(20, split="train", tests=3).pictures
    twin = BoxedPicture("twin.jpg", 100, 50, last.boxes, "train", last.id)
    divided = split_boxes(BoxSet((*others, replace(last, split="valid"), twin), ("a", "b")), DetectConfig())
    assert "twin.jpg" not in {picture.path for picture in divided.pictures}
    assert [picture.path for picture in divided.of_split("valid")] == [last.path]
    assert "1 training picture was left out" in divided.notes[0]
    assert "among the validation pictures" in divided.notes[0]


def test_equal_files_are_not_parted() -> None:
    pictures = [
        BoxedPicture(f"{number}.jpg", 100, 50, (TrueBox("a", 0, 0, 50, 25),), "", f"{number // 2:064}")
        for number in range(60)
    ]
    divided = split_boxes(BoxSet(tuple(pictures), ("a",)), DetectConfig(valid=0.3))
    splits: dict[str, set[str]] = {}
    for picture in divided.pictures:
        splits.setdefault(picture.id, set()).add(picture.split)
    assert all(len(found) == 1 for found in splits.values())


def test_fewer_pictures_can_be_asked_for() -> None:
    divided = split_boxes(_set(80, split="train", tests=4), DetectConfig(train_pictures=30))
    assert len(divided.of_split("train", "valid")) == 30
    assert len(divided.of_split("test")) == 4


def test_too_few_pictures_are_refused() -> None:
    with pytest.raises(TooFewPictures, match="at least 4"):
        split_boxes(_set(4), DetectConfig())


def test_boxes_are_counted_by_class_size_and_place() -> None:
    found = describe(_set(4))
    assert [(row.label, row.boxes, row.median_side) for row in found.classes] == [("a", 2, 0.5), ("b", 2, 0.5)]
    assert sum(found.sides) == 4
    assert found.sides[4] == 4
    positions = found.positions
    assert positions[0][0] == positions[7][7] == 4
    assert positions[8][0] == positions[0][8] == 0
