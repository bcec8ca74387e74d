"""Samples: the size that was asked for, every class in it, and the same pictures whatever the order."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from anmok.explore.choice import LEAST, choose_rows, choose_samples, quotas_of
from explore.tables import classes, dice, manifest


@given(st.lists(st.integers(0, 400), min_size=1, max_size=30), st.integers(1, 3000))
def test_quotas_fill_the_places_and_ask_for_no_picture_that_is_not_there(counts: list[int], most: int) -> None:
    given_ = np.array(counts, dtype=np.int64)
    quotas = quotas_of(given_, most)
    assert (quotas <= given_).all()
    assert (quotas >= 0).all()
    assert quotas.sum() == min(most, given_.sum())
    if most >= LEAST * len(counts):
        assert (quotas >= np.minimum(given_, LEAST)).all()


def test_classes_are_drawn_by_their_size() -> None:
    given_ = manifest(["large"] * 900 + ["small"] * 100)
    rows = choose_rows(given_, most=100, seed=0)
    assert len(rows) == 100
    assert 8 <= (given_.table["label"].to_numpy()[rows] == "small").sum() <= 13
    assert (np.diff(rows) > 0).all()


def test_the_same_pictures_are_drawn_whatever_the_order_and_others_by_another_seed() -> None:
    given_ = manifest(classes(5, 60))
    shuffled = given_.with_table(given_.table.iloc[dice(1).permutation(300)])

    def paths(one: object, seed: int) -> set[str]:
        assert one in (given_, shuffled)
        chosen = given_ if one is given_ else shuffled
        return set(chosen.table["path"].to_numpy()[choose_rows(chosen, most=40, seed=seed)])

    assert paths(given_, 0) == paths(shuffled, 0)
    assert paths(given_, 0) != paths(given_, 1)
    assert choose_samples(given_, each=4, seed=0) == choose_samples(shuffled, each=4, seed=0)


def test_copies_of_one_file_are_told_apart() -> None:
    given_ = manifest(["a"] * 50, {"id": ["0" * 64] * 50})
    assert len(choose_rows(given_, most=10, seed=0)) == 10
    assert len(set(choose_samples(given_, each=6, seed=0)["a"])) == 6
