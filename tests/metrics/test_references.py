"""Every measure equals what scikit-learn, torchmetrics, statsmodels or scipy say, on whatever hypothesis draws.

Figures within 1e-9, intervals within 1e-6. A public function of ``anmok.metrics`` without a line here fails a test.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import sklearn.metrics as sk
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from sklearn.calibration import calibration_curve

from anmok import metrics
from anmok.metrics.counts import ClassCounts
from metrics.drawn import Drawn, answers

Y, P = np.ndarray, np.ndarray


def _counts(y: Y, p: P) -> ClassCounts:
    return metrics.count_classes(metrics.confusion_matrix(y, p.argmax(1), p.shape[1]))


def _rates(y: Y, p: P, number: int, average: str | None) -> object:
    labels = range(p.shape[1]) if average is None else np.unique(y)
    return sk.precision_recall_fscore_support(y, p.argmax(1), labels=labels, average=average, zero_division=0)[number]


def _areas(y: Y, p: P) -> list[float]:
    classes = [1] if p.shape[1] == 2 else range(p.shape[1])
    return [sk.roc_auc_score(y == c, p[:, c]) for c in classes if 0 < (y == c).sum() < len(y)]


def _area(y: Y, p: P) -> float:
    areas = _areas(y, p)
    return float(np.mean(areas)) if areas else float("nan")


def _torch(stated: np.ndarray, came_true: np.ndarray, norm: str = "l1") -> float:
    # The form for two classes; the one for more computes in float32, and does the same with confidences.
    import torch
    from torchmetrics.functional.classification import binary_calibration_error

    pair = torch.tensor(stated), torch.tensor(came_true.astype(int))
    return float(binary_calibration_error(*pair, n_bins=15, norm=norm))


def _sk_brier(y: Y, p: P) -> float:
    return float(sk.brier_score_loss(y, p, labels=range(p.shape[1])))


def _sk_log_loss(y: Y, p: P) -> float:
    return float(sk.log_loss(y, y_proba=p, labels=range(p.shape[1])))


#: name: ours and the reference, both of labels (N,) and float64 probabilities (N, C).
PAIRS: dict[str, tuple[Callable[[Y, P], object], Callable[[Y, P], object]]] = {
    "confusion_matrix": (
        lambda y, p: metrics.confusion_matrix(y, p.argmax(1), p.shape[1]),
        lambda y, p: sk.confusion_matrix(y, p.argmax(1), labels=range(p.shape[1])),
    ),
    "count_classes": (lambda y, p: _counts(y, p).true, lambda y, p: _rates(y, p, 3, None)),
    "accuracy": (lambda y, p: metrics.accuracy(_counts(y, p)), lambda y, p: sk.accuracy_score(y, p.argmax(1))),
    "balanced_accuracy": (
        lambda y, p: metrics.balanced_accuracy(_counts(y, p)),
        lambda y, p: _rates(y, p, 1, "macro"),
    ),
    "precision": (lambda y, p: metrics.precision(_counts(y, p)), lambda y, p: _rates(y, p, 0, None)),
    "recall": (lambda y, p: metrics.recall(_counts(y, p)), lambda y, p: _rates(y, p, 1, None)),
    "f1": (lambda y, p: metrics.f1(_counts(y, p)), lambda y, p: _rates(y, p, 2, None)),
    "macro": (
        lambda y, p: metrics.macro(metrics.f1(_counts(y, p)), _counts(y, p)),
        lambda y, p: _rates(y, p, 2, "macro"),
    ),
    "weighted": (
        lambda y, p: metrics.weighted(metrics.precision(_counts(y, p)), _counts(y, p)),
        lambda y, p: _rates(y, p, 0, "weighted"),
    ),
    "log_loss": (metrics.log_loss, _sk_log_loss),
    "brier_score": (metrics.brier_score, _sk_brier),
    "picture_log_loss": (
        metrics.picture_log_loss,
        lambda y, p: [_sk_log_loss(y[i : i + 1], p[i : i + 1]) for i in range(len(y))],
    ),
    "picture_brier_score": (
        metrics.picture_brier_score,
        lambda y, p: [_sk_brier(y[i : i + 1], p[i : i + 1]) for i in range(len(y))],
    ),
    "roc_auc": (lambda y, p: metrics.roc_auc(y, p).value, _area),
    "reliability": (
        lambda y, p: _shown(metrics.reliability(p[:, 0], y == 0)),
        lambda y, p: calibration_curve(y == 0, p[:, 0], n_bins=15),
    ),
    "answered": (
        lambda y, p: np.stack(metrics.answered(y, p)),
        lambda y, p: np.stack([p.max(1), y == p.argmax(1)]),
    ),
}
#: The same, but bins are closed on the other side there, so that only answers that lie on no edge are compared.
PAIRS_OFF_EDGES: dict[str, tuple[Callable[[Y, P], object], Callable[[Y, P], object]]] = {
    "expected_calibration_error": (metrics.expected_calibration_error, lambda y, p: _torch(p.max(1), p.argmax(1) == y)),
    "maximum_calibration_error": (
        metrics.maximum_calibration_error,
        lambda y, p: _torch(p.max(1), p.argmax(1) == y, "max"),
    ),
    "classwise_calibration_error": (
        metrics.classwise_calibration_error,
        lambda y, p: [_torch(p[:, c], y == c) for c in range(p.shape[1])],
    ),
}
#: Intervals and p-values, and where they are held against a reference: below, or in the file of that name.
ELSEWHERE = {
    "rate_interval": "test_references",
    "f1_interval": "test_references",
    "auc_interval": "test_references",
    "average_intervals": "test_references",
    "mean_auc_interval": "test_references",
    "calibration_error": "test_calibration",
    "draw_weights": "test_intervals",
    "resamples_for": "test_intervals",
}


def _shown(seen: metrics.Reliability) -> tuple[np.ndarray, np.ndarray]:
    return seen.hits / seen.pictures, seen.confidence


def _check(pair: tuple[Callable[[Y, P], object], Callable[[Y, P], object]], drawn: Drawn) -> None:
    ours, reference = pair
    np.testing.assert_allclose(np.asarray(ours(*drawn), float), np.asarray(reference(*drawn), float), rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", PAIRS)
@settings(max_examples=25)
@given(drawn=answers())
def test_a_figure_equals_its_reference(name: str, drawn: Drawn) -> None:
    _check(PAIRS[name], drawn)


@pytest.mark.parametrize("name", PAIRS_OFF_EDGES)
@settings(max_examples=25)
@given(seed=st.integers(0, 2**32 - 1), classes=st.integers(2, 7), pictures=st.integers(1, 200))
def test_a_calibration_error_equals_torchmetrics(name: str, seed: int, classes: int, pictures: int) -> None:
    random = np.random.default_rng(seed)
    p = random.dirichlet(np.full(classes, 0.4), size=pictures)
    _check(PAIRS_OFF_EDGES[name], (random.integers(classes, size=pictures), p))


@given(answers())
def test_bins_of_equal_mass_equal_scikit_learns_quantiles(drawn: Drawn) -> None:
    y, p = drawn
    seen = metrics.reliability(p[:, 0], y == 0, kind="equal-mass", bins=6)
    wanted = calibration_curve(y == 0, p[:, 0], n_bins=6, strategy="quantile")
    np.testing.assert_allclose(_shown(seen), wanted, rtol=0, atol=1e-9)


def test_every_public_measure_is_held_against_a_reference() -> None:
    measures = {name for name in metrics.__all__ if inspect.isfunction(getattr(metrics, name))}
    # Those of comparisons between models have files of their own.
    compared = {
        name
        for name in measures
        if getattr(metrics, name).__module__.split(".")[-1] in ("mcnemar", "paired", "corrections")
    }
    assert measures - compared == set(PAIRS) | set(PAIRS_OFF_EDGES) | set(ELSEWHERE)
    for name, file in ELSEWHERE.items():
        assert f"metrics.{name}(" in Path(__file__).with_name(f"{file}.py").read_text("utf-8")


# Intervals


@given(st.integers(8, 10_000).flatmap(lambda n: st.tuples(st.integers(4, n - 4), st.just(n))))
def test_the_interval_of_a_rate_equals_statsmodels_wilson_away_from_0_and_1(pair: tuple[int, int]) -> None:
    from statsmodels.stats.proportion import proportion_confint

    got = [float(limit) for limit in metrics.rate_interval(*pair)]
    assert got == pytest.approx(proportion_confint(*pair, method="wilson"), abs=1e-6)


@given(st.integers(1, 300), st.integers(0, 300), st.integers(0, 300))
def test_the_f1_interval_is_the_transformed_interval_of_the_overlap(hits: int, missed: int, wrong: int) -> None:
    from statsmodels.stats.proportion import proportion_confint

    union = hits + missed + wrong
    got = [float(limit) for limit in metrics.f1_interval(hits, hits + missed, hits + wrong)]
    if 4 <= hits <= union - 4 or hits == union:
        low, high = proportion_confint(hits, union, method="wilson")
        assert got == pytest.approx((2 * low / (1 + low), 2 * high / (1 + high)), abs=1e-6)


@given(st.floats(0.02, 0.98), st.lists(st.integers(2, 60), min_size=1, max_size=5), st.integers(3, 80))
def test_the_interval_of_the_roc_auc_ends_where_newcombes_equation_holds(
    area: float, positives: list[int], rest: int
) -> None:
    """Newcombe 2006, method 5, written out and solved by scipy."""
    pictures = max(positives) + rest

    def distance(theta: float) -> float:
        variances = []
        for m in positives:
            n = pictures - m
            star = (m + n) / 2 - 1
            spread = 1 + star * (1 - theta) / (2 - theta) + star * theta / (1 + theta)
            variances.append(theta * (1 - theta) * spread / (m * n))
        return float(abs(area - theta) - 1.959963984540054 * np.sqrt(sum(variances)) / len(variances))

    low = brentq(distance, 1e-12, area, xtol=1e-10) if distance(1e-12) > 0 else 0.0
    high = brentq(distance, area, 1 - 1e-12, xtol=1e-10) if distance(1 - 1e-12) > 0 else 1.0
    assert metrics.auc_interval(area, positives, pictures) == pytest.approx((low, high), abs=1e-6)


def _averages(y: Y, p: P) -> dict[str, float]:
    """Return all ``metrics.AVERAGES`` by scikit-learn."""
    values = {"balanced_accuracy": _rates(y, p, 1, "macro")}
    for average in ("macro", "weighted"):
        for number, name in enumerate(("precision", "recall", "f1")):
            values[f"{average}_{name}"] = _rates(y, p, number, average)
    return {**values, "roc_auc": _area(y, p), "log_loss": _sk_log_loss(y, p), "brier_score": _sk_brier(y, p)}


def _largest_loss(name: str, y: Y, p: P) -> float:
    """Return the upper limit of a mean loss, in plain loops over scikit-learn's losses of single answers."""
    loss = {"log_loss": _sk_log_loss, "brier_score": _sk_brier}[name]
    rights, wrongs, stated, weights = [], [], 0.0, 0.0
    for row in range(len(y)):
        answer = p[row].argmax()
        (rights if answer == y[row] else wrongs).append(loss(y[row : row + 1], p[row : row + 1]))
        for other in set(range(p.shape[1])) - {answer}:
            weight = p[row, other] + 1e-12
            stated += weight * loss(np.array([other]), p[row : row + 1])
            weights += weight
    share = float(metrics.rate_interval(len(wrongs), len(y))[1])
    wrong = (sum(wrongs) + stated / weights) / (len(wrongs) + 1)
    return (1 - share) * (sum(rights) / len(rights) if rights else 0.0) + share * wrong


