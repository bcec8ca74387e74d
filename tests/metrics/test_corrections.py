"""Several tests at once, corrected after Holm."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anmok import metrics

p_values = st.lists(st.floats(0, 1), min_size=1, max_size=12)


def holm_by_hand(p: list[float], alpha: float) -> list[bool]:
    """Holm's own words: test the smallest at alpha / K, the next at alpha / (K - 1), ... and stop at the first miss."""
    rejected = [False] * len(p)
    for step, number in enumerate(sorted(range(len(p)), key=lambda i: p[i])):
        if p[number] > alpha / (len(p) - step):
            break
        rejected[number] = True
    return rejected


@given(p_values, st.floats(0.001, 0.999))
def test_what_is_rejected_is_what_holms_procedure_rejects(p: list[float], alpha: float) -> None:
    corrected = metrics.holm(p)
    for value, is_rejected in zip(corrected, holm_by_hand(p, alpha), strict=True):
        if abs(value - alpha) > 1e-12:
            assert (value <= alpha) == is_rejected


@given(p_values)
def test_no_value_falls_nor_rises_above_what_bonferroni_makes_of_it(p: list[float]) -> None:
    corrected = metrics.holm(p)
    assert np.all(corrected >= np.array(p))
    assert np.all(corrected <= np.minimum(1, len(p) * np.array(p)) + 1e-15)
    order = np.argsort(p, kind="stable")
    assert np.all(np.diff(corrected[order]) >= 0)


def test_the_published_steps_are_followed() -> None:
    assert metrics.holm([0.01, 0.04, 0.03, 0.005]).tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert metrics.holm([0.2]).tolist() == [0.2]
    assert metrics.holm([]).tolist() == []


def test_of_many_comparisons_of_equals_few_find_any_difference() -> None:
    random = np.random.default_rng(0)
    found = sum(metrics.holm(random.random(6)).min() < 0.05 for _round in range(2000))
    assert found / 2000 <= 0.065


def test_values_that_are_no_p_values_are_refused() -> None:
    for wrong in ([1.5], [-0.1], [float("nan")]):
        with pytest.raises(ValueError, match="0 to 1"):
            metrics.holm(wrong)
