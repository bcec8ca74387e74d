"""What stands out: clear cases are named in the right direction, chance and even rows of classes are not."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anmok.explore.results import StandOut
from anmok.explore.standouts import cliffs_delta, find_imbalance, find_stand_outs
from explore.tables import classes, dice, manifest


def named(found: tuple[StandOut, ...]) -> list[tuple[str, str, str, bool]]:
    return [(one.code, one.group, one.measure, one.more) for one in found]


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 6)), min_size=1, max_size=30))
def test_delta_is_what_comparing_every_pair_gives(rows: list[tuple[int, int]]) -> None:
    numbers = np.array([group for group, _value in rows])
    values = np.array([value for _group, value in rows], dtype=np.float64)
    delta, _error = cliffs_delta(values, numbers, 3)
    for group in range(3):
        pairs = list(itertools.product(values[numbers == group], values[numbers != group]))
        wanted = np.mean([np.sign(own - other) for own, other in pairs]) if pairs else 0.0
        assert delta[group] == pytest.approx(wanted)


def test_a_class_of_photos_among_classes_of_drawings_is_named_as_darker() -> None:
    labels = classes(8, 60)
    light = dice().normal(210, 15, len(labels))
    light[[label == "c003" for label in labels]] = dice(1).normal(60, 25, 60)
    (found,) = find_stand_outs(manifest(labels, {"brightness": light}))
    assert named((found,)) == [("whole", "c003", "brightness", False)]
    assert found.own == pytest.approx(60, abs=12)
    assert found.others == pytest.approx(210, abs=5)
    assert found.share > 0.98
    assert found.delta < -0.98
    assert found.among == "class"


def test_some_photos_in_one_class_of_drawings_are_named_as_a_part() -> None:
    labels = classes(8, 80)
    light = dice().normal(210, 15, len(labels))
    mine = np.flatnonzero([label == "c005" for label in labels])
    light[mine[:24]] = dice(1).normal(60, 20, 24)
    (found,) = find_stand_outs(manifest(labels, {"brightness": light}))
    assert named((found,)) == [("part", "c005", "brightness", False)]
    assert found.share == pytest.approx(0.3, abs=0.05)
    assert 150 < found.others < 200


@pytest.mark.parametrize(("count", "each"), [(2, 300), (5, 40), (20, 8), (100, 25)])
def test_chance_alone_makes_nobody_stand_out(count: int, each: int) -> None:
    labels = classes(count, each)
    for seed in range(5):
        random = dice(seed)
        columns = {
            "brightness": random.normal(120, 40, len(labels)),
            "contrast": random.normal(50, 15, len(labels)),
            "bytes": random.lognormal(9, 0.5, len(labels)).astype(int),
            "width": random.choice([200, 300, 640], len(labels)),
            "format": random.choice(["JPEG", "PNG"], len(labels)),
            "split": random.choice(["train", "valid", "test"], len(labels)),
        }
        assert find_stand_outs(manifest(labels, columns)) == ()


def test_classes_in_an_even_row_do_not_stand_out_though_the_ends_differ_much() -> None:
    labels = classes(9, 50)
    level = np.repeat(np.arange(9) * 20.0 + 40, 50)
    light = level + dice().normal(0, 10, len(labels))
    assert [one for one in find_stand_outs(manifest(labels, {"brightness": light})) if one.code == "whole"] == []


def test_five_pictures_must_differ_more_than_five_hundred_to_be_named() -> None:
    labels = ["few"] * 5 + ["many"] * 500 + classes(6, 300)
    light = dice().normal(120, 30, len(labels))
    light[:5] += 40
    light[5:505] += 40
    assert {one.group for one in find_stand_outs(manifest(labels, {"brightness": light}))} == {"many"}


def test_of_two_classes_one_is_named_against_the_other() -> None:
    labels = classes(2, 100)
    light = np.repeat([80.0, 180.0], 100) + dice().normal(0, 20, 200)
    (found,) = find_stand_outs(manifest(labels, {"brightness": light}))
    assert (found.group, found.against, found.more) == ("c000", "c001", False)


def test_a_test_split_of_other_pictures_is_named_first() -> None:
    labels = classes(4, 100)
    split = np.tile(["train", "train", "train", "test"], 100)
    light = dice().normal(100, 20, 400) + np.where(split == "test", 60, 0)
    found = find_stand_outs(manifest(labels, {"brightness": light, "split": split}))
    assert [(one.among, one.group, one.against, one.more) for one in found] == [("split", "test", "train", True)]


def test_a_class_stored_in_another_format_is_named_once() -> None:
    labels = classes(4, 30)
    stored = np.array(["JPEG"] * 120)
    stored[30:60] = "PNG"
    (found,) = find_stand_outs(manifest(labels, {"format": stored}))
    assert (found.code, found.group, found.measure, found.value, found.share) == ("kind", "c001", "format", "PNG", 1.0)


def test_what_follows_from_another_measure_is_not_said_again() -> None:
    labels = classes(5, 50)
    times = np.where(np.array(labels) == "c002", 3, 1)
    spread = dice().lognormal(0, 0.2, 250)
    columns = {
        "width": (200 * times * spread).astype(int),
        "height": (150 * times * spread).astype(int),
        "bytes": (9000 * times * spread).astype(int),
    }
    assert named(find_stand_outs(manifest(labels, columns))) == [("whole", "c002", "width", True)]


@pytest.mark.parametrize("labels", [["a"], ["a"] * 20, ["a", "b"], ["a", "b", "c"]])
def test_very_few_pictures_or_one_class_give_nothing_and_no_error(labels: list[str]) -> None:
    assert find_stand_outs(manifest(labels, {"brightness": np.arange(float(len(labels)))})) == ()


def test_the_order_of_rows_does_not_matter() -> None:
    labels = classes(6, 40)
    light = dice().normal(120, 20, 240)
    light[:40] -= 80
    given_ = manifest(labels, {"brightness": light})
    shuffled = given_.with_table(given_.table.iloc[dice(3).permutation(240)])
    assert find_stand_outs(given_) == find_stand_outs(shuffled) != ()


def test_imbalance_names_the_largest_and_the_smallest_class_with_pictures() -> None:
    (found,) = find_imbalance([("a", 6206), ("b", 180), ("empty", 0)])
    assert (found.largest, found.smallest, round(found.ratio, 1)) == ("a", "b", 34.5)
    assert find_imbalance([("only", 5), ("empty", 0)]) == ()
