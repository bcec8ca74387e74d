from __future__ import annotations

import numpy as np
import pytest
import scipy.special
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from anmok.probabilities import fit_temperature, softmax

logit_arrays = arrays.arrays(
    np.float32, st.tuples(st.integers(1, 5), st.integers(2, 6)), elements=st.floats(-(2.0**100), 2.0**100, width=32)
)


@given(logits=logit_arrays, temperature=st.floats(0.01, 100))
def test_probabilities_are_shares_whatever_the_logits(logits: np.ndarray, temperature: float) -> None:
    probabilities = softmax(logits, temperature)
    assert probabilities.dtype == np.float32
    assert np.isfinite(probabilities).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)


@given(logits=logit_arrays)
def test_softmax_agrees_with_scipy(logits: np.ndarray) -> None:
    np.testing.assert_allclose(softmax(logits), scipy.special.softmax(logits.astype(np.float64), axis=1), atol=1e-7)


def answers(pictures: int, *, true_temperature: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities that are too sure by a known factor: labels are drawn from the softened ones."""
    random = np.random.default_rng(seed)
    logits = random.normal(size=(pictures, 4)) * 3
    honest = scipy.special.softmax(logits / true_temperature, axis=1)
    labels = np.array([random.choice(4, p=row) for row in honest])
    return scipy.special.softmax(logits, axis=1).astype(np.float32), labels


@pytest.mark.parametrize("true_temperature", [0.5, 1.0, 2.0, 4.0])
def test_the_temperature_that_made_the_labels_is_found_again(true_temperature: float) -> None:
    probabilities, labels = answers(4000, true_temperature=true_temperature)
    assert fit_temperature(probabilities, labels) == pytest.approx(true_temperature, rel=0.1)


def test_few_pictures_that_are_all_right_do_not_make_the_model_sure() -> None:
    probabilities = np.tile(np.float32([0.8, 0.1, 0.1]), (6, 1))
    assert 0.5 < fit_temperature(probabilities, np.zeros(6, np.int64)) <= 1


def test_probabilities_of_zero_for_the_truth_are_survived() -> None:
    probabilities = np.float32([[1, 0], [1, 0], [0, 1]])
    assert fit_temperature(probabilities, np.array([0, 1, 1])) > 1


def test_without_pictures_the_temperature_is_one() -> None:
    assert fit_temperature(np.zeros((0, 3), np.float32), np.zeros(0, np.int64)) == 1.0


@given(seed=st.integers(0, 2**32), pictures=st.integers(1, 30))
def test_a_fitted_temperature_never_changes_which_class_is_best(seed: int, pictures: int) -> None:
    probabilities, labels = answers(pictures, true_temperature=1.5, seed=seed)
    temperature = fit_temperature(probabilities, labels)
    scaled = softmax(np.log(probabilities), temperature)
    np.testing.assert_array_equal(scaled.argmax(axis=1), probabilities.argmax(axis=1))
