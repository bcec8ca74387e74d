"""Undersampling takes the surplus of the named classes, out of train alone, and what tells least goes first."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anmok.config import BalanceRule
from anmok.data.balance import CODE, target_size, training_sizes, undersample
from anmok.data.manifest import Manifest
from anmok.errors import UnknownName, UsageError
from tests.data.made import Row, digest, manifest_of, synthetic

OVER_FULL = ("L2_3", "L2_10")


def of_sizes(sizes: dict[str, int], split: str = "train") -> list[Row]:
    return [
        (digest(f"{split}{label}{i}"), f"{split}/{label}/{i}.jpg", label, split, "")
        for label, count in sizes.items()
        for i in range(count)
    ]


def illustrations(others: int) -> dict[str, int]:
    """Reference E's classes: two over-full ones, and 18 others of so many pictures together, the smallest of 180."""
    rest = np.linspace(0.25, 1.75, 17)
    sizes = np.floor((others - 180) * rest / rest.sum()).astype(int)
    sizes[-1] += others - 180 - sizes.sum()
    names = [f"L2_{12 + 2 * number}" for number in range(18)]
    return {"L2_3": 6189, "L2_10": 6206} | dict(zip(names, [180, *map(int, sizes)], strict=True))


@pytest.mark.parametrize(
    ("total_before", "others", "mean", "total_after"),
    [
        # As the text reads: 25,503 pictures at first. The other 18 classes then hold 25,503 - 6,189 - 6,206 = 13,108,
        # 728.2 each; so 5,461 and 5,478 go and 13,108 + 2 * 728 = 14,564 are left. (From these E cannot have cleaned
        # down to 15,932, which is more.)
        (25_503, 13_108, 728, 14_564),
        # The reading in which all of E's numbers agree: 25,503 is what was left after balancing, before cleaning took
        # 9,571 and left 15,932. With t the mean of the others, 18 t + 2 t is about 25,503, so t is 1,275, the others
        # are 25,503 - 2 * 1,275 = 22,953, whose mean is 1,275.2, and 35,348 pictures came.
        (35_348, 22_953, 1_275, 25_503),
    ],
    ids=["25,503 before", "25,503 after"],
)
def test_reference_e_s_two_over_full_classes_come_down_to_the_mean_of_the_others(
    total_before: int, others: int, mean: int, total_after: int
) -> None:
    sizes = illustrations(others)
    assert (len(sizes), sum(sizes.values()), min(sizes.values())) == (20, total_before, 180)
    manifest = manifest_of(of_sizes(sizes))
    balanced = undersample(manifest, OVER_FULL, to="mean")
    assert training_sizes(balanced) == sizes | dict.fromkeys(OVER_FULL, mean)
    assert len(balanced) == total_after
    assert len(balanced.quarantined) == (6189 - mean) + (6206 - mean)
    assert {row.code for row in balanced.quarantined} == {CODE}
    assert set(balanced.table["path"]) | {row.path for row in balanced.quarantined} == set(manifest.table["path"])


def test_three_classes_of_e_s_sizes_come_down_to_the_smallest() -> None:
    manifest = manifest_of(of_sizes({"a": 6189, "b": 6206, "c": 180}))
    assert training_sizes(undersample(manifest, ["a", "b"])) == {"a": 180, "b": 180, "c": 180}


def test_valid_and_test_stay_as_they_are_and_do_not_count() -> None:
    rows = of_sizes({"a": 30, "b": 5}) + of_sizes({"a": 50, "b": 40}, "test") + of_sizes({"a": 9, "b": 9}, "valid")
    balanced = undersample(manifest_of(rows), to="min")
    counts = balanced.table.groupby(["split", "label"]).size().to_dict()
    assert counts == {
        ("train", "a"): 5,
        ("train", "b"): 5,
        ("valid", "a"): 9,
        ("valid", "b"): 9,
        ("test", "a"): 50,
        ("test", "b"): 40,
    }


@pytest.mark.parametrize(
    ("classes", "to", "after"),
    [
        (["a"], "mean", (7, 9, 4)),  # the others' mean is 6.5, and halves go up
        (["a"], "median", (7, 9, 4)),
        (["a", "b"], "mean", (4, 4, 4)),
        ([], "mean", (8, 8, 4)),  # nobody is named: the mean of all is 7.67
        ([], "median", (9, 9, 4)),
        ([], 6, (6, 6, 4)),
        (["a"], "max", (9, 9, 4)),
        ([], 100, (10, 9, 4)),
    ],
)
def test_the_target_is_taken_from_the_classes_that_are_not_named(
    classes: list[str], to: str | int, after: tuple[int, int, int]
) -> None:
    balanced = undersample(manifest_of(of_sizes({"a": 10, "b": 9, "c": 4})), classes, to=to)
    assert tuple(training_sizes(balanced).values()) == after


