"""Measures of refusing: equal to scikit-learn's and to what slow loops give."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from anmok.metrics.selection import coverage, separation_auc

#: Few values, so that ties are frequent.
scores = st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0, 3.0, float("inf")]), min_size=1, max_size=30)


@given(known=scores, others=scores)
def test_the_area_is_that_of_scikit_learn(known: list[float], others: list[float]) -> None:
    # scikit-learn takes no infinity; only the order counts.
    finite = [min(value, 10.0) for value in known + others]
    expected = roc_auc_score([0] * len(known) + [1] * len(others), finite)
    found = separation_auc(known, others)
    assert found.value == pytest.approx(expected, abs=1e-9)
    assert found.low <= found.value <= found.high


@pytest.mark.parametrize(("known", "others"), [([], [1.0]), ([1.0], []), ([], [])])
def test_an_area_of_nothing_is_refused(known: list[float], others: list[float]) -> None:
    with pytest.raises(ValueError, match="at least one"):
        separation_auc(known, others)


@given(values=scores, data=st.data())
def test_every_point_is_what_is_left_below_a_threshold(values: list[float], data: st.DataObject) -> None:
    strange = np.array(values)
    right = np.array(data.draw(st.lists(st.booleans(), min_size=len(values), max_size=len(values))), dtype=bool)
    found = coverage(strange, right)
    expected = [(int((strange <= t).sum()), int(right[strange <= t].sum())) for t in sorted(set(values), reverse=True)]
    assert list(zip(found.answered.tolist(), found.right.tolist(), strict=True)) == expected
    assert found.answered[0] == len(values)


def area_in_order(right: list[bool]) -> float:
    return float(np.mean([1 - np.mean(right[:n]) for n in range(1, len(right) + 1)]))


@given(right=st.lists(st.booleans(), min_size=1, max_size=30))
def test_the_area_is_the_mean_error_of_all_selections(right: list[bool]) -> None:
    found = coverage(np.arange(len(right)), np.array(right))
    assert found.area == pytest.approx(area_in_order(right), abs=1e-12)


@pytest.mark.parametrize("right", [[True, False, False, True], [True, True, False], [False, False, True, True]])
def test_pictures_of_equal_scores_stand_in_all_orders_alike(right: list[bool]) -> None:
    expected = np.mean([area_in_order(list(order)) for order in itertools.permutations(right)])
    assert coverage(np.zeros(len(right)), np.array(right)).area == pytest.approx(expected, abs=1e-12)


def test_scores_without_answers_are_refused() -> None:
    with pytest.raises(ValueError, match="as many"):
        coverage(np.zeros(3), np.zeros(2, dtype=bool))
    with pytest.raises(ValueError, match="at least one"):
        coverage(np.zeros(0), np.zeros(0, dtype=bool))
