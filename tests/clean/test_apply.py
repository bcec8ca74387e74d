"""What was accepted is done, and nothing else: removed, relabelled, grouped; contradictions end safely."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anmok.clean.apply import Applied, apply_decisions
from anmok.clean.decisions import Accept, AcceptRule, Decision, accept, carry_over, parse_rule
from anmok.config import SplitConfig
from anmok.data.cut import picture_groups
from anmok.data.manifest import Manifest
from anmok.data.split import assign_splits
from anmok.errors import EmptySource, UnknownName, UsageError
from anmok.records import Action, Finding
from tests.clean.made_checks import only_made_checks
from tests.data.made import manifest_of


@pytest.fixture(autouse=True)
def made_checks() -> Iterator[None]:
    with only_made_checks():
        yield


def pictures(*rows: tuple[str, str] | tuple[str, str, str]) -> Manifest:
    """A manifest of (id, path) or (id, path, group); the label is the path's first part."""
    return manifest_of([(row[0], row[1], row[1].split("/")[0], "", row[2] if len(row) > 2 else "") for row in rows])


PETS = pictures(("1", "cat/a"), ("2", "cat/b"), ("3", "dog/c"), ("4", "dog/d"), ("5", "dog/e"))


def row(path: str, check: str, action: Action, *, answer: Accept = "yes", score: float = 0.1, **more: Any) -> Decision:
    return Decision(
        finding=Finding(path, check, score, True, more.pop("other", ""), "Because.", action, **more), accept=answer
    )


def apply(manifest: Manifest, *decisions: Decision) -> Applied:
    return apply_decisions(manifest, decisions)


def labels_of(applied: Applied) -> dict[str, str]:
    table = applied.manifest.table
    return dict(zip(table["path"], table["label"], strict=True))


def groups_of(applied: Applied) -> dict[str, str]:
    table = applied.manifest.table
    return dict(zip(table["path"], table["group"], strict=True))


def test_a_removed_picture_goes_to_quarantine_with_its_reason() -> None:
    applied = apply(PETS, row("cat/b", "dark", "remove"))
    assert list(labels_of(applied)) == ["cat/a", "dog/c", "dog/d", "dog/e"]
    (left,) = applied.manifest.quarantined
    assert (left.path, left.code, left.reason) == ("cat/b", "removed-dark", "cat/b: Because.")
    assert applied.removed == {"dark": 1}
    assert applied.manifest.content_hash != PETS.content_hash


def test_what_is_refused_or_not_decided_changes_nothing_but_the_flags() -> None:
    applied = apply(PETS, row("cat/a", "dark", "remove", answer=""), row("cat/b", "dark", "remove", answer="no"))
    assert applied.manifest.content_hash == PETS.content_hash
    assert applied.manifest.table["flags"].tolist() == ["dark", "dark", "", "", ""]


def test_the_old_manifest_is_as_it_was_so_that_it_undoes_everything() -> None:
    before = PETS.table.copy()
    apply(PETS, row("cat/a", "label-error", "relabel", suggested="dog"), row("dog/c", "dark", "remove"))
    assert PETS.table.equals(before)


def test_a_relabelled_picture_has_the_new_label_and_the_manifest_says_so() -> None:
    applied = apply(PETS, row("cat/a", "label-error", "relabel", suggested="dog"))
    assert labels_of(applied)["cat/a"] == "dog"
    assert applied.relabelled == 1
    assert any("label" in note for note in applied.manifest.notes)


def test_a_class_in_another_unicode_form_is_the_same_class() -> None:
    manifest = pictures(("1", "개/a"), ("2", "고양이/b"), ("3", "고양이/c"))
    typed = unicodedata.normalize("NFD", "개")
    assert labels_of(apply(manifest, row("고양이/c", "label-error", "relabel", suggested=typed)))["고양이/c"] == "개"


def test_a_path_in_another_unicode_form_is_the_same_picture() -> None:
    manifest = pictures(("1", unicodedata.normalize("NFD", "개/하나")), ("2", "고양이/b"))
    applied = apply(manifest, row(unicodedata.normalize("NFC", "개/하나"), "dark", "remove"))
    assert list(labels_of(applied)) == ["고양이/b"]


