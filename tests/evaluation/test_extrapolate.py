"""Forecasts from a few training-set sizes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from anmok.evaluation.extrapolate import fit_curve, mixture_quantiles

SIZES = (50, 100, 200, 400, 800)


def drawn_hits(
    rng: np.random.Generator, errors: list[float], pictures: int, *, seeds: int = 3, luck: float = 0.3
) -> list[np.ndarray]:
    """Answers of heads whose errors have these means: most of a picture's answer is the picture, some the head's."""
    difficulty = rng.normal(size=pictures)
    hits = []
    for place, error in enumerate(errors):
        count = seeds if place < len(errors) - 1 else 1
        own = rng.normal(size=(count, pictures))
        hits.append(np.sqrt(1 - luck) * difficulty + np.sqrt(luck) * own < norm.ppf(1 - error))
    return hits


def power_law(sizes: list[int], *, floor: float, exponent: float, now: float = 0.2) -> list[float]:
    return [floor + (now - floor) * (size / 800) ** -exponent for size in sizes]


def test_power_laws_with_and_without_a_floor_are_found_inside_the_interval_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    inside, widths = [], []
    for _trial in range(40):
        floor, exponent = rng.uniform(0, 0.12), rng.uniform(0.2, 0.9)
        curve = power_law([*SIZES, 1600, 4000], floor=floor, exponent=exponent)
        everything = drawn_hits(rng, curve, 500)
        (same, _elsewhere) = fit_curve(SIZES, [*everything[:4], everything[4][:1]]).expect([1600, 4000])
        for place, interval in zip((5, 6), same, strict=True):
            truth = float(everything[place][0].mean())
            inside.append(interval.low <= truth <= interval.high)
            widths.append(interval.high - interval.low)
    assert np.mean(inside) >= 0.9
    # Of all that accuracy could be from here on, a small part.
    assert np.mean(widths) < 0.1


def test_a_curve_that_has_ended_is_forecast_to_stay_and_one_that_falls_steeply_to_go_on() -> None:
    rng = np.random.default_rng(1)
    flat = fit_curve(SIZES, drawn_hits(rng, [0.1] * 5, 2000, luck=0.1))
    steep = fit_curve(SIZES, drawn_hits(rng, power_law(list(SIZES), floor=0.0, exponent=0.7), 2000, luck=0.1))
    assert abs(flat.gain(2).value) < 0.01
    # Twice as many pictures leave 2 ** -0.7 of the error of 0.2.
    assert steep.gain(2).value == pytest.approx(0.2 * (1 - 2**-0.7), abs=0.02)
    assert steep.gain(2).low > 0


def test_the_farther_the_forecast_the_wider_its_interval_and_elsewhere_is_wider_still() -> None:
    hits = drawn_hits(np.random.default_rng(2), power_law(list(SIZES), floor=0.05, exponent=0.5), 300)
    same, elsewhere = fit_curve(SIZES, hits).expect([1000, 1600, 4000, 8000])
    widths = [one.high - one.low for one in same]
    assert widths == sorted(widths)
    for here, there in zip(same, elsewhere, strict=True):
        assert there.low < here.low <= here.value <= here.high < there.high + 1e-9


def test_heads_that_are_always_right_are_forecast_to_stay_so_without_a_crash() -> None:
    fitted = fit_curve(SIZES, [np.ones((3, 40), dtype=bool)] * 4 + [np.ones((1, 40), dtype=bool)])
    (interval,), _elsewhere = fitted.expect([1600])
    assert interval.value > 0.98
    assert interval.high == 1
    assert fitted.gain(2).value == pytest.approx(0, abs=0.005)


@settings(max_examples=30)
@given(st.integers(0, 2**31), st.integers(20, 200), st.integers(1, 4))
def test_whatever_the_answers_are_the_forecast_is_a_share_inside_its_interval(
    seed: int, pictures: int, seeds: int
) -> None:
    rng = np.random.default_rng(seed)
    hits = [rng.random((seeds, pictures)) < rng.random() for _size in SIZES[:-1]]
    hits.append(rng.random((1, pictures)) < rng.random())
    same, elsewhere = fit_curve(SIZES, hits).expect([60, 800, 1600, 8000])
    for one in (*same, *elsewhere):
        assert 0 <= one.low <= one.value <= one.high <= 1


def test_quantiles_of_one_normal_distribution_are_those_of_scipy() -> None:
    found = mixture_quantiles(np.array([0.3]), np.array([0.04]), np.array([1.0]))
    assert found == pytest.approx(norm(0.3, 0.2).ppf([0.025, 0.5, 0.975]).tolist(), abs=1e-3)


@pytest.mark.parametrize(
    ("sizes", "heads"),
    [((10, 20), (3, 1)), ((10, 20, 20), (3, 3, 1)), ((10, 20, 30), (3, 3, 3)), ((10, 20, 30), (3, 2, 1))],
)
def test_answers_that_do_not_fit_the_sizes_are_refused(sizes: tuple[int, ...], heads: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="wanted"):
        fit_curve(sizes, [np.ones((count, 30), dtype=bool) for count in heads])
