"""No picture stands in two splits or under two labels without being found, named, and taken out if asked."""

import itertools
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anmok.config import SplitConfig
from anmok.data.cut import NEAR
from anmok.data.manifest import Manifest
from anmok.data.scan import scan
from anmok.data.split import Conflict, Leak, assign_splits, check, find_conflicts, find_leaks, repair
from anmok.errors import LabelConflict, SplitLeak
from tests.data.made import Row, digest, manifest_of, picture, pictures_of, synthetic, write_tree

RANK = {"": -1, "train": 0, "valid": 1, "test": 2}


def leaking() -> Manifest:
    """One picture in all splits, one in train and valid, one group across train and test, and copies inside train."""
    rows: list[Row] = [
        (digest("all"), "train/a/1", "a", "train", ""),
        (digest("all"), "valid/a/1", "a", "valid", ""),
        (digest("all"), "test/a/1", "a", "test", ""),
        (digest("two"), "train/a/2", "a", "train", ""),
        (digest("two"), "valid/a/2", "a", "valid", ""),
        (digest("g1"), "train/b/3", "b", "train", "burst"),
        (digest("g2"), "test/b/4", "b", "test", "burst"),
        (digest("copy"), "train/b/5", "b", "train", ""),
        (digest("copy"), "train/b/6", "b", "train", ""),
        (digest("b7"), "train/b/7", "b", "train", ""),
        (digest("a8"), "train/a/8", "a", "train", ""),
    ]
    return manifest_of(rows)


def test_leaks_name_the_strictest_place_where_the_picture_stands_too() -> None:
    assert find_leaks(leaking()) == (
        Leak("train/a/1", "train", "test/a/1", "test", True),
        Leak("train/a/2", "train", "valid/a/2", "valid", True),
        Leak("train/b/3", "train", "test/b/4", "test", False),
        Leak("valid/a/1", "valid", "test/a/1", "test", True),
    )


def test_repair_takes_out_what_leaks_and_keeps_copies_inside_a_split() -> None:
    repaired = repair(leaking())
    assert {(row.path, row.code) for row in repaired.quarantined} == {
        ("train/a/1", "duplicate-of-test"),
        ("valid/a/1", "duplicate-of-test"),
        ("train/b/3", "duplicate-of-test"),
        ("train/a/2", "duplicate-of-valid"),
    }
    assert set(repaired.table["path"]) >= {"train/b/5", "train/b/6", "test/a/1", "valid/a/2"}
    assert find_leaks(repaired) == ()
    assert "train/a/1 (train) is the same picture as test/a/1 (test)." in [row.reason for row in repaired.quarantined]
    assert len(repaired.notes) == 2


def test_refusing_names_pairs_of_files_and_the_ways_out() -> None:
    with pytest.raises(SplitLeak, match="4 pictures to learn from") as error:
        check(leaking(), "refuse")
    assert "train/a/1 = test/a/1" in str(error.value)
    assert str(error.value).count(" = ") == 3
    assert "… and 1 more." in str(error.value)
    assert "--repair" in error.value.hint
    assert "--allow-leaks" in error.value.hint
    assert error.value.exit_code == 1


def test_allowing_keeps_everything_and_tells_so() -> None:
    allowed = check(leaking(), "allow")
    assert allowed.table.equals(leaking().table)
    assert any("4 pictures" in note and "better than they are" in note for note in allowed.notes)


def conflicting() -> Manifest:
    rows: list[Row] = [
        (digest("x"), "cats/1", "cats", "", ""),
        (digest("x"), "dogs/1", "dogs", "", ""),
        (digest("x"), "cats/9", "cats", "", ""),
    ]
    rows += [(digest(f"{label}{i}"), f"{label}/{i}", label, "", "") for label in ("cats", "dogs") for i in range(2, 5)]
    return manifest_of(rows)


def test_a_picture_under_two_labels_is_found_with_all_its_copies() -> None:
    assert find_conflicts(conflicting()) == (Conflict(("cats/1", "cats/9", "dogs/1"), ("cats", "cats", "dogs")),)
    with pytest.raises(LabelConflict, match="under several labels") as error:
        check(conflicting(), "refuse")
    assert "cats/1 = dogs/1" in str(error.value)
    assert "--repair" in error.value.hint


def test_repair_takes_out_all_copies_of_a_conflicting_picture() -> None:
    repaired = check(conflicting(), "repair")
    assert {row.path for row in repaired.quarantined} == {"cats/1", "cats/9", "dogs/1"}
    assert {row.code for row in repaired.quarantined} == {"label-conflict"}
    assert len(repaired) == 6
    assert "cats, dogs" in repaired.quarantined[0].reason


def test_a_sound_manifest_passes_every_policy_unchanged() -> None:
    manifest = assign_splits(synthetic(200, copies=0.2), SplitConfig())
    for policy in ("refuse", "repair", "allow"):
        passed = check(manifest, policy)
        assert passed.table.equals(manifest.table)
        assert (passed.quarantined, passed.notes) == (manifest.quarantined, manifest.notes)