def test_copies_go_first_then_further_pictures_of_a_group() -> None:
    rows: list[Row] = [(digest("one"), f"a/copy{i}", "a", "train", "") for i in range(4)]
    rows += [(digest(f"burst{i}"), f"a/burst{i}", "a", "train", "burst") for i in range(4)]
    rows += [(digest(f"single{i}"), f"a/single{i}", "a", "train", "") for i in range(4)]

    def kept(count: int) -> list[str]:
        paths = undersample(manifest_of(rows), ["a"], to=count).table["path"]
        return sorted({path.rstrip("0123456789") for path in paths} | {str(len(paths))})

    # Six different scenes: the copied one, the burst, four alone. With nine, all but copies stay.
    assert kept(6) == ["6", "a/burst", "a/copy", "a/single"]
    six = undersample(manifest_of(rows), ["a"], to=6).table
    assert (six["path"].str.contains("single").sum(), six["group"].eq("burst").sum()) == (4, 1)
    nine = undersample(manifest_of(rows), ["a"], to=9).table
    assert nine["id"].is_unique
    assert nine["group"].eq("burst").sum() == 4


@settings(max_examples=30)
@given(seed=st.integers(0, 5), order=st.integers(0, 1000), to=st.integers(1, 20))
def test_neither_names_nor_order_decide_who_goes(seed: int, order: int, to: int) -> None:
    manifest = synthetic(150, classes=5, grouped=0.3)
    shuffled = manifest.table.sample(frac=1, random_state=order).reset_index(drop=True)
    renamed = shuffled.assign(path=[f"{order}/{i}.png" for i in range(len(shuffled))])
    one, other = (undersample(m, to=to, seed=seed) for m in (manifest, manifest.with_table(renamed)))
    assert set(one.table["id"]) == set(other.table["id"])


def test_another_seed_takes_others_and_one_more_picture_changes_one() -> None:
    rows = of_sizes({"a": 200, "b": 50})
    first, second = (set(undersample(manifest_of(rows), to=50, seed=seed).table["id"]) for seed in (0, 1))
    assert 60 < len(first & second) < 90  # all 50 of b, and of a about a quarter
    more = set(undersample(manifest_of([*rows, (digest("new"), "a/new", "a", "train", "")]), to=50).table["id"])
    assert len(first - more) <= 1


def test_who_was_held_out_says_nothing_of_who_stays() -> None:
    from anmok.config import SplitConfig
    from anmok.data.split import assign_splits

    manifest = manifest_of(of_sizes({"a": 4000, "b": 100}, ""))
    first = assign_splits(manifest, SplitConfig(seed=0))
    kept = set(undersample(manifest, ["a"], to=2000, seed=0).table["id"])
    test = first.table[(first.table["split"] == "test") & (first.table["label"] == "a")]["id"]
    assert 0.44 < test.isin(kept).mean() < 0.56


def test_it_is_said_who_went_and_that_a_split_should_come_first() -> None:
    balanced = undersample(manifest_of(of_sizes({"a": 10, "b": 4})), to="min", seed=3)
    assert balanced.notes == ("6 of 10 training pictures of the class a were left out for balance (seed 3).",)
    reason = balanced.quarantined[0].reason
    assert reason.endswith("was left out so that the class a has 4 training pictures.")
    unsplit = undersample(manifest_of(of_sizes({"a": 10, "b": 4}, "")), to="min")
    assert "before a split was made" in unsplit.notes[-1]
    assert "nothing was left out" in undersample(balanced, to="max").notes[-1]


def test_classes_are_known_by_either_spelling_of_hangul_and_others_are_named() -> None:
    label = "천지연 폭포"
    manifest = manifest_of(of_sizes({label: 9, "b": 4}))
    assert training_sizes(undersample(manifest, [unicodedata.normalize("NFD", label)]))[label] == 4
    with pytest.raises(UnknownName, match=r"no class 'dog'.*b, 천지연 폭포"):
        undersample(manifest, ["dog"])
    with pytest.raises(UsageError, match="All classes are named"):
        undersample(manifest, [label, "b"])
    for wrong in (0, -1, "most", True):
        with pytest.raises(UsageError, match="cannot be brought to"):
            undersample(manifest, to=wrong)


@given(
    sizes=st.lists(st.integers(0, 50), min_size=2, max_size=6).filter(lambda sizes: sum(sizes) > 0),
    word=st.sampled_from(["mean", "median", "min", "max"]),
)
def test_a_target_lies_between_the_smallest_and_the_largest_class(sizes: Sequence[int], word: str) -> None:
    named = {f"c{number}": size for number, size in enumerate(sizes)}
    there = [size for size in sizes if size]
    assert min(there) <= target_size(named, BalanceRule(to=word)) <= max(there)


def test_many_pictures_with_copies_and_groups_come_to_the_very_number() -> None:
    manifest: Manifest = synthetic(200_000, classes=20, copies=0.1, grouped=0.3)
    assert max(training_sizes(undersample(manifest, to=5000)).values()) == 5000
