"""A split is fair: by class, by group, the same for the same pictures; and what cannot be split is refused."""

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from anmok.config import SplitConfig
from anmok.data.cut import Cuttable, cut, picture_groups
from anmok.data.manifest import Manifest
from anmok.data.scan import scan
from anmok.data.split import assign_splits, check, find_leaks
from anmok.errors import DataError, TooFewPictures
from tests.data.made import Row, digest, manifest_of, pictures_of, synthetic, write_tree

CONFIG = SplitConfig(test=0.2, valid=0.25, seed=1)


def rows_of(counts: dict[str, dict[str, int]]) -> list[Row]:
    """``{split: {label: count}}`` as rows of different pictures."""
    return [
        (digest(f"{split}{label}{i}"), f"{split}/{label}/{i}", label, split, "")
        for split, labels in counts.items()
        for label, count in labels.items()
        for i in range(count)
    ]


def counts_of(manifest: Manifest) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = {}
    for (split, label), count in manifest.table.groupby(["split", "label"]).size().items():
        counts.setdefault(split, {})[label] = int(count)
    return counts


def test_without_splits_a_share_of_each_class_is_cut() -> None:
    manifest = assign_splits(manifest_of(rows_of({"": {"a": 100, "b": 40, "c": 10}})), CONFIG)
    assert counts_of(manifest) == {
        "test": {"a": 20, "b": 8, "c": 2},
        "valid": {"a": 20, "b": 8, "c": 2},
        "train": {"a": 60, "b": 24, "c": 6},
    }
    assert any("20% of the pictures" in note and "seed 1" in note for note in manifest.notes)


def test_train_alone_is_cut_like_no_split() -> None:
    assert counts_of(assign_splits(manifest_of(rows_of({"train": {"a": 10, "b": 10}})), CONFIG)) == {
        "test": {"a": 2, "b": 2},
        "valid": {"a": 2, "b": 2},
        "train": {"a": 6, "b": 6},
    }


def test_a_test_that_is_given_is_kept_and_valid_is_cut_from_train() -> None:
    given_rows = rows_of({"train": {"a": 20, "b": 8}, "test": {"a": 3, "b": 5}})
    manifest = assign_splits(manifest_of(given_rows), CONFIG)
    assert counts_of(manifest) == {
        "test": {"a": 3, "b": 5},
        "valid": {"a": 5, "b": 2},
        "train": {"a": 15, "b": 6},
    }
    test = manifest.table.loc[manifest.table["split"] == "test", "path"]
    assert all(path.startswith("test/") for path in test)


def test_without_a_test_valid_becomes_the_test_and_that_is_told() -> None:
    manifest = assign_splits(manifest_of(rows_of({"train": {"a": 20, "b": 8}, "valid": {"a": 3, "b": 5}})), CONFIG)
    assert counts_of(manifest) == {
        "test": {"a": 3, "b": 5},
        "valid": {"a": 5, "b": 2},
        "train": {"a": 15, "b": 6},
    }
    assert manifest.notes[0].startswith("There is no test split; the validation pictures are the test")


def test_three_splits_that_are_given_stay_as_they_are() -> None:
    manifest = manifest_of(rows_of({"train": {"a": 5, "b": 5}, "valid": {"a": 1, "b": 1}, "test": {"a": 1, "b": 2}}))
    assert assign_splits(manifest, CONFIG).table.equals(manifest.table)
    assert assign_splits(manifest, CONFIG).notes == ()


def test_pictures_without_a_split_among_others_learn_and_that_is_told() -> None:
    rows = rows_of({"": {"a": 4}, "train": {"a": 4, "b": 8}, "test": {"a": 2, "b": 2}})
    manifest = assign_splits(manifest_of(rows), CONFIG)
    assert counts_of(manifest)["test"] == {"a": 2, "b": 2}
    assert counts_of(manifest)["train"] == {"a": 6, "b": 6}
    assert "4 pictures have no split" in manifest.notes[0]


def test_tiny_classes_get_a_test_picture_and_keep_a_training_picture() -> None:
    manifest = assign_splits(manifest_of(rows_of({"": {"a": 2, "b": 3, "c": 50}})), CONFIG)
    counts = counts_of(manifest)
    assert counts["test"] == {"a": 1, "b": 1, "c": 10}
    assert counts["train"] == {"a": 1, "b": 1, "c": 30}
    assert counts["valid"] == {"b": 1, "c": 10}


@settings(max_examples=100)
@given(
    rows=st.lists(st.tuples(st.integers(0, 40), st.sampled_from(["", "", "", "g", "h", "i"])), min_size=4, max_size=60),
    mixed=st.booleans(),
    seed=st.integers(0, 5),
)
def test_groups_stay_together_and_no_class_loses_its_training(
    rows: list[tuple[int, str]], mixed: bool, seed: int
) -> None:
    # Groups of one class each; or, mixed, groups that go across classes.
    made: list[Row] = [
        (digest(number), f"{place}", f"c{number % 3}", "", group and (group if mixed else f"{group}{number % 3}"))
        for place, (number, group) in enumerate(rows)
    ]
    manifest = manifest_of(made)
    assume(len(manifest.classes) >= 2)
    try:
        manifest = assign_splits(manifest, SplitConfig(seed=seed))
    except TooFewPictures:
        groups = picture_groups(manifest.table)
        few = [len(set(groups[manifest.table["label"] == label])) for label in manifest.classes]
        assert mixed or min(few) < 2
        return
    assert find_leaks(manifest) == ()
    counts = counts_of(manifest)
    assert set(counts["train"]) == set(counts["test"]) == set(manifest.classes)
    assert set(manifest.table["split"]) <= {"train", "valid", "test"}