def test_grouped_pictures_share_a_group_also_with_those_they_were_grouped_with_before() -> None:
    manifest = pictures(
        ("1", "cat/a", "one"), ("2", "cat/b", "one"), ("3", "dog/c"), ("4", "dog/d", "two"), ("5", "dog/e")
    )
    applied = apply(
        manifest,
        row("dog/c", "near-duplicate", "group", other="cat/b"),
        row("dog/d", "near-duplicate", "group", other="dog/c"),
    )
    assert groups_of(applied) == {"cat/a": "one", "cat/b": "one", "dog/c": "one", "dog/d": "one", "dog/e": ""}


def test_pictures_may_be_grouped_by_a_name_alone() -> None:
    applied = apply(PETS, *(row(path, "near-duplicate", "group", suggested="burst") for path in ("cat/a", "dog/e")))
    assert groups_of(applied) == {"cat/a": "burst", "cat/b": "", "dog/c": "", "dog/d": "", "dog/e": "burst"}


def test_grouped_pictures_are_not_parted_by_a_split() -> None:
    manifest = pictures(*((str(i), f"cat/{i}") for i in range(40)), *((str(100 + i), f"dog/{i}") for i in range(40)))
    chain = [row(f"cat/{i}", "near-duplicate", "group", other=f"cat/{i + 1}") for i in range(0, 30, 2)]
    split = assign_splits(apply(manifest, *chain).manifest, SplitConfig()).table.set_index("path")["split"]
    assert all(split[f"cat/{i}"] == split[f"cat/{i + 1}"] for i in range(0, 30, 2))


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=12),
    st.lists(st.sampled_from("xyz") | st.just(""), min_size=12, max_size=12),
)
def test_groups_are_the_parts_that_the_accepted_pairs_connect(pairs: list[tuple[int, int]], had: list[str]) -> None:
    manifest = pictures(*((str(i), f"cat/{i}", name) for i, name in enumerate(had)))
    chosen = [row(f"cat/{a}", "near-duplicate", "group", other=f"cat/{b}") for a, b in pairs]
    groups = picture_groups(apply(manifest, *chosen).manifest.table).tolist()
    part = list(range(12))
    links = pairs + [(i, j) for i in range(12) for j in range(12) if had[i] and had[i] == had[j]]
    for a, b in links:
        part = [part[a] if number == part[b] else number for number in part]
    assert [[groups[i] == groups[j] for j in range(12)] for i in range(12)] == [
        [part[i] == part[j] for j in range(12)] for i in range(12)
    ]


def test_a_picture_to_be_removed_is_not_relabelled_too() -> None:
    applied = apply(PETS, row("cat/a", "label-error", "relabel", suggested="dog"), row("cat/a", "dark", "remove"))
    assert "cat/a" not in labels_of(applied)
    assert applied.relabelled == 0


def test_a_picture_that_is_to_have_two_classes_keeps_its_own_and_is_named() -> None:
    manifest = pictures(("1", "cat/a"), ("2", "dog/b"), ("3", "owl/c"))
    applied = apply(
        manifest,
        row("cat/a", "label-error", "relabel", suggested="dog"),
        row("cat/a", "label-conflict-by-hand", "relabel", suggested="owl"),
    )
    assert labels_of(applied)["cat/a"] == "cat"
    assert any("cat/a" in warning for warning in applied.warnings)


COPIES = pictures(("1", "cat/a"), ("1", "cat/b"), ("1", "cat/c"), ("2", "dog/d"))


def test_all_copies_but_one_can_be_removed() -> None:
    applied = apply(COPIES, *(row(path, "exact-duplicate", "remove", other="cat/a") for path in ("cat/b", "cat/c")))
    assert list(labels_of(applied)) == ["cat/a", "dog/d"]
    assert not applied.warnings


