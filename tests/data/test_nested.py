"""Nested subsets of pictures."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anmok.data.cut import Cuttable
from anmok.data.nested import nested_subsets

SHARES = (0.1, 0.25, 0.5, 1.0)


def pictures(labels: list[int], groups: list[int] | None = None) -> Cuttable:
    numbers = np.unique(groups if groups is not None else np.arange(len(labels)), return_inverse=True)[1]
    ids = np.array([f"{number:064x}" for number in range(len(labels))], dtype=object)
    return Cuttable(np.array(labels, dtype=np.int64), numbers.astype(np.int64), ids)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 30)), min_size=4, max_size=120), st.integers(0, 99))
def test_each_subset_holds_the_one_before_in_whole_groups_with_every_class(
    rows: list[tuple[int, int]], seed: int
) -> None:
    labels = np.unique([label for label, _group in rows], return_inverse=True)[1]
    chosen = pictures(labels.tolist(), [group for _label, group in rows])
    subsets = nested_subsets(chosen, SHARES, seed=seed)
    for smaller, larger in itertools.pairwise(subsets):
        assert set(smaller) <= set(larger)
    for subset in subsets:
        inside = set(chosen.groups[subset])
        assert set(np.flatnonzero(np.isin(chosen.groups, list(inside)))) == set(subset)
        assert set(labels[subset]) == set(labels)
    assert subsets[-1].tolist() == list(range(len(rows)))


def test_every_class_gives_its_share() -> None:
    labels = [0] * 200 + [1] * 40 + [2] * 8
    for subset, share in zip(nested_subsets(pictures(labels), SHARES, seed=1), SHARES, strict=True):
        counts = np.bincount(np.array(labels)[subset])
        assert counts.tolist() == [max(1, int(n * share + 0.5)) for n in (200, 40, 8)]


def test_the_seed_alone_decides_and_not_the_order_of_the_rows() -> None:
    chosen = pictures([0, 1] * 50)
    order = np.random.default_rng(0).permutation(100)
    again = Cuttable(chosen.labels[order], chosen.groups[order], chosen.ids[order])
    first = nested_subsets(chosen, SHARES, seed=5)
    second = nested_subsets(again, SHARES, seed=5)
    for one, other in zip(first, second, strict=True):
        assert set(chosen.ids[one]) == set(again.ids[other])
    assert nested_subsets(chosen, SHARES, seed=6)[0].tolist() != first[0].tolist()


@pytest.mark.parametrize("shares", [(0.5, 0.2), (0.0, 1.0), (0.5, 1.5)])
def test_shares_that_do_not_rise_inside_0_to_1_are_refused(shares: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="rising"):
        nested_subsets(pictures([0, 1]), shares, seed=0)
