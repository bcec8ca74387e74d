"""Measuring answers."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics as reference
from hypothesis import given

from anmok.errors import DataError, EmptySource
from anmok.evaluation.measure import measure
from anmok.evaluation.results import HEADLINE_METRICS
from evaluation.made import answered, answers
from metrics.drawn import Drawn
from metrics.drawn import answers as drawn_answers

CLASSES = ("천지연 폭포", "cafe", "cave")


@given(drawn_answers())
def test_the_figures_equal_scikit_learns_whatever_the_answers(drawn: Drawn) -> None:
    y_true, probabilities = drawn
    size = probabilities.shape[1]
    names = [f"class {n}" for n in range(size)]
    got = measure(names, y_true, probabilities, [f"{n}.jpg" for n in range(len(y_true))], "test", resamples=20)
    y_pred, present = probabilities.argmax(axis=1), np.unique(y_true)
    assert got.metrics["accuracy"].value == pytest.approx(reference.accuracy_score(y_true, y_pred), abs=1e-9)
    for name, average in (("macro", "macro"), ("weighted", "weighted")):
        wanted = reference.precision_recall_fscore_support(
            y_true, y_pred, labels=present, average=average, zero_division=0
        )
        for figure, value in zip(("precision", "recall", "f1"), wanted, strict=False):
            assert got.metrics[f"{name}_{figure}"].value == pytest.approx(value, abs=1e-9)
    loss = reference.log_loss(y_true, y_proba=probabilities, labels=range(size))
    assert got.metrics["log_loss"].value == pytest.approx(loss, abs=1e-9)
    report = reference.precision_recall_fscore_support(y_true, y_pred, labels=range(size), zero_division=0)
    rows = [(s.precision.value, s.recall.value, s.f1.value, s.support) for s in got.per_class]
    assert np.allclose(rows, np.transpose(report), rtol=0, atol=1e-9)
    assert np.array_equal(got.confusion, reference.confusion_matrix(y_true, y_pred, labels=range(size)))
    for figure in (*got.metrics.values(), *(x for s in got.per_class for x in (s.precision, s.recall, s.f1))):
        assert figure.low <= figure.value <= figure.high
    assert len(got.mistakes) == (y_pred != y_true).sum()
    assert set(HEADLINE_METRICS) - set(got.metrics) <= {"roc_auc"}


def test_mistakes_are_all_wrong_answers_with_the_most_confident_first() -> None:
    y_true = np.array([0, 1, 2, 2])
    probabilities = np.array([[0.8, 0.1, 0.1], [0.7, 0.2, 0.1], [0.05, 0.9, 0.05], [0.7, 0.1, 0.2]])
    got = measure(CLASSES, y_true, probabilities, ["a", "z", "c", "b"], "test")
    assert [mistake.path for mistake in got.mistakes] == ["c", "b", "z"]
    worst = got.mistakes[0]
    assert (worst.true, worst.predicted, worst.probability, worst.probability_true) == ("cave", "cafe", 0.9, 0.05)


def test_classes_without_pictures_are_named_and_left_out_of_the_averages() -> None:
    got = answers(CLASSES, [0, 0, 1, 1], [0, 0, 1, 0])
    assert got.without_auc == ("cave",)
    assert got.metrics["balanced_accuracy"].value == 0.75
    assert got.metrics["macro_f1"].value == pytest.approx((0.8 + 2 / 3) / 2)
    assert got.per_class[2].support == 0
    assert (got.per_class[2].recall.low, got.per_class[2].recall.high) == (0, 1)


def test_a_single_class_has_no_roc_auc_and_everything_else() -> None:
    got = answers(CLASSES, [1, 1, 1], [1, 1, 0])
    assert "roc_auc" not in got.metrics
    assert got.without_auc == CLASSES
    assert got.metrics["accuracy"].value == pytest.approx(2 / 3)


def test_the_weighted_recall_is_the_accuracy_with_its_interval() -> None:
    got = answered(CLASSES, [[20, 5, 0], [1, 30, 4], [3, 3, 9]])
    assert got.metrics["weighted_recall"] == got.metrics["accuracy"]


def test_no_picture_at_all_is_an_error_that_names_the_split() -> None:
    with pytest.raises(EmptySource, match="'valid'"):
        measure(CLASSES, np.zeros(0, dtype=np.int64), np.zeros((0, 3)), [], "valid")


def test_a_model_that_gives_no_numbers_is_refused_with_a_way_out() -> None:
    probabilities = np.full((3, 3), 1 / 3)
    probabilities[1] = np.nan
    with pytest.raises(DataError, match="1 of 3 pictures") as caught:
        measure(CLASSES, np.array([0, 1, 2]), probabilities, ["a", "b", "c"], "test")
    assert "learning rate" in caught.value.hint


def test_paths_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="as many"):
        measure(CLASSES, np.array([0, 1]), np.full((2, 3), 1 / 3), ["a"], "test")