def _wider(name: str, value: float, y: Y, p: P) -> tuple[float, float]:
    """Return the analytic interval that a resampled one is joined with."""
    classes = p.shape[1]
    sizes = np.bincount(y, minlength=classes)
    if name in ("log_loss", "brier_score"):
        return value, _largest_loss(name, y, p)
    present = sizes[sizes > 0]
    effective = len(y) if name.startswith("weighted") else len(present) ** 2 / (1 / present).sum()
    low, high = metrics.rate_interval(value * effective, effective)
    return float(low), float(high)


@settings(max_examples=4)
@given(answers(most_pictures=30))
def test_resampled_intervals_are_the_percentiles_of_scikit_learns_figures_over_repeated_pictures(drawn: Drawn) -> None:
    y, p = drawn
    got = metrics.average_intervals(y, p, seed=3, resamples=20)
    repeats = np.concatenate(list(metrics.draw_weights(len(y), 20, seed=3))).astype(int)
    drawn_figures = [_averages(np.repeat(y, row), np.repeat(p, row, axis=0)) for row in repeats]
    values = _averages(y, p)
    right, sizes = (p.argmax(1) == y).sum(), np.unique(y, return_counts=True)[1]
    few = min(right, len(y) - right) < 10 and len(sizes) ** 2 / (1 / sizes).sum() >= 0.8 * len(y)
    got.pop("roc_auc", None)  # not resampled; below
    for name, interval in got.items():
        limits = np.nanquantile([figures[name] for figures in drawn_figures], (0.025, 0.975))
        wide = _wider(name, values[name], y, p)
        if few and name not in ("log_loss", "brier_score"):
            limits = wide
        wanted = (values[name], min(limits[0], values[name], wide[0]), max(limits[1], values[name], wide[1]))
        assert (interval.value, interval.low, interval.high) == pytest.approx(wanted, abs=1e-6), name


