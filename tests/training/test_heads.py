from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from anmok.errors import TooFewPictures
from anmok.training.folds import fold_plan
from anmok.training.heads import _tempered_log_loss, fit_logistic
from anmok.training.heads_affine import AffineHead


def clouds(classes: int, each: int, dim: int, spread: float = 2.0) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return vectors of overlapping classes, on scales from 0.01 to 100 and far from zero, and their labels."""
    chance = np.random.default_rng(classes * 1000 + dim)
    labels = np.tile(np.arange(classes), each)
    vectors = chance.normal(size=(classes, dim))[labels] + chance.normal(scale=spread, size=(len(labels), dim))
    return ((vectors + 5) * np.logspace(-1, 1, dim)).astype(np.float32), labels


@pytest.mark.parametrize("classes", [2, 3, 7])
def test_the_head_gives_the_probabilities_of_scikit_learn(classes: int) -> None:
    vectors, labels = clouds(classes, 40, 12)
    fit = fit_logistic(vectors, labels, threads=1)
    reference = make_pipeline(StandardScaler(), LogisticRegression(C=fit.strength, tol=1e-8, max_iter=5000))
    wanted = reference.fit(vectors.astype(np.float64), labels).predict_proba(vectors)
    given_ = fit.head.probabilities(vectors)
    assert given_.shape == (len(labels), classes)
    assert given_.dtype == np.float32
    np.testing.assert_allclose(given_, wanted, atol=2e-3)


def test_two_classes_give_two_logits() -> None:
    vectors, labels = clouds(2, 30, 5)
    head = fit_logistic(vectors, labels, threads=1).head
    assert head.weight.shape == (2, 5)
    assert head.logits(vectors).shape == (60, 2)
    np.testing.assert_allclose(head.probabilities(vectors).sum(axis=1), 1, atol=1e-6)


def test_the_strength_suits_the_vectors() -> None:
    # Many dimensions of which few tell anything want a strong penalty; few that tell all want a weak one.
    chance = np.random.default_rng(0)
    labels = np.tile([0, 1], 40)
    noisy = chance.normal(size=(80, 300)).astype(np.float32)
    noisy[:, 0] += labels
    clear = (labels[:, None] * 3 + chance.normal(size=(80, 2))).astype(np.float32)
    assert fit_logistic(noisy, labels, threads=1).strength < fit_logistic(clear, labels, threads=1).strength


def test_the_chosen_strength_has_the_least_log_loss_of_the_path_to_one_percent() -> None:
    vectors, labels = clouds(3, 40, 20)
    fit = fit_logistic(vectors, labels, threads=1)
    losses = {strength: loss for strength, loss, _accuracy in fit.path}
    assert losses[fit.strength] <= min(losses.values()) / (1 - 0.0101)
    assert _tempered_log_loss(fit.out_of_fold, labels) == pytest.approx(losses[fit.strength])


def test_a_timid_head_is_judged_at_the_temperature_that_suits_it() -> None:
    timid = np.array([[0.51, 0.49], [0.49, 0.51], [0.51, 0.49], [0.49, 0.51]], dtype=np.float32)
    assert _tempered_log_loss(timid, np.array([0, 1, 0, 1])) < 0.01
    assert _tempered_log_loss(timid, np.array([0, 1, 1, 0])) == pytest.approx(np.log(2), abs=0.01)


def copies_with_chance_labels() -> tuple[NDArray[np.float32], NDArray[np.int64], list[str]]:
    chance = np.random.default_rng(5)
    labels = np.repeat(np.tile([0, 1], 30), 4)
    vectors = np.repeat(chance.normal(size=(60, 200)), 4, axis=0) + chance.normal(scale=0.01, size=(240, 200))
    return vectors.astype(np.float32), labels, [f"group {row // 4}" for row in range(240)]


def test_copies_of_a_picture_are_not_asked_about_what_their_twin_taught() -> None:
    vectors, labels, groups = copies_with_chance_labels()
    apart = fit_logistic(vectors, labels, groups=groups, threads=1)
    mixed = fit_logistic(vectors, labels, threads=1)
    assert (apart.out_of_fold.argmax(axis=1) == labels).mean() < 0.7
    # Without the groups the labels, which mean nothing, seem to be known.
    assert (mixed.out_of_fold.argmax(axis=1) == labels).mean() > 0.95


def test_a_class_that_is_one_group_gets_the_shares_of_the_classes() -> None:
    vectors, labels = clouds(3, 12, 4, spread=0.6)
    groups = [f"alone {row}" if label < 2 else "the same" for row, label in enumerate(labels)]
    fit = fit_logistic(vectors, labels, groups=groups, threads=1)
    np.testing.assert_allclose(fit.out_of_fold[labels == 2], 1 / 3, atol=1e-6)
    assert (fit.out_of_fold[labels < 2].argmax(axis=1) == labels[labels < 2]).mean() > 0.8


def test_where_no_class_can_be_divided_a_head_is_made_all_the_same() -> None:
    vectors, labels = clouds(2, 3, 4)
    fit = fit_logistic(vectors, labels, groups=[str(label) for label in labels], threads=1)
    assert fit.folds == 0
    assert fit.path == ()
    np.testing.assert_allclose(fit.out_of_fold, 0.5)


def test_a_class_without_pictures_is_never_the_answer() -> None:
    vectors, labels = clouds(2, 20, 4)
    head = fit_logistic(vectors, np.where(labels == 1, 3, 0), classes=5, threads=1).head
    probabilities = head.probabilities(vectors)
    assert probabilities.shape == (40, 5)
    assert probabilities[:, [1, 2, 4]].max() < 1e-5


def test_features_that_never_or_hardly_vary_do_no_harm() -> None:
    vectors, labels = clouds(2, 30, 4)
    vectors = np.concatenate([vectors, np.full((60, 1), 7), np.full((60, 1), 1e-4)], axis=1).astype(np.float32)
    vectors[0, 5] += 1e-7
    head = fit_logistic(vectors, labels, threads=1).head
    assert np.isfinite(head.weight).all()
    new = vectors.copy()
    new[:, 5] += 1e-3
    np.testing.assert_allclose(head.probabilities(new), head.probabilities(vectors), atol=0.05)


def test_one_class_is_refused() -> None:
    with pytest.raises(TooFewPictures, match="same class"):
        fit_logistic(np.zeros((4, 2), dtype=np.float32), np.zeros(4, dtype=np.int64), classes=2)


def test_threads_do_not_change_a_bit() -> None:
    vectors, labels = clouds(4, 25, 30)
    one, four = (fit_logistic(vectors, labels, seed=1, threads=threads) for threads in (1, 4))
    np.testing.assert_array_equal(one.head.weight, four.head.weight)
    np.testing.assert_array_equal(one.out_of_fold, four.out_of_fold)
    assert one.path == four.path


def test_balanced_heads_give_a_rare_class_its_due() -> None:
    chance = np.random.default_rng(2)
    labels = np.array([0] * 190 + [1] * 10)
    vectors = (chance.normal(size=(200, 3)) + labels[:, None]).astype(np.float32)
    plain, balanced = (fit_logistic(vectors, labels, balanced=flag, threads=1).head for flag in (False, True))
    recall = [(head.probabilities(vectors[190:]).argmax(axis=1) == 1).mean() for head in (plain, balanced)]
    assert recall[0] < 0.5 < recall[1]


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 12)), min_size=2, max_size=60),
    st.booleans(),
)
def test_folds_divide_no_group_and_ask_each_row_at_most_once(rows: list[tuple[int, int]], grouped: bool) -> None:
    labels = np.array([label for label, _group in rows])
    groups = [str(group) for _label, group in rows] if grouped else None
    plan = fold_plan(labels, groups, seed=0)
    asked = [row for _known, part in plan for row in part]
    assert len(asked) == len(set(asked))
    for known, part in plan:
        assert sorted([*known, *part]) == list(range(len(rows)))
        if groups is not None:
            assert not {groups[row] for row in known} & {groups[row] for row in part}
    if groups is None:
        counts = np.bincount(labels)
        assert sorted(asked) == [row for row, label in enumerate(labels) if counts[label] > 1]


@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=3, max_size=3))
def test_probabilities_of_any_logits_sum_to_one(bias: list[float]) -> None:
    head = AffineHead(np.zeros((3, 2), dtype=np.float32), np.array(bias, dtype=np.float32))
    probabilities = head.probabilities(np.ones((1, 2), dtype=np.float32))
    assert probabilities.sum() == pytest.approx(1, abs=1e-6)
    assert probabilities[0, int(np.argmax(bias))] == probabilities.max()


def test_weights_and_biases_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="bias"):
        AffineHead(np.zeros((3, 2), dtype=np.float32), np.zeros(2, dtype=np.float32))