def test_the_last_copy_of_a_picture_stays_and_is_named() -> None:
    ring = [("cat/a", "cat/b"), ("cat/b", "cat/c"), ("cat/c", "cat/a")]
    applied = apply(COPIES, *(row(path, "exact-duplicate", "remove", other=other) for path, other in ring))
    assert list(labels_of(applied)) == ["cat/a", "dog/d"]
    assert applied.kept == ("cat/a",)
    assert any("cat/a" in warning for warning in applied.warnings)


def test_a_near_copy_stays_where_the_other_one_is_removed_for_another_reason() -> None:
    manifest = pictures(("1", "cat/a"), ("2", "cat/b"), ("3", "dog/c"))
    applied = apply(manifest, row("cat/a", "near-duplicate", "remove", other="cat/b"), row("cat/b", "dark", "remove"))
    assert list(labels_of(applied)) == ["cat/a", "dog/c"]
    assert applied.kept == ("cat/a",)


def test_copies_that_are_each_wrong_for_another_reason_all_go() -> None:
    both = [row(path, "dark", "remove") for path in ("cat/a", "cat/b", "cat/c")]
    copies = [
        row("cat/b", "exact-duplicate", "remove", other="cat/a"),
        row("cat/a", "exact-duplicate", "remove", other="cat/b"),
    ]
    applied = apply(COPIES, *both, *copies)
    assert list(labels_of(applied)) == ["dog/d"]
    assert applied.kept == ()


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=14),
    st.lists(st.integers(0, 3), min_size=8, max_size=8),
)
def test_whatever_copies_are_accepted_a_picture_of_each_stays(pairs: list[tuple[int, int]], ids: list[int]) -> None:
    manifest = pictures(*((str(digest), f"cat/{i}") for i, digest in enumerate(ids)))
    # A row may call nothing but a copy a copy: the other one has the same bytes.
    same = [(a, b) for a, b in pairs if ids[a] == ids[b] and a != b]
    applied = apply(manifest, *(row(f"cat/{a}", "exact-duplicate", "remove", other=f"cat/{b}") for a, b in same))
    assert set(applied.manifest.table["id"]) == set(manifest.table["id"])


def test_a_relabelled_copy_whose_other_copy_keeps_its_label_is_warned_of() -> None:
    applied = apply(COPIES, row("cat/a", "label-error", "relabel", suggested="dog"))
    assert any("several labels" in warning for warning in applied.warnings)


def test_an_accepted_look_does_nothing_and_says_so() -> None:
    applied = apply(PETS, row("cat/a", "dark", "review"))
    assert applied.manifest.content_hash == PETS.content_hash
    assert any("review" in warning for warning in applied.warnings)


def test_a_class_that_is_left_without_pictures_is_named() -> None:
    applied = apply(PETS, row("cat/a", "dark", "remove"), row("cat/b", "dark", "remove"))
    assert any("cat" in warning for warning in applied.warnings)


def test_removing_everything_is_refused() -> None:
    with pytest.raises(EmptySource):
        apply(PETS, *(row(path, "dark", "remove") for path in PETS.table["path"]))


def test_applying_the_same_again_changes_nothing_more() -> None:
    chosen = [
        row("cat/b", "dark", "remove"),
        row("dog/c", "label-error", "relabel", suggested="cat"),
        row("dog/d", "near-duplicate", "group", other="dog/e"),
    ]
    once = apply(PETS, *chosen).manifest
    assert apply_decisions(once, chosen).manifest.content_hash == once.content_hash


def test_a_path_listed_under_two_labels_loses_only_the_row_with_the_label_of_the_finding() -> None:
    manifest = manifest_of(
        [("1", "x.png", "cat", "", ""), ("1", "x.png", "dog", "", ""), ("2", "y.png", "dog", "", "")]
    )
    applied = apply(manifest, row("x.png", "dark", "remove", label="dog"))
    assert applied.manifest.table[["path", "label"]].to_numpy().tolist() == [["x.png", "cat"], ["y.png", "dog"]]


