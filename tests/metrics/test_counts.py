"""Counting metrics equal scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics as reference
from hypothesis import given

from anmok import metrics
from metrics.drawn import Drawn, answers


@given(answers())
def test_the_confusion_matrix_and_all_rates_equal_scikit_learns(drawn: Drawn) -> None:
    y_true, probabilities = drawn
    classes, y_pred = probabilities.shape[1], probabilities.argmax(axis=1)
    confusion = metrics.confusion_matrix(y_true, y_pred, classes)
    assert np.array_equal(confusion, reference.confusion_matrix(y_true, y_pred, labels=range(classes)))
    counts = metrics.count_classes(confusion)
    precision, recall, f1, support = reference.precision_recall_fscore_support(
        y_true, y_pred, labels=range(classes), zero_division=0
    )
    assert np.allclose(metrics.precision(counts), precision, rtol=0, atol=1e-9)
    assert np.allclose(metrics.recall(counts), recall, rtol=0, atol=1e-9)
    assert np.allclose(metrics.f1(counts), f1, rtol=0, atol=1e-9)
    assert np.array_equal(counts.true, support)
    assert metrics.accuracy(counts) == pytest.approx(reference.accuracy_score(y_true, y_pred), abs=1e-9)


@given(answers())
def test_averages_equal_scikit_learns_over_the_classes_that_have_pictures(drawn: Drawn) -> None:
    y_true, probabilities = drawn
    y_pred = probabilities.argmax(axis=1)
    counts = metrics.count_classes(metrics.confusion_matrix(y_true, y_pred, probabilities.shape[1]))
    for name, average in (("macro", metrics.macro), ("weighted", metrics.weighted)):
        wanted = reference.precision_recall_fscore_support(
            y_true, y_pred, labels=np.unique(y_true), average=name, zero_division=0
        )[:3]
        got = [float(average(rate(counts), counts)) for rate in (metrics.precision, metrics.recall, metrics.f1)]
        assert got == pytest.approx(wanted, abs=1e-9)
    recalls = reference.recall_score(y_true, y_pred, labels=np.unique(y_true), average="macro")
    assert metrics.balanced_accuracy(counts) == pytest.approx(recalls, abs=1e-9)


def test_balanced_accuracy_equals_scikit_learns_where_all_classes_have_pictures() -> None:
    random = np.random.default_rng(5)
    y_true, y_pred = random.integers(7, size=300), random.integers(7, size=300)
    counts = metrics.count_classes(metrics.confusion_matrix(y_true, y_pred, 7))
    assert metrics.balanced_accuracy(counts) == pytest.approx(
        reference.balanced_accuracy_score(y_true, y_pred), abs=1e-9
    )


def test_a_class_without_pictures_does_not_pull_the_macro_average_down() -> None:
    two = metrics.count_classes(metrics.confusion_matrix(np.array([0, 1, 1]), np.array([0, 1, 0]), 2))
    ten = metrics.count_classes(metrics.confusion_matrix(np.array([0, 1, 1]), np.array([0, 1, 0]), 10))
    assert metrics.macro(metrics.f1(ten), ten) == metrics.macro(metrics.f1(two), two) > 0.6


def test_labels_that_are_no_class_numbers_are_refused_with_what_is_wanted() -> None:
    good = np.array([0, 1])
    with pytest.raises(ValueError, match="0 to 1 is wanted"):
        metrics.confusion_matrix(np.array([0, 2]), good, 2)
    with pytest.raises(ValueError, match="0 to 1 is wanted"):
        metrics.confusion_matrix(good, np.array([0, -1]), 2)
    with pytest.raises(ValueError, match="integers"):
        metrics.confusion_matrix(good, np.array([0.0, 1.0]), 2)
    with pytest.raises(ValueError, match="as many"):
        metrics.confusion_matrix(good, np.array([0]), 2)
