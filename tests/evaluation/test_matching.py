"""Bringing the classes of a source and a model together."""

from __future__ import annotations

import pytest

from anmok.errors import DataError
from anmok.evaluation.matching import match_classes, name_some


def test_classes_are_matched_by_name_whatever_their_order() -> None:
    matched = match_classes(("b", "a", "c"), ["a", "c", "b", "a"])
    assert matched.y_true.tolist() == [1, 2, 0, 1]
    assert matched.known.all()
    assert matched.unknown == {}


def test_a_source_with_fewer_classes_than_the_model_is_fine() -> None:
    assert match_classes(("a", "b", "c"), ["c", "a"]).y_true.tolist() == [2, 0]


def test_pictures_of_a_class_that_the_model_does_not_know_are_refused_by_name_with_two_ways_out() -> None:
    with pytest.raises(DataError) as caught:
        match_classes(("cat", "dog"), ["cat", "cats", "cats", "horse"])
    assert "3 pictures" in caught.value.message
    assert "cats, horse" in caught.value.message
    assert "no picture: dog" in caught.value.message
    assert "--known-only" in caught.value.hint
    assert "name the folders" in caught.value.hint


def test_a_class_that_is_spelt_a_little_differently_is_pointed_at() -> None:
    with pytest.raises(DataError) as caught:
        match_classes(("Horses", "humans"), ["horse", "humans"])
    assert "'horse' -> 'Horses'" in caught.value.hint
    with pytest.raises(DataError) as caught:
        match_classes(("zebra", "humans"), ["horse", "humans"])
    assert "->" not in caught.value.hint


def test_with_known_only_such_pictures_are_counted_apart() -> None:
    matched = match_classes(("cat", "dog"), ["horse", "dog", "cow", "cat", "horse"], known_only=True)
    assert matched.known.tolist() == [False, True, False, True, False]
    assert matched.y_true.tolist() == [1, 0]
    assert matched.unknown == {"cow": 1, "horse": 2}


@pytest.mark.parametrize("known_only", [False, True])
def test_nothing_in_common_is_an_error_in_any_case(known_only: bool) -> None:
    with pytest.raises(DataError, match=r"no class in common. The model knows cat, dog; the source has 고양이"):
        match_classes(("cat", "dog"), ["고양이"], known_only=known_only)


def test_of_many_names_the_first_few_are_shown() -> None:
    assert name_some(["a", "b"]) == "a, b"
    assert name_some(list("abcdefgh")) == "a, b, c, d, e and 3 more"
