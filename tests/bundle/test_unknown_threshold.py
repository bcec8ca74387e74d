"""The threshold of "none of these" keeps its promise, and is set on nothing but held-out known pictures."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anmok.bundle.reference import Reference
from anmok.bundle.unknown.registry import get_score
from anmok.bundle.unknown.threshold import conformal_threshold, crossed_scores, set_rule

DIM = 6


def pictures(count: int, seed: int, *, classes: int = 2) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    labels = (np.arange(count) % classes).astype(np.int32)
    return (np.eye(DIM)[labels] * 3 + random.normal(size=(count, DIM)) * 0.5).astype(np.float32), labels


def remembered(count: int = 60, seed: int = 0) -> Reference:
    return Reference(*pictures(count, seed))


@pytest.mark.parametrize("count", [19, 39, 40, 108, 500])
def test_the_next_picture_is_accepted_with_the_promised_probability(count: int) -> None:
    random = np.random.default_rng(count)
    draws = random.exponential(size=(4000, count + 1))
    held = np.array([row[-1] <= conformal_threshold(row[:-1], 0.95) for row in draws])
    # Exact for continuous scores: ceil((n + 1) 0.95) / (n + 1); three standard deviations of 4000 draws around it.
    promised = np.ceil((count + 1) * 0.95 - 1e-9) / (count + 1)
    assert promised >= 0.95
    assert abs(held.mean() - promised) < 3 * np.sqrt(0.05 * 0.95 / 4000)


@given(scores=st.lists(st.floats(-100, 100), min_size=1, max_size=18))
def test_too_few_pictures_for_the_promise_are_all_accepted(scores: list[float]) -> None:
    assert conformal_threshold(np.array(scores), 0.95) == max(scores)


def test_a_frozen_network_lets_the_remembered_pictures_help() -> None:
    valid, _labels = pictures(10, 1)
    rule = set_rule(remembered(60), valid, valid, embeddings_learned=False)
    assert rule is not None
    assert dict(rule.pictures) == {"valid": 10, "train": 60}
    assert not rule.is_rough


def test_a_trained_network_is_calibrated_on_validation_pictures_alone() -> None:
    valid, _labels = pictures(10, 1)
    rule = set_rule(remembered(60), valid, valid, embeddings_learned=True)
    assert rule is not None
    assert dict(rule.pictures) == {"valid": 10}
    assert rule.is_rough
    scores = rule.make_score(remembered(60))(valid, valid)
    assert scores.max() <= rule.threshold < scores.max() + 2e-5


def test_without_validation_pictures_a_frozen_network_has_a_threshold_and_a_trained_one_has_none() -> None:
    nothing = np.zeros((0, DIM), np.float32)
    assert set_rule(remembered(), nothing, nothing, embeddings_learned=True) is None
    frozen = set_rule(remembered(), nothing, nothing, embeddings_learned=False)
    assert frozen is not None
    assert frozen.set_on == 60


def test_nothing_remembered_gives_no_rule() -> None:
    valid, _labels = pictures(50, 1)
    empty = Reference(np.zeros((0, DIM), np.float16), np.zeros(0, np.int32))
    assert set_rule(empty, valid, valid, embeddings_learned=False) is None


@pytest.mark.parametrize("name", ["neighbours", "neighbour-mean", "mahalanobis", "energy", "probability"])
@pytest.mark.parametrize("learned", [False, True])
def test_new_pictures_of_the_classes_are_accepted_as_often_as_was_promised(name: str, learned: bool) -> None:
    shares = []
    for seed in range(20):
        valid, _labels = pictures(60, 1000 + seed)
        rule = set_rule(remembered(100, seed), valid, valid, embeddings_learned=learned, score=name)
        assert rule is not None
        assert rule.accepts >= 0.95
        new, _labels = pictures(200, 2000 + seed)
        shares.append(1 - rule.refuses(rule.make_score(remembered(100, seed))(new, new)).mean())
    assert 0.94 < np.mean(shares) < 0.98


def test_series_of_nearly_equal_pictures_do_not_make_the_threshold_too_strict() -> None:
    random = np.random.default_rng(0)
    # 60 figures in ten poses each; what is drawn by lot has its sisters in training, what is new has none.
    figures = np.eye(40)[0] * 3 + random.normal(size=(90, 40)) * 0.5
    poses = np.repeat(figures, 10, axis=0) + random.normal(size=(900, 40)) * 0.02
    train, new = poses[:600], poses[600:]
    drawn = random.permutation(600)
    valid, kept = train[np.sort(drawn[:90])], train[np.sort(drawn[90:])]
    known = Reference(kept.astype(np.float32), np.zeros(len(kept), np.int32))
    rule = set_rule(known, valid, valid, embeddings_learned=False)
    assert rule is not None
    assert 1 - rule.refuses(rule.make_score(known)(new, new)).mean() > 0.85
    by_lot = conformal_threshold(rule.make_score(known)(valid, valid), 0.95)
    assert (rule.make_score(known)(new, new) <= by_lot).mean() < 0.2


def test_no_remembered_picture_is_scored_by_itself() -> None:
    known = remembered(60)
    spec = get_score("neighbours")
    crossed = crossed_scores(spec, {"neighbours": 1}, known)
    assert (crossed > 0.01).all()
    own = spec.make(known, {"neighbours": 1})(known.embeddings, known.embeddings)
    assert own.max() < 1e-3


def test_a_single_remembered_picture_cannot_be_scored_without_itself() -> None:
    known = Reference(np.ones((1, DIM), np.float32), np.zeros(1, np.int32))
    assert np.isnan(crossed_scores(get_score("neighbours"), {"neighbours": 1}, known)).all()
    assert set_rule(known, np.zeros((0, DIM)), np.zeros((0, 2)), embeddings_learned=False) is None
