"""Differences between classifiers on the same pictures, by resampling."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import bootstrap

from anmok import metrics


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def two_models(
    random: np.random.Generator, pictures: int, *, classes: int = 3, skills: tuple[float, float] = (2.0, 2.0)
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Answers of two models to the same pictures, some of which are hard for both."""
    y_true = random.integers(classes, size=pictures)
    hard = random.normal(size=(pictures, classes))
    both = []
    for skill in skills:
        logits = hard + random.normal(size=(pictures, classes))
        logits[np.arange(pictures), y_true] += skill
        both.append(softmax(logits))
    return y_true, both


def figures(y_true: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
    classes = probabilities.shape[1]
    counts = metrics.count_classes(metrics.confusion_matrix(y_true, probabilities.argmax(axis=1), classes))
    return {
        "balanced_accuracy": float(metrics.balanced_accuracy(counts)),
        "macro_f1": float(metrics.macro(metrics.f1(counts), counts)),
        "roc_auc": metrics.roc_auc(y_true, probabilities).value,
        "log_loss": metrics.log_loss(y_true, probabilities),
    }


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.integers(2, 60), st.integers(2, 5))
def test_the_difference_is_that_of_the_figures_and_turns_with_the_order(seed: int, pictures: int, classes: int) -> None:
    random = np.random.default_rng(seed)
    y_true, both = two_models(random, pictures, classes=classes)
    y_true[:classes] = np.arange(classes)[: len(y_true)]
    found = metrics.paired_differences(y_true, both, resamples=200)[0, 1]
    turned = metrics.paired_differences(y_true, both[::-1], resamples=200)[0, 1]
    first, second = (figures(y_true, one) for one in both)
    for name in metrics.PAIRED:
        interval, p = found[name].interval, found[name].p
        assert interval.value == pytest.approx(first[name] - second[name], abs=1e-12)
        assert interval.low <= interval.value <= interval.high
        assert 0 < p <= 1
        assert (p < 0.05) <= (interval.low > 0 or interval.high < 0)
        assert turned[name].p == pytest.approx(p)
        assert turned[name].interval.low == pytest.approx(-interval.high, abs=1e-9)


def test_the_resamples_are_those_of_scipys_paired_bootstrap() -> None:
    """Log loss is a mean over pictures, so scipy can say what its difference does."""
    random = np.random.default_rng(3)
    y_true, both = two_models(random, 300, skills=(2.2, 1.8))
    losses = [-np.log(one[np.arange(300), y_true]) for one in both]
    interval = metrics.paired_differences(y_true, both, resamples=4000)[0, 1]["log_loss"].interval
    difference = losses[0] - losses[1]
    limits = [
        bootstrap((difference,), np.mean, n_resamples=4000, method=method, random_state=1).confidence_interval
        for method in ("percentile", "basic")
    ]
    assert interval.value == pytest.approx(difference.mean(), abs=1e-7)
    width = interval.high - interval.low
    assert interval.low == pytest.approx(min(one.low for one in limits), abs=0.03 * width)
    assert interval.high == pytest.approx(max(one.high for one in limits), abs=0.03 * width)


def test_the_same_resampled_pictures_serve_both_so_equal_answers_differ_by_nothing() -> None:
    random = np.random.default_rng(4)
    y_true, (one, _other) = two_models(random, 120)
    found = metrics.paired_differences(y_true, [one, one.copy()])[0, 1]
    for name in ("roc_auc", "log_loss"):
        assert (found[name].interval.low, found[name].interval.high, found[name].p) == (0, 0, 1)
    # Of rates, no difference on 120 pictures does not prove that there is none.
    assert found["balanced_accuracy"].interval.low < 0 < found["balanced_accuracy"].interval.high < 0.03


def test_pairing_makes_the_interval_narrower_than_two_separate_ones() -> None:
    random = np.random.default_rng(5)
    y_true, both = two_models(random, 400)
    alone = [metrics.average_intervals(y_true, one, resamples=500)["log_loss"] for one in both]
    separate = np.hypot(*(one.high - one.low for one in alone))
    together = metrics.paired_differences(y_true, both, resamples=500)[0, 1]["log_loss"].interval
    assert together.high - together.low < 0.9 * separate


def test_two_equal_models_are_called_different_in_about_5_of_100_comparisons() -> None:
    random = np.random.default_rng(6)
    found = dict.fromkeys(metrics.PAIRED, 0)
    for _round in range(200):
        y_true, both = two_models(random, 60)
        for name, one in metrics.paired_differences(y_true, both, resamples=300)[0, 1].items():
            found[name] += one.p < 0.05
    # 200 rounds at 5 %: more than 18 once in some hundred times.
    assert max(found.values()) <= 18, found


def test_about_95_of_100_intervals_hold_the_true_difference() -> None:
    random = np.random.default_rng(7)
    skills = (2.6, 1.6)
    large = [two_models(random, 60_000, skills=skills) for _round in range(2)]
    truth = {
        name: np.mean([figures(y, both[0])[name] - figures(y, both[1])[name] for y, both in large])
        for name in metrics.PAIRED
    }
    held = dict.fromkeys(metrics.PAIRED, 0)
    for _round in range(200):
        y_true, both = two_models(random, 80, skills=skills)
        for name, one in metrics.paired_differences(y_true, both, resamples=300)[0, 1].items():
            held[name] += one.interval.low <= truth[name] <= one.interval.high
    assert min(held.values()) >= 182, held


def test_a_model_that_is_truly_worse_is_found() -> None:
    random = np.random.default_rng(8)
    y_true, both = two_models(random, 300, skills=(3.0, 1.5))
    for name, one in metrics.paired_differences(y_true, both)[0, 1].items():
        assert one.p < 0.01, name
        assert (one.interval.value < 0) == (name == "log_loss")


def test_all_pairs_of_several_models_come_and_what_cannot_be_computed_does_not() -> None:
    random = np.random.default_rng(9)
    probabilities = [softmax(random.normal(size=(20, 2))) for _model in range(3)]
    found = metrics.paired_differences(np.zeros(20, dtype=np.int64), probabilities, resamples=200)
    assert set(found) == {(0, 1), (0, 2), (1, 2)}
    # Of a single class there is no ROC-AUC.
    assert set(found[0, 1]) == {"balanced_accuracy", "macro_f1", "log_loss"}
    assert metrics.paired_differences(np.zeros(20, dtype=np.int64), probabilities[:1]) == {}


def test_arrays_that_do_not_fit_are_refused() -> None:
    y_true = np.array([0, 1])
    with pytest.raises(ValueError, match="as many classes"):
        metrics.paired_differences(y_true, [np.full((2, 2), 0.5), np.full((2, 4), 0.25)])
    with pytest.raises(ValueError, match="2 labels"):
        metrics.paired_differences(y_true, [np.full((3, 2), 0.5)] * 2)
