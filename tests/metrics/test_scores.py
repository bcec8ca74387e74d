"""Log loss, Brier score and ROC-AUC equal scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics as reference
from hypothesis import given
from hypothesis import strategies as st

from anmok import metrics
from metrics.drawn import Drawn, answers


@given(answers(), st.sampled_from([np.float32, np.float64]))
def test_log_loss_equals_scikit_learns_also_for_certain_and_wrong_answers(drawn: Drawn, kind: type) -> None:
    y_true, probabilities = drawn[0], drawn[1].astype(kind)
    wanted = reference.log_loss(y_true, y_proba=probabilities, labels=range(probabilities.shape[1]))
    # scikit-learn adds up float32 in float32.
    assert metrics.log_loss(y_true, probabilities) == pytest.approx(wanted, abs=1e-9 if kind is np.float64 else 1e-5)


@given(answers())
def test_the_brier_score_equals_scikit_learns(drawn: Drawn) -> None:
    y_true, probabilities = drawn
    wanted = reference.brier_score_loss(y_true, probabilities, labels=range(probabilities.shape[1]))
    assert metrics.brier_score(y_true, probabilities) == pytest.approx(wanted, abs=1e-9)


@given(answers())
def test_roc_auc_of_each_class_equals_scikit_learns_and_impossible_ones_are_named(drawn: Drawn) -> None:
    y_true, probabilities = drawn
    classes = probabilities.shape[1]
    possible = [c for c in range(classes) if 0 < (y_true == c).sum() < len(y_true)]
    wanted = {c: reference.roc_auc_score(y_true == c, probabilities[:, c]) for c in possible}
    got = metrics.roc_auc(y_true, probabilities)
    assert got.left_out == tuple(c for c in range(classes) if c not in possible)
    if not possible:
        assert np.isnan(got.value)
    elif classes == 2:
        assert got.value == pytest.approx(wanted[1], abs=1e-9)
    else:
        assert got.value == pytest.approx(np.mean(list(wanted.values())), abs=1e-9)
        assert [got.per_class[c] for c in possible] == pytest.approx(list(wanted.values()), abs=1e-9)


@pytest.mark.parametrize("classes", [2, 3, 20])
def test_roc_auc_equals_scikit_learns_macro_mean_where_all_classes_have_pictures(classes: int) -> None:
    random = np.random.default_rng(classes)
    y_true = np.concatenate([np.arange(classes), random.integers(classes, size=200)])
    probabilities = random.dirichlet(np.ones(classes), size=len(y_true))
    scores = probabilities[:, 1] if classes == 2 else probabilities
    wanted = reference.roc_auc_score(y_true, scores, multi_class="ovr", average="macro")
    assert metrics.roc_auc(y_true, probabilities).value == pytest.approx(wanted, abs=1e-9)


@given(answers(), st.integers(0, 2**32 - 1))
def test_the_weighted_roc_auc_of_a_resample_equals_scikit_learns_on_the_repeated_pictures(
    drawn: Drawn, seed: int
) -> None:
    y_true, probabilities = drawn
    (weights,) = metrics.draw_weights(len(y_true), 3, seed=seed)
    for row in weights:
        repeated = np.repeat(np.arange(len(y_true)), row.astype(int))
        assert len(repeated) == len(y_true)
        wanted = metrics.roc_auc(y_true[repeated], probabilities[repeated])
        got = metrics.roc_auc(y_true, probabilities, weights=row)
        assert got.left_out == wanted.left_out
        for number in set(range(probabilities.shape[1])) - set(got.left_out):
            score = probabilities[repeated, number]
            if probabilities.shape[1] > 2 or number == 1:
                sklearn = reference.roc_auc_score(y_true[repeated] == number, score)
                assert got.per_class[number] == pytest.approx(sklearn, abs=1e-9)


def test_probabilities_that_cannot_be_any_are_refused() -> None:
    y_true = np.array([0, 1])
    for wrong in (np.array([[0.5, 0.5], [np.nan, 0.5]]), np.array([[1.5, -0.5], [0.5, 0.5]])):
        with pytest.raises(ValueError, match="no numbers at all"):
            metrics.log_loss(y_true, wrong)
    with pytest.raises(ValueError, match=r"\(N, C\)"):
        metrics.roc_auc(y_true, np.array([0.5, 0.5]))
    with pytest.raises(ValueError, match="2 labels"):
        metrics.roc_auc(y_true, np.full((3, 2), 0.5))
    with pytest.raises(ValueError, match=r"at least \(1, 2\)"):
        metrics.log_loss(np.zeros(0, dtype=int), np.zeros((0, 2)))


def test_the_given_probabilities_are_not_changed() -> None:
    y_true, probabilities = np.array([0, 1]), np.array([[0.9, 0.1], [0.6, 0.4]])
    before = probabilities.copy()
    metrics.brier_score(y_true, probabilities)
    metrics.average_intervals(y_true, probabilities, resamples=5)
    assert np.array_equal(probabilities, before)
