"""Calibration errors and their intervals: by hand, by plain loops, and how often they hold the truth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anmok import metrics
from metrics.drawn import Drawn, answers


def test_three_answers_by_hand() -> None:
    y_true = np.array([0, 1, 1])
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.3, 0.7]])
    # Two answers at 0.9, of which one is right; one at 0.7, right.
    assert metrics.expected_calibration_error(y_true, probabilities, bins=10) == pytest.approx((2 * 0.4 + 0.3) / 3)
    assert metrics.maximum_calibration_error(y_true, probabilities, bins=10) == pytest.approx(0.4)
    seen = metrics.reliability(*metrics.answered(y_true, probabilities), bins=10)
    assert seen.pictures.tolist() == [1, 2]
    assert seen.hits.tolist() == [1, 1]
    assert seen.low.tolist() == pytest.approx([0.6, 0.8])


def test_a_probability_on_an_edge_belongs_to_the_bin_below_as_guo_has_it() -> None:
    seen = metrics.reliability(np.array([0.0, 0.2, 0.20001, 1.0]), np.zeros(4), bins=5)
    assert seen.high.tolist() == pytest.approx([0.2, 0.4, 1.0])
    assert seen.pictures.tolist() == [2, 1, 1]


def test_bins_of_equal_mass_hold_equally_many_and_equal_probabilities_stay_together() -> None:
    random = np.random.default_rng(0)
    stated = random.beta(9, 1, 600)
    assert set(metrics.reliability(stated, stated > 0.5, kind="equal-mass").pictures) == {40.0}
    tied = np.repeat([0.2, 0.9], [5, 55])
    assert metrics.reliability(tied, tied > 0.5, kind="equal-mass").pictures.tolist() == [5, 55]


@given(answers())
def test_errors_lie_between_0_and_1_and_the_mean_is_not_above_the_largest(drawn: Drawn) -> None:
    for kind in ("equal-width", "equal-mass"):
        mean = metrics.expected_calibration_error(*drawn, kind=kind)
        assert 0 <= mean <= metrics.maximum_calibration_error(*drawn, kind=kind) + 1e-12 <= 1 + 1e-9
    assert metrics.classwise_calibration_error(*drawn).shape == (drawn[1].shape[1],)


@given(answers())
def test_pictures_in_another_order_have_the_same_errors(drawn: Drawn) -> None:
    y_true, probabilities = drawn
    for kind in ("equal-width", "equal-mass"):
        error = metrics.expected_calibration_error(y_true, probabilities, kind=kind)
        other = metrics.expected_calibration_error(y_true[::-1], probabilities[::-1], kind=kind)
        assert error == pytest.approx(other, abs=1e-12)


@given(st.integers(0, 1000), st.integers(1, 60), st.sampled_from(["equal-width", "equal-mass"]))
def test_the_interval_is_made_of_percentiles_over_really_repeated_pictures(seed: int, pictures: int, kind: str) -> None:
    random = np.random.default_rng(seed)
    stated = random.random(pictures)
    right = random.random(pictures) < stated**2
    got = metrics.calibration_error(stated, right, kind=kind, seed=seed, resamples=25)
    edges = np.linspace(0, 1, 16) if kind == "equal-width" else np.percentile(stated, np.linspace(0, 1, 16) * 100)
    numbers = [sum(edge < one for edge in edges[1:-1]) for one in stated]

    def error(weights: np.ndarray) -> float:
        total = 0.0
        for number in set(numbers):
            rows = [row for row in range(pictures) if numbers[row] == number]
            total += abs(sum(weights[row] * (stated[row] - right[row]) for row in rows))
        return total / pictures

    drawn = [error(row) for row in np.concatenate(list(metrics.draw_weights(pictures, 25, seed=seed)))]
    value = error(np.ones(pictures))
    low, high = np.quantile(drawn, (0.025, 0.975))
    assert got.interval.value == pytest.approx(value, abs=1e-9)
    assert got.interval.high == pytest.approx(max(high, value), abs=1e-6)
    wanted = 0 if value <= got.chance_limit else min(value, low, max(0, 2 * value - high))
    assert got.interval.low == pytest.approx(wanted, abs=1e-6)


def outcomes(random: np.random.Generator, pictures: int, too_sure: float) -> tuple[np.ndarray, np.ndarray]:
    """Confidences, mostly high, and whether the answers were right; ``too_sure`` of 0 is perfectly calibrated."""
    stated = 1 - random.beta(1, 4, pictures)
    return stated, random.random(pictures) < stated - too_sure * 4 * stated * (1 - stated)


@pytest.mark.parametrize("too_sure", [0.0, 0.1, 0.3])
def test_about_95_of_100_intervals_hold_the_true_error(too_sure: float) -> None:
    stated, _right = outcomes(np.random.default_rng(0), 400_000, too_sure)
    seen = metrics.reliability(stated, stated - too_sure * 4 * stated * (1 - stated))
    truth = float((seen.gaps * seen.pictures).sum() / seen.pictures.sum())
    random, held = np.random.default_rng(1), 0
    for seed in range(200):
        interval = metrics.calibration_error(*outcomes(random, 300, too_sure), seed=seed, resamples=200).interval
        held += interval.low - 1e-12 <= truth <= interval.high
    # 200 rounds of a 95 % interval: below 182 only once in some hundred times.
    assert held >= 182


def test_what_chance_alone_would_show_is_what_calibrated_answers_show_on_average() -> None:
    random = np.random.default_rng(2)
    found = [metrics.calibration_error(*outcomes(random, 300, 0.0), seed=s, resamples=200) for s in range(200)]
    assert np.mean([one.interval.value for one in found]) == pytest.approx(
        np.mean([one.chance for one in found]), rel=0.06
    )
    above = np.mean([one.interval.value > one.chance_limit for one in found])
    assert 0.01 <= above <= 0.1


def test_what_is_no_probability_or_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="from 0 to 1"):
        metrics.reliability(np.array([1.5]), np.array([1]))
    with pytest.raises(ValueError, match="as many"):
        metrics.reliability(np.array([0.5]), np.array([1, 0]))
    with pytest.raises(ValueError, match="at least 1"):
        metrics.reliability(np.array([0.5]), np.array([1]), bins=0)
    with pytest.raises(ValueError, match="at least 1"):
        metrics.calibration_error(np.zeros(0), np.zeros(0))