@settings(max_examples=20)
@given(seed=st.integers(0, 3), order=st.integers(0, 1000))
def test_neither_the_order_nor_the_names_of_files_change_the_split(seed: int, order: int) -> None:
    manifest = synthetic(120, classes=4, copies=0.2, grouped=0.3)
    config = SplitConfig(seed=seed)
    wanted = assign_splits(manifest, config).table.groupby("id")["split"].first()
    shuffled = manifest.table.sample(frac=1, random_state=order).reset_index(drop=True)
    renamed = shuffled.assign(path=[f"{order}/{i}.png" for i in range(len(shuffled))])
    again = assign_splits(manifest.with_table(renamed), config).table.groupby("id")["split"].first()
    assert again.equals(wanted)


def test_another_seed_gives_another_split_and_the_same_seed_the_same() -> None:
    manifest = synthetic(300)
    splits = [assign_splits(manifest, SplitConfig(seed=seed)).table["split"].tolist() for seed in (0, 1, 0)]
    assert splits[0] == splits[2] != splits[1]


def test_the_split_is_the_same_on_every_machine_and_in_every_version() -> None:
    # Written down once: who scans the same pictures next year must get the same test.
    manifest = assign_splits(synthetic(20, classes=2), SplitConfig(seed=0))
    found = {split: sorted(manifest.table.index[manifest.table["split"] == split]) for split in ("test", "valid")}
    assert found == {"test": [2, 3, 4, 9], "valid": [14, 15]}


def test_pictures_that_are_added_move_hardly_any_other() -> None:
    before = assign_splits(synthetic(1000), SplitConfig()).table.set_index("path")["split"]
    after = assign_splits(synthetic(1050), SplitConfig()).table.set_index("path")["split"]
    assert (before == after[before.index]).mean() > 0.95


def test_what_is_chosen_is_random_with_respect_to_the_size_of_groups() -> None:
    manifest = synthetic(6000, classes=3, grouped=0.5)
    table = assign_splits(manifest, SplitConfig()).table
    in_group = table["group"] != ""
    shares = {split: float(in_group[table["split"] == split].mean()) for split in ("train", "valid", "test")}
    assert max(shares.values()) - min(shares.values()) < 0.1
    sizes = table.groupby("label")["split"].value_counts(normalize=True).unstack()
    assert sizes["test"].to_numpy() == pytest.approx(0.2, abs=0.002)
    assert sizes["valid"].to_numpy() == pytest.approx(0.8 * 0.15, abs=0.002)


def test_groups_larger_than_the_share_do_not_empty_the_test() -> None:
    rows: list[Row] = [(digest(i), f"a/{i}", "a", "", "big" if i < 6 else "small") for i in range(10)]
    rows += [(digest(100 + i), f"b/{i}", "b", "", "") for i in range(10)]
    manifest = assign_splits(manifest_of(rows), CONFIG)
    a = manifest.table[manifest.table["label"] == "a"]
    assert set(a.loc[a["split"] == "test", "group"]) == {"small"}
    assert set(a.loc[a["split"] == "train", "group"]) == {"big"}


def test_beside_a_film_half_of_the_other_pictures_are_learned_from() -> None:
    rows: list[Row] = [(digest(i), f"a/{i}", "a", "", "film" if i < 300 else "") for i in range(340)]
    rows += [(digest(1000 + i), f"b/{i}", "b", "", "") for i in range(100)]
    table = assign_splits(manifest_of(rows), SplitConfig()).table
    assert set(table.loc[table["group"] == "film", "split"]) == {"train"}
    others = table[(table["group"] == "") & (table["label"] == "a")]
    assert others["split"].value_counts().to_dict() == {"test": 20, "valid": 10, "train": 10}
    assert table.loc[table["label"] == "b", "split"].value_counts().to_dict() == {"train": 68, "test": 20, "valid": 12}


def test_a_class_whose_pictures_all_belong_together_is_said_to_be_so() -> None:
    rows: list[Row] = [(digest(i), f"a/{i}", "a", "", "film") for i in range(9)]
    rows += [(digest(100 + i), f"b/{i}", "b", "", "") for i in range(9)]
    with pytest.raises(TooFewPictures, match=r"All 9 pictures of the class a \(such as a/0\) belong together"):
        check(manifest_of(rows), "refuse")