small_rows = st.lists(
    st.tuples(
        st.sampled_from([digest(i) for i in range(6)]),
        st.just(""),
        st.sampled_from("ab"),
        st.sampled_from(list(RANK)),
        st.sampled_from(["", "", "g", "h"]),
    ),
    min_size=1,
    max_size=14,
).map(lambda rows: [(row[0], f"{number:02d}", *row[2:]) for number, row in enumerate(rows)])


def leaks_by_hand(rows: list[Row]) -> set[str]:
    """Join what shares an id or a group until nothing changes; then compare the splits of what is joined."""
    joined = [{row} for row in rows]
    for one, other in itertools.combinations(rows, 2):
        if one[0] == other[0] or one[4] == other[4] != "":
            parts = [part for part in joined if one in part or other in part]
            joined = [part for part in joined if part not in parts] + [set().union(*parts)]
    return {
        row[1]
        for part in joined
        for row in part
        if 0 <= RANK[row[3]] < max((RANK[other[3]] for other in part), default=-1)
    }


@settings(max_examples=120)
@given(small_rows)
def test_leaks_and_conflicts_are_those_that_comparing_all_pairs_finds(rows: list[Row]) -> None:
    manifest = manifest_of(rows)
    assert {leak.path for leak in find_leaks(manifest)} == leaks_by_hand(rows)
    torn = {one[0] for one, other in itertools.permutations(rows, 2) if one[0] == other[0] and one[2] != other[2]}
    conflicts = find_conflicts(manifest)
    assert {path for conflict in conflicts for path in conflict.paths} == {row[1] for row in rows if row[0] in torn}


@settings(max_examples=120)
@given(small_rows)
def test_repair_leaves_nothing_wrong_loses_nothing_and_spares_the_test(rows: list[Row]) -> None:
    manifest = manifest_of(rows)
    repaired = repair(manifest)
    assert find_leaks(repaired) == ()
    assert find_conflicts(repaired) == ()
    gone = [row.path for row in repaired.quarantined]
    assert sorted([*repaired.table["path"], *gone]) == sorted(manifest.table["path"])
    conflicts = {path for conflict in find_conflicts(manifest) for path in conflict.paths}
    assert not {row[1] for row in rows if row[3] == "test"} & (set(gone) - conflicts)
    # Nothing is taken out without need.
    assert set(gone) - conflicts == leaks_by_hand([row for row in rows if row[1] not in conflicts])


def test_a_link_through_a_copy_that_leaves_is_a_leak_all_the_same() -> None:
    rows: list[Row] = [
        (digest("x"), "test/x", "a", "test", ""),
        (digest("x"), "valid/x", "a", "valid", "burst"),
        (digest("y"), "train/y", "a", "train", "burst"),
    ]
    assert [row.path for row in repair(manifest_of(rows)).quarantined] == ["train/y", "valid/x"]
    assert find_leaks(manifest_of(rows))[0] == Leak("train/y", "train", "test/x", "test", False)


def test_it_holds_for_pictures_on_the_disk(tmp_path: Path) -> None:
    files = pictures_of({"train/a": 3, "train/b": 3, "test/a": 2, "test/b": 2})
    write_tree(tmp_path, files | {"train/b/copy.png": files["test/b/001.png"]})
    manifest = scan(tmp_path)
    with pytest.raises(SplitLeak, match=r"train/b/copy\.png = test/b/001\.png"):
        check(manifest, "refuse")
    assert [row.path for row in check(manifest, "repair").quarantined] == ["train/b/copy.png"]
    write_tree(tmp_path, {"train/a/other.png": files["train/b/000.png"], "train/a/new.png": picture(99)})
    with pytest.raises(LabelConflict, match=r"train/a/other\.png = train/b/000\.png"):
        check(scan(tmp_path), "refuse")


def test_near_copies_are_told_apart_from_copies_and_from_groups_of_the_source() -> None:
    rows: list[Row] = [
        (digest("n1"), "train/a/1", "a", "train", NEAR + "0123"),
        (digest("n2"), "test/a/2", "a", "test", NEAR + "0123"),
        (digest("same"), "train/a/3", "a", "train", NEAR + "4567"),
        (digest("same"), "test/a/4", "a", "test", NEAR + "4567"),
        (digest("g1"), "train/b/5", "b", "train", "burst"),
        (digest("g2"), "test/b/6", "b", "test", "burst"),
    ]
    kinds = {leak.path: leak.kind for leak in find_leaks(manifest_of(rows))}
    assert kinds == {"train/a/1": "nearly", "train/a/3": "same", "train/b/5": "group"}
    reasons = {row.path: row.reason for row in repair(manifest_of(rows)).quarantined}
    assert reasons["train/a/1"] == "train/a/1 (train) is nearly the same picture as test/a/2 (test)."
    assert "same group" in reasons["train/b/5"]
    with pytest.raises(SplitLeak) as error:
        check(manifest_of(rows), "refuse")
    # What is beyond doubt comes first.
    assert str(error.value).index("train/a/3 = test/a/4") < str(error.value).index("train/a/1 ≈ test/a/2")
    assert "1 of them is nearly the same picture" in str(error.value)
