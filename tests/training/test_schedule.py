from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anmok.training.schedule import FEWEST_EPOCHS, MOST_EPOCHS, batches_for, epochs_for, rate_factor


@pytest.mark.parametrize(("pictures", "epochs"), [(1, 70), (500, 65), (1700, 35), (10_000, 14), (1_000_000, 5)])
def test_small_sets_are_seen_more_often(pictures: int, epochs: int) -> None:
    assert epochs_for(pictures) == epochs


@given(st.integers(1, 10**6), st.integers(1, 10**4))
def test_more_pictures_never_take_fewer_steps(pictures: int, more: int) -> None:
    assert FEWEST_EPOCHS <= epochs_for(pictures) <= MOST_EPOCHS
    # Rounding to whole epochs may take away half an epoch.
    assert epochs_for(pictures + more) * (pictures + more) >= (epochs_for(pictures) - 1) * pictures


@given(st.integers(1, 5000), st.integers(1, 256))
def test_batches_are_nearly_equal_and_nearly_of_the_size_that_was_asked_for(pictures: int, size: int) -> None:
    sizes = [len(part) for part in np.array_split(np.arange(pictures), batches_for(pictures, size))]
    assert sum(sizes) == pictures
    assert max(sizes) - min(sizes) <= 1
    assert min(sizes) >= min(pictures, math.floor(size * 2 / 3))
    assert max(sizes) <= math.ceil(size * 1.5) + 1


@given(st.integers(2, 500), st.floats(0, 0.9))
def test_the_rate_rises_once_and_falls_once(steps: int, warmup: float) -> None:
    factors = [rate_factor(step, steps, warmup) for step in range(steps)]
    assert 0 < max(factors) <= 1
    assert min(factors) >= 0
    top = factors.index(max(factors))
    assert factors[: top + 1] == sorted(factors[: top + 1])
    assert factors[top:] == sorted(factors[top:], reverse=True)
    assert abs(top - warmup * steps) <= 1


@given(st.integers(0, 499), st.floats(0, 0.5), st.floats(0, 1))
def test_keras_decay_divides_by_one_more_each_step(step: int, warmup: float, decay: float) -> None:
    risen = rate_factor(step, 500, warmup, schedule="constant")
    assert rate_factor(step, 500, warmup, schedule="inverse-time", decay=decay) == pytest.approx(
        risen / (1 + decay * step)
    )
    assert risen == pytest.approx(min(1, (step + 1) / (500 * warmup + 1)))


def test_a_constant_rate_is_constant_after_it_has_risen() -> None:
    assert {rate_factor(step, 10, 0.0, schedule="constant") for step in range(10)} == {1.0}