def _delong(y: Y, p: P) -> tuple[float, float]:
    """Return the mean area and its variance as DeLong and others write them, in plain loops over pairs."""
    classes = [1] if p.shape[1] == 2 else [c for c in range(p.shape[1]) if 0 < (y == c).sum() < len(y)]
    rows = np.zeros((len(classes), len(y)))
    areas = []
    for number, c in enumerate(classes):
        ours, rest = np.flatnonzero(y == c), np.flatnonzero(y != c)
        pairs = np.array([[(p[i, c] > p[j, c]) + 0.5 * (p[i, c] == p[j, c]) for j in rest] for i in ours])
        area = pairs.mean()
        areas.append(area)
        rows[number, ours] = (pairs.mean(axis=1) - area) / np.sqrt(len(ours) * (len(ours) - 1))
        rows[number, rest] = (pairs.mean(axis=0) - area) / np.sqrt(len(rest) * (len(rest) - 1))
    covariance = rows @ rows.T
    return float(np.mean(areas)), float(covariance.mean())


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32 - 1), classes=st.integers(2, 4), ties=st.booleans())
def test_the_interval_of_the_mean_area_equals_delongs_on_the_logit_scale(seed: int, classes: int, ties: bool) -> None:
    random = np.random.default_rng(seed)
    y = np.repeat(np.arange(classes), 10 + random.integers(10, size=classes))
    logits = random.normal(size=(len(y), classes)) + np.eye(classes)[y]
    logits = logits.round() if ties else logits
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    mean, variance = _delong(y, p)
    got = metrics.mean_auc_interval(y, p)
    half = 1.959963984540054 * np.sqrt(variance) / (mean * (1 - mean))
    limits = [1 / (1 + np.exp(-(np.log(mean / (1 - mean)) + sign * half))) for sign in (-1, 1)]
    assert got is not None
    assert got.value == pytest.approx(_area(y, p), abs=1e-9)
    assert (got.low, got.high) == pytest.approx(limits, abs=1e-6)


def test_classes_that_are_told_apart_without_a_mistake_have_newcombes_interval_of_the_area() -> None:
    y = np.repeat([0, 1], 10)
    got = metrics.mean_auc_interval(y, np.eye(2)[y] * 0.6 + 0.2)
    assert got is not None
    assert (got.low, got.high) == metrics.auc_interval(1.0, [10], 20)