def test_pictures_linked_by_copies_and_groups_are_one_group() -> None:
    rows: list[Row] = [
        (digest(1), "1", "a", "", "g"),
        (digest(1), "2", "a", "", "h"),
        (digest(2), "3", "a", "", "h"),
        (digest(3), "4", "a", "", ""),
        (digest(3), "5", "a", "", "k"),
        (digest(4), "6", "a", "", ""),
    ]
    groups = picture_groups(manifest_of(rows).table)
    assert groups[0] == groups[1] == groups[2]
    assert groups[3] == groups[4]
    assert len(set(groups)) == 3


def test_one_class_is_refused() -> None:
    with pytest.raises(TooFewPictures, match=r"only one class \(a\)") as error:
        check(manifest_of(rows_of({"": {"a": 9}})), "refuse")
    assert error.value.hint
    with pytest.raises(TooFewPictures, match="only one class"):
        assign_splits(manifest_of(rows_of({"": {"a": 9}})), CONFIG)


def test_a_class_with_one_picture_is_refused_by_name_and_dropped_if_asked() -> None:
    rows = rows_of({"": {"a": 9, "b": 9, "lonely": 1}})
    # Two copies of one picture are no two pictures.
    rows += [(digest("same"), f"twins/{i}", "twins", "", "") for i in range(2)]
    with pytest.raises(TooFewPictures, match=re.escape("The class lonely has only one picture (/lonely/0)")) as error:
        check(manifest_of(rows), "refuse")
    assert "twins" in error.value.message
    assert "--drop-small-classes" in error.value.hint
    kept = check(manifest_of(rows), "refuse", drop_small_classes=True)
    assert kept.classes == ("a", "b")
    assert {(row.path, row.code) for row in kept.quarantined} == {
        ("/lonely/0", "small-class"),
        ("twins/0", "small-class"),
        ("twins/1", "small-class"),
    }
    assert any("lonely, twins" in note for note in kept.notes)


def test_a_class_that_lost_all_its_pictures_is_refused_by_name(tmp_path: Path) -> None:
    files = pictures_of({"a": 4, "b": 4})
    manifest = scan(write_tree(tmp_path, files | {"lions/1.jpg": b"broken", "lions/2.jpg": b"broken"}))
    assert manifest.classes == ("a", "b", "lions")
    with pytest.raises(TooFewPictures, match="The class lions has no picture that can be used"):
        check(manifest, "refuse")
    assert check(manifest, "refuse", drop_small_classes=True).classes == ("a", "b")
    # All pictures of the class c are pictures of a, too; repairing leaves nothing of c.
    rows = rows_of({"": {"a": 9, "b": 9}}) + [(digest(f"a{i}"), f"c/{i}", "c", "", "") for i in range(2)]
    with pytest.raises(TooFewPictures, match="The class c has no picture"):
        check(manifest_of(rows), "repair")


def test_dropping_small_classes_cannot_leave_one_class() -> None:
    with pytest.raises(TooFewPictures, match="only one class"):
        check(manifest_of(rows_of({"": {"a": 9, "b": 1}})), "refuse", drop_small_classes=True)


def test_test_pictures_of_a_class_that_training_lacks_are_refused_by_name() -> None:
    rows = rows_of({"train": {"a": 5, "b": 5}, "test": {"a": 2, "B": 2}})
    with pytest.raises(DataError, match=r"none to learn from: B \(for example test/B/0\)"):
        assign_splits(manifest_of(rows), CONFIG)


def test_held_out_pictures_alone_are_refused() -> None:
    with pytest.raises(DataError, match="no training pictures"):
        assign_splits(manifest_of(rows_of({"test": {"a": 5, "b": 5}})), CONFIG)


def test_groups_that_cannot_be_divided_are_refused() -> None:
    # The only group of c that could go takes the last picture of a with it.
    rows: list[Row] = [
        (digest(1), "1", "a", "", "g"),
        (digest(2), "2", "c", "", "g"),
        (digest(3), "3", "a", "", "h"),
        (digest(4), "4", "c", "", "h"),
        (digest(5), "5", "a", "", "h"),
        (digest(6), "6", "b", "", "h"),
        (digest(7), "7", "b", "", "g"),
    ]
    manifest = assign_splits(manifest_of(rows), CONFIG)
    assert find_leaks(manifest) == ()
    rows = [(digest(i), f"{i}", label, "", f"g{i // 2}") for i, label in enumerate("abbcca")]
    with pytest.raises(TooFewPictures, match="cannot be divided"):
        assign_splits(manifest_of(rows), CONFIG)


@settings(max_examples=100)
@given(labels=st.lists(st.integers(0, 3), min_size=1, max_size=80), share=st.floats(0.05, 0.95), seed=st.integers(0, 9))
def test_single_pictures_are_cut_to_the_rounded_share(labels: list[int], share: float, seed: int) -> None:
    numbers = np.array(labels, dtype=np.int64)
    ids = np.array([digest(i) for i in range(len(labels))], dtype=object)
    pictures = Cuttable(numbers, np.arange(len(labels)), ids)
    chosen, without = cut(pictures, share=share, seed=seed, every_class=False)
    assert len(without) == 0
    for label in set(labels):
        size = labels.count(label)
        assert chosen[numbers == label].sum() == min(int(size * share + 0.5), size - 1)
