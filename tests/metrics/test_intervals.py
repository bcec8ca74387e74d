"""Intervals: published values, scipy, and how often they really hold the truth."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest, chi2

from anmok import metrics
from anmok.metrics.intervals import effective_pictures
from metrics.drawn import Drawn, answers


@pytest.mark.parametrize(
    ("hits", "total", "low", "high"),
    [
        # R. G. Newcombe, Statistics in Medicine 17 (1998) 857, table I, method 3. The last one's lower limit is 0.0061
        # there; with one hit it is -log(0.95) / 29 instead (Brown, Cai and DasGupta 2001, section 4.1.1).
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.00177, 0.1718),
    ],
)
def test_the_interval_of_a_rate_gives_published_values(hits: int, total: int, low: float, high: float) -> None:
    got = metrics.rate_interval(hits, total)
    assert [float(x) for x in got] == pytest.approx([low, high], abs=5e-5)


def reference_interval(hits: int, total: int) -> tuple[float, float]:
    """Wilson's interval by scipy, modified with scipy's chi-squared as Brown, Cai and DasGupta write it."""
    plain = binomtest(hits, total).proportion_ci(method="wilson")
    low, high = float(plain.low), float(plain.high)
    few = 2 if total <= 50 else 3
    if 1 <= hits <= few and hits < total / 2:
        low = chi2.ppf(0.05, 2 * hits) / (2 * total)
    if 1 <= total - hits <= few and total - hits < total / 2:
        high = 1 - chi2.ppf(0.05, 2 * (total - hits)) / (2 * total)
    return low, high


def some_hits(total: int) -> st.SearchStrategy[tuple[int, int]]:
    """Any number of hits out of ``total``; the few and the nearly all, which have limits of their own, often."""
    edges = [hits for hits in (0, 1, 2, 3, 4, total - 4, total - 3, total - 2, total - 1, total) if 0 <= hits <= total]
    return st.tuples(st.one_of(st.integers(0, total), st.sampled_from(edges)), st.just(total))


@given(st.one_of(st.integers(1, 60), st.integers(1, 100_000)).flatmap(some_hits))
def test_the_interval_of_a_rate_equals_the_modified_wilson_interval_by_scipy(pair: tuple[int, int]) -> None:
    hits, total = pair
    low, high = metrics.rate_interval(hits, total)
    assert (float(low), float(high)) == pytest.approx(reference_interval(hits, total), abs=1e-9)
    assert 0 <= low <= hits / total <= high <= 1


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0.1, 500))
def test_numbers_that_are_not_whole_have_intervals_that_hold_their_rate_and_rise_with_it(
    one: float, other: float, total: float
) -> None:
    rates = np.sort([one, other])
    low, high = metrics.rate_interval(rates * total, total)
    assert (low >= 0).all()
    assert (low <= rates + 1e-12).all()
    assert (rates - 1e-12 <= high).all()
    assert (high <= 1).all()
    assert low[0] <= low[1] + 1e-12
    assert high[0] <= high[1] + 1e-12


def test_the_interval_of_no_pictures_at_all_is_everything() -> None:
    low, high = metrics.rate_interval(np.array([0, 3]), np.array([0, 3]))
    assert (low[0], high[0]) == (0.0, 1.0)
    assert low[1] > 0.4


@pytest.mark.parametrize(("total", "least"), [(20, 0.91), (50, 0.915), (200, 0.925), (1000, 0.93)])
def test_the_interval_of_a_rate_holds_every_rate_about_95_of_100_times(total: int, least: float) -> None:
    """By enumeration of all numbers of hits, and not by lot."""
    hits = np.arange(total + 1)
    low, high = metrics.rate_interval(hits, total)
    rates = np.linspace(0.001, 0.999, 1997)
    held = [float(binom.pmf(hits, total, rate)[(low <= rate) & (rate <= high)].sum()) for rate in rates]
    assert min(held) >= least
    assert 0.945 <= np.mean(held) <= 0.96


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 50))
def test_the_f1_interval_holds_the_f1_and_is_never_a_point(hits: int, missed: int, wrong: int) -> None:
    true, predicted = hits + missed, hits + wrong
    low, high = metrics.f1_interval(hits, true, predicted)
    value = 2 * hits / (true + predicted) if true + predicted else 0.0
    assert 0 <= low <= value <= high <= 1
    assert high - low > 0.01


@given(answers(most_pictures=15))
def test_every_interval_holds_its_value_and_is_finite(drawn: Drawn) -> None:
    intervals = metrics.average_intervals(*drawn, resamples=50)
    assert set(metrics.AVERAGES) - set(intervals) <= {"roc_auc"}
    for name, interval in intervals.items():
        assert np.isfinite([interval.low, interval.value, interval.high]).all()
        assert interval.low <= interval.value <= interval.high
        if "log" not in name and name != "brier_score":
            assert 0 <= interval.low <= interval.high <= 1


def test_the_values_beside_the_intervals_are_the_plain_metrics() -> None:
    random = np.random.default_rng(1)
    y_true = random.integers(5, size=200)
    probabilities = random.dirichlet(np.ones(5), size=200)
    counts = metrics.count_classes(metrics.confusion_matrix(y_true, probabilities.argmax(axis=1), 5))
    got = metrics.average_intervals(y_true, probabilities, resamples=20)
    wanted = {
        "balanced_accuracy": metrics.balanced_accuracy(counts),
        "macro_precision": metrics.macro(metrics.precision(counts), counts),
        "macro_recall": metrics.macro(metrics.recall(counts), counts),
        "macro_f1": metrics.macro(metrics.f1(counts), counts),
        "weighted_precision": metrics.weighted(metrics.precision(counts), counts),
        "weighted_recall": metrics.accuracy(counts),
        "weighted_f1": metrics.weighted(metrics.f1(counts), counts),
        "roc_auc": metrics.roc_auc(y_true, probabilities).value,
        "log_loss": metrics.log_loss(y_true, probabilities),
        "brier_score": metrics.brier_score(y_true, probabilities),
    }
    assert {name: interval.value for name, interval in got.items()} == pytest.approx(
        {name: float(value) for name, value in wanted.items()}, abs=1e-9
    )


def test_the_limits_are_the_percentiles_over_really_repeated_pictures() -> None:
    """The vectorised resampling against the plain way: repeat the pictures, measure again."""
    random = np.random.default_rng(2)
    y_true = random.integers(3, size=60)
    probabilities = random.dirichlet(np.ones(3), size=60)
    got = metrics.average_intervals(y_true, probabilities, seed=9, resamples=100)["log_loss"]
    (weights,) = metrics.draw_weights(60, 100, seed=9)
    losses = []
    for row in weights:
        repeated = np.repeat(np.arange(60), row.astype(int))
        losses.append(metrics.log_loss(y_true[repeated], probabilities[repeated]))
    assert [got.low, got.high] == pytest.approx(list(np.quantile(losses, [0.025, 0.975])), abs=1e-9)


def test_the_same_seed_gives_the_same_intervals_and_another_seed_others() -> None:
    random = np.random.default_rng(3)
    y_true, probabilities = random.integers(3, size=80), random.dirichlet(np.ones(3), size=80)
    first = metrics.average_intervals(y_true, probabilities, seed=4, resamples=100)
    assert metrics.average_intervals(y_true, probabilities, seed=4, resamples=100) == first
    assert metrics.average_intervals(y_true, probabilities, seed=5, resamples=100)["log_loss"] != first["log_loss"]


def test_twenty_right_answers_out_of_twenty_are_no_certainty() -> None:
    y_true = np.repeat([0, 1], 10)
    probabilities = np.where(np.eye(2)[y_true] > 0, 0.9, 0.1)
    intervals = metrics.average_intervals(y_true, probabilities)
    for name in ("balanced_accuracy", "macro_f1", "weighted_f1", "roc_auc"):
        assert intervals[name].value == intervals[name].high == 1
        assert 0.6 < intervals[name].low < 0.9
    assert intervals["balanced_accuracy"].low == pytest.approx(float(metrics.rate_interval(20, 20)[0]), abs=1e-9)


def test_a_small_class_counts_for_as_few_pictures_as_it_has() -> None:
    assert effective_pictures(np.array([50.0, 50.0, 0.0])) == pytest.approx(100)
    assert effective_pictures(np.array([990.0, 10.0])) == pytest.approx(4 / (1 / 990 + 1 / 10))


def test_pictures_are_drawn_as_often_as_there_are_and_each_equally_often_on_average() -> None:
    weights = np.concatenate(list(metrics.draw_weights(200_000, 25, seed=0)))
    assert weights.shape == (25, 200_000)
    assert (weights.sum(axis=1) == 200_000).all()
    # How often one picture comes is nearly a Poisson number of mean 1.
    shares = np.bincount(weights.astype(int).ravel())[:4] / weights.size
    assert shares == pytest.approx([0.3679, 0.3679, 0.1839, 0.0613], abs=0.002)


def test_very_large_sets_are_resampled_less_often_but_never_below_two_hundred() -> None:
    assert metrics.resamples_for(500, 100, 2000) == 2000
    assert metrics.resamples_for(50_000, 2, 2000) == 2000
    assert metrics.resamples_for(10_000, 100, 2000) == 500
    assert metrics.resamples_for(10**6, 1000, 2000) == 200
    assert metrics.resamples_for(10**6, 1000, 50) == 50


def _outcomes(random: np.random.Generator, sizes: tuple[int, ...], rights: tuple[float, ...]) -> Drawn:
    """Pictures of classes of some sizes, answered right at some rates; scores that rank the classes not perfectly."""
    y_true = np.repeat(np.arange(len(sizes)), sizes)
    logits = random.normal(size=(len(y_true), len(sizes)))
    right = random.random(len(y_true)) < np.array(rights)[y_true]
    winner = np.where(right, y_true, (y_true + random.integers(1, len(sizes), size=len(y_true))) % len(sizes))
    logits[np.arange(len(y_true)), winner] += 6
    scores = np.exp(logits)
    return y_true, scores / scores.sum(axis=1, keepdims=True)


@pytest.mark.parametrize(
    ("sizes", "rights"),
    [((20, 20, 20), (0.95, 0.9, 0.7)), ((50, 10), (0.95, 0.8)), ((15,) * 6, (0.97,) * 6)],
    ids=["three classes", "one small class", "nearly perfect"],
)
def test_about_95_of_100_intervals_hold_the_true_balanced_accuracy(
    sizes: tuple[int, ...], rights: tuple[float, ...]
) -> None:
    random = np.random.default_rng(6)
    truth, held, rounds = float(np.mean(rights)), 0, 300
    for _round in range(rounds):
        y_true, probabilities = _outcomes(random, sizes, rights)
        interval = metrics.average_intervals(y_true, probabilities, resamples=300)["balanced_accuracy"]
        held += interval.low <= truth <= interval.high
    # 300 rounds of a 95 % interval: below 0.915 only once in some hundred times.
    assert held / rounds >= 0.915


def test_about_95_of_100_intervals_hold_the_true_roc_auc_and_log_loss() -> None:
    random = np.random.default_rng(7)
    shape = ((30, 30, 30), (0.9, 0.8, 0.85))
    large = [_outcomes(random, tuple(1000 * n for n in shape[0]), shape[1]) for _ in range(3)]
    truth = {
        "roc_auc": np.mean([metrics.roc_auc(*pair).value for pair in large]),
        "log_loss": np.mean([metrics.log_loss(*pair) for pair in large]),
    }
    held = dict.fromkeys(truth, 0)
    for _round in range(200):
        intervals = metrics.average_intervals(*_outcomes(random, *shape), resamples=300)
        for name, value in truth.items():
            held[name] += intervals[name].low <= value <= intervals[name].high
    assert held["roc_auc"] >= 181
    assert held["log_loss"] >= 181


def test_measuring_loads_neither_pandas_nor_scikit_learn() -> None:
    code = "import sys, anmok.metrics; print(sorted({'pandas', 'sklearn', 'scipy', 'torch'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
