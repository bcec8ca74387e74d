"""Calibration of a run's answers before and after the temperature."""

from __future__ import annotations

import numpy as np
import pytest

from anmok import metrics
from anmok.evaluation.calibration import Calibration, measure_calibration
from anmok.evaluation.stored import from_json, to_json
from anmok.probabilities import fit_temperature, softmax
from anmok.training.predictions import Predictions

CLASSES = 4


def answered(logits: np.ndarray, labels: np.ndarray, temperature: float = 1.0) -> Predictions:
    paths = tuple(f"{number:04d}.jpg" for number in range(len(labels)))
    return Predictions(paths, paths, ("test",) * len(labels), labels, softmax(logits, temperature))


def too_sure(pictures: int, *, by: float = 3.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Logits that are too large by a factor, and labels drawn with the honest probabilities."""
    random = np.random.default_rng(seed)
    logits = random.normal(size=(pictures, CLASSES)) * 2
    labels = np.array([random.choice(CLASSES, p=row / row.sum()) for row in softmax(logits).astype(float)])
    return logits * by, labels


def shuffled(predictions: Predictions, seed: int) -> Predictions:
    order = np.random.default_rng(seed).permutation(len(predictions.labels))
    return Predictions(
        tuple(predictions.paths[row] for row in order),
        tuple(predictions.ids[row] for row in order),
        predictions.splits,
        predictions.labels[order],
        predictions.probabilities[order],
    )


@pytest.fixture(scope="module")
def measured() -> Calibration:
    logits, labels = too_sure(600)
    temperature = fit_temperature(softmax(logits[:300]), labels[:300])
    before, after = answered(logits, labels), answered(logits, labels, temperature)
    return measure_calibration(before, after, temperature=temperature, fitted_on=300, resamples=300)


def test_a_temperature_that_fits_takes_the_error_to_what_chance_alone_would_show(measured: Calibration) -> None:
    assert measured.temperature == pytest.approx(3, rel=0.25)
    before, after = measured.before, measured.after
    assert before.ece.low > before.ece_chance_limit > after.ece.value
    assert after.ece.low == 0
    assert after.ece.value < before.ece.value / 3
    assert after.ece_equal_mass.value < before.ece_equal_mass.value
    assert after.classwise < before.classwise
    assert after.brier.value < before.brier.value
    assert after.log_loss.value < before.log_loss.value


def test_the_bins_hold_every_picture_and_make_up_the_errors(measured: Calibration) -> None:
    for figures in (measured.before, measured.after):
        assert sum(one.pictures for one in figures.bins) == measured.pictures == 600
        gaps = [abs(one.confidence - one.accuracy.value) for one in figures.bins]
        weights = [one.pictures / 600 for one in figures.bins]
        assert figures.ece.value == pytest.approx(np.dot(gaps, weights), abs=1e-9)
        assert figures.mce == pytest.approx(max(gaps), abs=1e-9)
        for one in figures.bins:
            assert one.low < one.confidence <= one.high
            assert one.accuracy.low <= one.accuracy.value <= one.accuracy.high


def test_losses_after_the_temperature_are_those_of_the_evaluation() -> None:
    logits, labels = too_sure(80)
    answers = answered(logits, labels, 3.0)
    found = measure_calibration(answered(logits, labels), answers, temperature=3.0, fitted_on=1, seed=5, resamples=50)
    wanted = metrics.average_intervals(labels, answers.probabilities, seed=5, resamples=50)
    assert found.after.log_loss == wanted["log_loss"]
    assert found.after.brier == wanted["brier_score"]


def test_pictures_are_matched_by_path_whatever_the_order_and_what_was_not_answered_is_left_out() -> None:
    logits, labels = too_sure(50)
    before, after = answered(logits, labels), answered(logits[:40], labels[:40], 3.0)
    plain = measure_calibration(before, after, temperature=3.0, fitted_on=1, resamples=50)
    mixed = measure_calibration(shuffled(before, 1), after, temperature=3.0, fitted_on=1, resamples=50)
    assert plain == mixed
    assert plain.pictures == 40


def test_an_answer_for_a_picture_that_was_not_predicted_is_refused_by_name() -> None:
    logits, labels = too_sure(10)
    with pytest.raises(ValueError, match=r"0009\.jpg"):
        measure_calibration(
            answered(logits[:9], labels[:9]), answered(logits, labels), temperature=1.0, fitted_on=1, resamples=50
        )


def test_what_was_measured_is_stored_as_json_and_read_again(measured: Calibration) -> None:
    assert from_json(Calibration, to_json(measured), where="here") == measured
