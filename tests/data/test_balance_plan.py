"""A balanced folder is planned whole: each file has a safe place of its own, and the variants are spread evenly."""

from __future__ import annotations

import os
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anmok.config import BalanceRule
from anmok.data.balance_plan import Plan, copies_wanted, plan_folder, safe_name, variants_wanted
from anmok.data.manifest import Manifest
from anmok.errors import DataError
from tests.data.made import Row, digest, manifest_of

ODD = ("..", ".", "", ".hidden", 'a:b?"', "Cat", "cat", "a", "a/b", "CON. ", "길" * 120, "café", "thumbs.db", "x/../y")


def rows(counts: dict[str, int], split: str = "train", name: str = "{i}.jpg") -> list[Row]:
    return [
        (digest(f"{split}{label}{i}"), f"{label}/" + name.format(i=i), label, split, "")
        for label, n in counts.items()
        for i in range(n)
    ]


def plan_of(manifest: Manifest, rule: BalanceRule) -> Plan:
    return plan_folder(manifest, variants_wanted(manifest, rule, seed=0))


def test_copies_are_wanted_of_each_training_picture_and_of_equal_files_once() -> None:
    made = rows({"a": 3, "b": 2}) + rows({"a": 2}, "test") + [(digest("traina1"), "a/0copy.jpg", "a", "train", "")]
    wanted = copies_wanted(manifest_of(made), 2)
    assert set(wanted.values()) == {2}
    assert sorted(made[row][1] for row in wanted) == ["a/0.jpg", "a/0copy.jpg", "a/2.jpg", "b/0.jpg", "b/1.jpg"]
    assert all(made[row][3] == "train" for row in wanted)
    with pytest.raises(DataError, match="stand in no split"):
        copies_wanted(manifest_of(rows({"a": 3}, "")), 1)


def test_missing_pictures_are_spread_evenly_and_copies_count_once() -> None:
    made = [*rows({"a": 10, "b": 3}), (digest("trainb0"), "b/copy.jpg", "b", "train", "")]
    wanted = variants_wanted(manifest_of(made), BalanceRule(to="max"), seed=0)
    assert sorted(wanted.values()) == [2, 2, 2]
    assert all(made[row][2] == "b" for row in wanted)
    eight = variants_wanted(manifest_of(made), BalanceRule(to=12), seed=0)
    assert Counter(made[row][2] for row in eight for _ in range(eight[row])) == {"a": 2, "b": 8}
    assert sorted(eight[row] for row in eight if made[row][2] == "b") == [2, 3, 3]


def test_the_order_of_rows_does_not_change_who_is_drawn() -> None:
    made = rows({"a": 9, "b": 5})
    counts = []
    for some in (made, made[::-1]):
        wanted = variants_wanted(manifest_of(some), BalanceRule(to="max"), seed=1)
        counts.append({some[row][0]: count for row, count in wanted.items()})
    assert counts[0] == counts[1]


def test_only_training_pictures_get_variants_and_only_named_classes() -> None:
    made = rows({"a": 6, "b": 2, "c": 1}) + rows({"a": 2, "b": 9}, "test")
    plan = plan_of(manifest_of(made), BalanceRule(classes=("b",), to="max"))
    assert len(plan.copies) == len(made)
    assert {made[variant.row][2:4] for variant in plan.variants} == {("b", "train")}
    assert len(plan.variants) == 4
    with pytest.raises(DataError, match="stand in no split"):
        plan_of(manifest_of(rows({"a": 3}, "")), BalanceRule(to=4))


def test_names_stay_as_they_are_where_they_can() -> None:
    plan = plan_of(manifest_of(rows({"천지연 폭포": 2, "b/c": 1})), BalanceRule(to=2))
    assert [copy.path for copy in plan.copies] == [
        "train/천지연 폭포/0.jpg",
        "train/천지연 폭포/1.jpg",
        "train/b/c/0.jpg",
    ]
    # The made manifest says no format, which is then taken for one with loss.
    assert [variant.path for variant in plan.variants] == ["train/b/c/0~aug1.jpg"]


def test_odd_names_of_classes_and_files_get_places_of_their_own_inside_the_folder() -> None:
    made = rows(dict.fromkeys(ODD, 2)) + rows(dict.fromkeys(ODD, 1), "test")
    made += [(digest(f"x{i}"), path, "a", "train", "") for i, path in enumerate(("p/b", "q/0.jpg", "q/0~aug1.jpg"))]
    made += [(digest(f"y{i}"), f"{folder}/B", "a", "train", "") for i, folder in enumerate("rs")]
    plan = plan_of(manifest_of(made), BalanceRule(to=8))
    paths = [copy.path for copy in plan.copies] + [variant.path for variant in plan.variants]
    assert len({path.casefold() for path in paths}) == len(paths)
    folders = {path.rpartition("/")[0].casefold() for path in paths}
    parents = {"/".join(folder.split("/")[:depth]) for folder in folders for depth in range(1, 9)}
    assert not parents & {path.casefold() for path in paths}
    for path in paths:
        assert all(part not in ("", ".", "..") and not part.startswith(".") for part in path.split("/"))
        assert max(len(os.fsencode(part)) for part in path.split("/")) <= 255
    by_folder: dict[str, set[str]] = {}
    for copy in plan.copies:
        by_folder.setdefault(copy.path.rpartition("/")[0], set()).add(made[copy.row][2])
    assert all(len(labels) == 1 for labels in by_folder.values())


@given(st.text(st.characters(blacklist_characters="/"), max_size=80))
def test_a_safe_name_is_one_and_stays_so(part: str) -> None:
    name = safe_name(part)
    assert name
    assert name not in (".", "..")
    assert not set(name) & set('<>:"|?*\\/\0')
    assert len(name.encode()) <= 220
    assert safe_name(name) == name