@pytest.mark.parametrize(
    ("decision", "column", "wanted"),
    [
        (row("cat/z", "dark", "remove"), "path", "cat/z"),
        (row("cat/a", "label-error", "relabel", suggested="dgo"), "suggested", "dog"),
        (row("cat/a", "near-duplicate", "group", other="cat/z"), "other", "cat/z"),
        (row("cat/a", "near-duplicate", "group"), "other", "the other picture"),
    ],
)
def test_what_the_manifest_does_not_have_is_refused_by_line(decision: Decision, column: str, wanted: str) -> None:
    with pytest.raises(UsageError) as caught:
        apply_decisions(PETS, [replace(decision, line=7)], file=Path("my/findings.csv"))
    assert "findings.csv, line 7" in caught.value.message
    assert f"column {column}" in caught.value.message
    assert wanted in str(caught.value)


def test_a_row_about_an_unknown_picture_does_no_harm_while_it_is_not_accepted() -> None:
    assert len(apply(PETS, row("cat/z", "dark", "remove", answer="")).manifest) == len(PETS)


def test_rules_accept_from_a_certainty_on_and_a_no_stays_a_no() -> None:
    rows = [
        row("cat/a", "dark", "remove", answer="", score=0.1),
        row("cat/b", "dark", "remove", answer="", score=0.11),
        row("dog/c", "dark", "remove", answer="no", score=0.0),
        row("dog/d", "label-error", "relabel", answer="", score=0.0),
    ]
    assert [done.accept for done in accept(rows, [AcceptRule("dark", 0.9)])] == ["yes", "", "no", ""]


def test_a_rule_may_say_what_is_to_be_done() -> None:
    rows = [row("cat/a", "dark", "review", answer="", score=score) for score in (0.05, 0.3)]
    done = accept(rows, [parse_rule("dark:0.9=remove"), parse_rule("dark")])
    assert [(r.accept, r.finding.action) for r in done] == [("yes", "remove"), ("yes", "review")]
    with pytest.raises(UsageError, match="remove, relabel, group"):
        parse_rule("dark=delete")


def test_of_two_rules_for_a_check_the_milder_one_counts() -> None:
    rows = [row("cat/a", "dark", "remove", answer="", score=0.5)]
    assert accept(rows, [AcceptRule("dark", 0.9), AcceptRule("dark", 0.4)])[0].accept == "yes"


@pytest.mark.parametrize("text", ["dark:1.5", "dark:-0.1", "dark:sure", "dark:nan", "dark:"])
def test_a_certainty_beyond_0_and_1_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="between 0 and 1"):
        parse_rule(text)


def test_a_rule_for_an_unknown_check_names_a_similar_one() -> None:
    with pytest.raises(UnknownName) as caught:
        parse_rule("darkk:0.5")
    assert "dark" in caught.value.hint


def test_of_a_path_under_two_labels_each_row_keeps_its_own_decision() -> None:
    old = [
        row("x.png", "dark", "remove", answer=answer, label=label) for answer, label in (("no", "cat"), ("yes", "dog"))
    ]
    again = carry_over(old, [old[1].finding, old[0].finding], ran={"dark"})
    assert [(row.finding.label, row.accept) for row in again] == [("dog", "yes"), ("cat", "no")]


def test_what_was_decided_is_kept_when_the_checks_run_again() -> None:
    old = [
        row("cat/a", "dark", "remove", answer="yes"),
        row("cat/b", "dark", "remove", answer="no"),
        row("dog/c", "dark", "remove", answer=""),
        row("dog/d", "label-error", "relabel", answer="", suggested="cat"),
    ]
    fresh = [replace(old[0].finding, action="review"), Finding("dog/e", "dark", 0.2, True, "", "New.")]
    rows = carry_over(old, fresh, ran={"dark"})
    assert [(r.finding.path, r.accept, r.finding.action, r.found) for r in rows] == [
        ("cat/a", "yes", "remove", True),
        ("dog/e", "", "review", True),
        ("cat/b", "no", "remove", False),  # this run did not find it, but somebody decided
        ("dog/d", "", "relabel", False),  # its check did not run
    ]
