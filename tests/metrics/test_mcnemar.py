"""Two classifiers by the pictures on which only one of them was right."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import binomtest

from anmok import metrics

few = st.integers(0, 80)


@given(few, few)
def test_the_exact_test_is_scipys_binomial_test(only_first: int, only_second: int) -> None:
    assume(only_first + only_second > 0)
    wanted = binomtest(only_first, only_first + only_second, 0.5).pvalue
    assert metrics.mcnemar(only_first, only_second) == pytest.approx(wanted, abs=1e-12, rel=1e-9)


def test_nothing_is_rounded_away_where_thousands_of_pictures_differ() -> None:
    assert metrics.mcnemar(30_000, 29_500) == pytest.approx(binomtest(30_000, 59_500, 0.5).pvalue, rel=1e-9)
    assert 0 <= metrics.mcnemar(5_000, 0) < 1e-300
    assert metrics.mcnemar(0, 0) == 1.0


@given(few, few, st.integers(0, 500))
def test_the_interval_of_the_difference_holds_it_and_excludes_0_only_where_the_test_does(
    only_first: int, only_second: int, rest: int
) -> None:
    pictures = only_first + only_second + rest
    assume(pictures > 0)
    found = metrics.accuracy_difference(only_first, only_second, pictures)
    mirrored = metrics.accuracy_difference(only_second, only_first, pictures)
    assert found.value == (only_first - only_second) / pictures
    assert -1 <= found.low <= found.value <= found.high <= 1
    assert (mirrored.low, mirrored.high) == pytest.approx((-found.high, -found.low), abs=1e-12)
    p = metrics.mcnemar(only_first, only_second)
    if found.low > 0 or found.high < 0:
        assert p <= 0.05 + 1e-9
    if p < 0.03:
        assert found.low > 0 or found.high < 0


@given(st.integers(0, 60), st.integers(1, 60))
def test_the_exact_part_of_the_interval_is_clopper_and_pearsons(hits: int, misses: int) -> None:
    """Where every picture tells the two apart, the share that goes to one of them is all there is."""
    total = hits + misses
    wanted = binomtest(hits, total).proportion_ci(0.95, "exact")
    found = metrics.accuracy_difference(hits, misses, total)
    # The hull is at least as wide on both sides, and touches on the side where resampling sees too little.
    assert found.low <= 2 * wanted.low - 1 + 1e-9
    assert found.high >= 2 * wanted.high - 1 - 1e-9


@pytest.mark.parametrize(
    ("pictures", "shares"),
    [
        (50, (0.1, 0.04)),
        (200, (0.05, 0.05)),
        (200, (0.02, 0.0)),
        (500, (0.15, 0.1)),
        (100, (0.0, 0.0)),
        (1000, (0.01, 0.005)),
    ],
)
def test_about_95_of_100_intervals_hold_the_true_difference(pictures: int, shares: tuple[float, float]) -> None:
    random = np.random.default_rng(0)
    drawn = random.multinomial(pictures, (*shares, 1 - sum(shares)), size=1000)
    kinds, times = np.unique(drawn[:, :2], axis=0, return_counts=True)
    intervals = [metrics.accuracy_difference(int(a), int(b), pictures) for a, b in kinds]
    truth = shares[0] - shares[1]
    held = sum(int(n) for one, n in zip(intervals, times, strict=True) if one.low <= truth <= one.high)
    # 1,000 draws of a 95 % interval: below 0.93 once in some hundred times.
    assert held / 1000 >= 0.93


def test_the_pictures_asked_for_show_the_difference_as_often_as_promised() -> None:
    random = np.random.default_rng(0)
    shares = np.array([0.06, 0.03, 0.91])
    needed = metrics.pictures_needed(60, 30, 1000)
    # Connor's formula, computed by hand: (1.960 sqrt(0.09) + 0.842 sqrt(0.0891)) ** 2 / 0.03 ** 2.
    assert needed == math.ceil((1.959964 * 0.3 + 0.841621 * math.sqrt(0.0891)) ** 2 / 0.0009)
    draws = random.multinomial(int(needed), shares, size=4000)
    differences, apart = draws[:, 0] - draws[:, 1], draws[:, 0] + draws[:, 1]
    assert np.mean(differences / np.sqrt(apart) > 1.959964) == pytest.approx(0.8, abs=0.03)


def test_where_there_is_no_difference_no_number_of_pictures_shows_it() -> None:
    assert metrics.pictures_needed(7, 7, 100) == math.inf
    assert metrics.pictures_needed(0, 0, 100) == math.inf


def test_counts_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="0 or more"):
        metrics.mcnemar(-1, 3)
    with pytest.raises(ValueError, match="3 pictures came, 4 of them"):
        metrics.accuracy_difference(2, 2, 3)
