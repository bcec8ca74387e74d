"""Heads on vectors: logistic regression whose strength is chosen by cross-validation, as one affine map.

A head sees the vectors of a frozen extractor, so it costs seconds and needs no PyTorch. It stays affine in the
vectors (``logits = vectors @ W.T + b``; the standardisation is folded into W and b), because then a bundle is the
extractor's graph with one Gemm behind it.
"""

from __future__ import annotations

import functools
import os
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anmok.data.balance import class_weights
from anmok.errors import TooFewPictures
from anmok.i18n import _
from anmok.training.folds import Fold, fold_plan, with_views
from anmok.training.heads_affine import AffineHead

#: Inverse strengths that cross-validation tries, weakest head first: half decades from 1e-4 to 1.
STRENGTHS = tuple(float(f"{10 ** (step / 2):.3g}") for step in range(-8, 1))
#: Share of the log loss by which one strength is clearly better than another. A weaker penalty must be clearly
#: better to be preferred: of two nearly equal heads the smoother.
CLEARLY = 0.01
#: The path of strengths is left after this many that were clearly worse than the best.
WORSE_STRENGTHS = 2
#: Temperatures that are tried lie between these; strong penalties give timid heads, which need small ones.
TEMPERATURES = (1e-3, 1e2)
#: lbfgs: largest gradient at which it stops. Choosing among strengths needs less than the final head.
ROUGH_TOLERANCE, TOLERANCE, ITERATIONS = 1e-3, 1e-4, 2000
#: A feature that hardly varies is not blown up: its scale is at least this share of the median scale.
SMALLEST_SCALE = 1e-2
#: Probabilities are kept this far from 0 where the log loss is computed.
EPSILON = 1e-7


@dataclass(frozen=True, slots=True)
class HeadFit:
    """A fitted head and how it came to be.

    Attributes:
        head: fitted on all vectors with the chosen strength.
        strength: the chosen C of scikit-learn's LogisticRegression (inverse of the L2 penalty).
        folds: of the cross-validation.
        path: ``(C, log loss, accuracy)`` of each strength that was tried; both out of fold, the mean log loss at
            its best temperature.
        out_of_fold: float32 ``(M, K)``, for each of the vectors that are ``asked`` the probabilities by a head that did
            not see it (nor anything of its group): what calibration needs. Where a class is one group alone, no fold
            can leave it out and still know it; its rows hold the shares of the classes.
        left_out: bool ``(M,)``, those that a fold did leave out.
    """

    head: AffineHead
    strength: float
    folds: int
    path: tuple[tuple[float, float, float], ...]
    out_of_fold: NDArray[np.float32]
    left_out: NDArray[np.bool_]


def fit_logistic(
    vectors: NDArray[np.float32],
    labels: NDArray[np.int64],
    seed: int = 0,
    *,
    classes: int | None = None,
    groups: Sequence[str] | None = None,
    asked: int | None = None,
    strengths: Sequence[float] = STRENGTHS,
    balanced: bool = False,
    threads: int = 0,
) -> HeadFit:
    """Fit multinomial logistic regression on standardised vectors, with its strength chosen by cross-validation.

    No validation pictures are held back: give train and valid together. Stratified folds that keep groups whole
    choose the strength with the least log loss. The log loss is taken at the temperature that suits each strength
    best, since a bundle is calibrated by a temperature afterwards: without it, heads would be preferred for being
    bold, not for being right. Along the path of strengths each fold's fit starts from the one before, and the path
    ends once the log loss rises (warm starts along a path: Friedman, Hastie, Tibshirani, Regularization
    paths for generalized linear models via coordinate descent, 2010). The result depends on the seed alone, not on
    ``threads``.

    Args:
        vectors: float32 ``(N, D)``, finite.
        labels: ``(N,)`` class numbers from 0.
        seed: of the folds.
        classes: K; by default one more than the largest label.
        groups: ``(N,)``; vectors of the same group share a fold. None: each is its own.
        asked: M, the first so many vectors are those of the pictures as they are; the others, of augmented views, are
            learned from but asked about nothing, in the folds too. None: all.
        strengths: rising inverse penalties C > 0.
        balanced: weigh pictures so that all classes count the same (``class_weights`` of ``anmok.data.balance``),
            where the head is fitted and where its strength is chosen. The probabilities are then those of pictures
            of which each class has as many.
        threads: folds fitted at the same time; 0 takes all cores.

    Raises:
        TooFewPictures: fewer than two classes have pictures.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    labels = np.asarray(labels, dtype=np.int64)
    count = int(labels.max(initial=-1)) + 1 if classes is None else classes
    if len(np.unique(labels)) < 2:
        raise TooFewPictures(
            _("All pictures to learn from show the same class; at least two classes are wanted."),
            hint=_("Add pictures of another class, or check how the pictures were split."),
        )
    weight_rule = "balanced" if balanced else None
    plan = fold_plan(labels[:asked], None if groups is None else groups[:asked], seed)
    if asked is not None:
        if groups is None:
            raise ValueError("views need groups, or a fold's head would know the pictures that it is asked about")
        plan = with_views(plan, np.asarray(groups, dtype=str))
    scaler = _Standardise.fit(vectors)
    model = _regression(weight_rule, tolerance=TOLERANCE)
    # BLAS threads that wait for each other made these small fits up to twenty times slower on a busy machine, and
    # their sums differ with the number of threads; so folds run side by side, each on one thread.
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(threads or os.cpu_count() or 1) as pool:
        choice = _choose_strength(_Vectors(vectors, labels, count, weight_rule), plan, strengths, pool)
        _fit(model.set_params(C=choice.strength), scaler(vectors), labels)
    return HeadFit(
        head=_folded(model, scaler, count),
        strength=choice.strength,
        folds=len(plan),
        path=choice.path,
        out_of_fold=choice.out_of_fold[:asked],
        left_out=np.isin(np.arange(len(labels[:asked])), [row for _known, part in plan for row in part]),
    )


def fit_at_strength(
    vectors: NDArray[np.float32], labels: NDArray[np.int64], strength: float, *, classes: int, balanced: bool = False
) -> AffineHead:
    """Fit the head of ``fit_logistic`` with a strength that was chosen before, which takes a small part of the time."""
    from threadpoolctl import threadpool_limits

    scaler = _Standardise.fit(vectors)
    model = _regression("balanced" if balanced else None, tolerance=TOLERANCE)
    with threadpool_limits(1, user_api="blas"):
        _fit(model.set_params(C=strength), scaler(vectors), labels)
    return _folded(model, scaler, classes)


@dataclass(frozen=True, slots=True)
class _Standardise:
    mean: NDArray[np.float64]
    scale: NDArray[np.float64]

    @classmethod
    def fit(cls, vectors: NDArray[np.float32]) -> _Standardise:
        mean = vectors.mean(axis=0, dtype=np.float64)
        scale = vectors.std(axis=0, dtype=np.float64)
        varying = scale[scale > 0]
        floor = SMALLEST_SCALE * float(np.median(varying)) if len(varying) else 1.0
        return cls(mean, np.maximum(scale, floor))

    def __call__(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        return ((vectors - self.mean) / self.scale).astype(np.float32)


@dataclass(frozen=True, slots=True)
class _Choice:
    strength: float
    path: tuple[tuple[float, float, float], ...]
    out_of_fold: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Vectors:
    """What the head learns from: vectors ``(N, D)``, labels ``(N,)``, the number of classes, the class weights."""

    values: NDArray[np.float32]
    labels: NDArray[np.int64]
    classes: int
    weight_rule: str | None


def _choose_strength(data: _Vectors, plan: list[Fold], strengths: Sequence[float], pool: ThreadPoolExecutor) -> _Choice:
    shares = np.bincount(data.labels, minlength=data.classes) / len(data.labels)
    nothing_known = np.tile(shares.astype(np.float32), (len(data.labels), 1))
    if not plan:
        return _Choice(strengths[len(strengths) // 2], (), nothing_known)
    measured = np.sort(np.concatenate([predict for _fit_rows, predict in plan]))
    weights = None
    if data.weight_rule is not None:
        weights = class_weights(data.labels[measured], classes=data.classes)[data.labels[measured]]
    folds = [_Fold(data, fold) for fold in plan]
    best: tuple[float, float, NDArray[np.float32]] | None = None
    path: list[tuple[float, float, float]] = []
    worse = 0
    for strength in strengths:
        out = nothing_known.copy()
        parts = pool.map(functools.partial(_Fold.probabilities, strength=strength), folds)
        for fold, part in zip(folds, parts, strict=True):
            out[fold.asked_rows] = part
        loss = _tempered_log_loss(out[measured], data.labels[measured], weights)
        path.append((strength, loss, float((out[measured].argmax(axis=1) == data.labels[measured]).mean())))
        if best is None or loss < best[0] * (1 - CLEARLY):
            best, worse = (loss, strength, out), 0
        elif loss > best[0] * (1 + CLEARLY):
            worse += 1
            if worse == WORSE_STRENGTHS:
                break
    assert best is not None
    return _Choice(best[1], tuple(path), best[2])


def _tempered_log_loss(
    probabilities: NDArray[np.float32], labels: NDArray[np.int64], weights: NDArray[np.float32] | None = None
) -> float:
    """Return the (weighted) mean log loss of ``softmax(log(probabilities) / T)`` at the T that makes it least."""
    from scipy.optimize import minimize_scalar
    from scipy.special import logsumexp

    logs = np.log(np.clip(probabilities.astype(np.float64), EPSILON, 1))
    rows = np.arange(len(labels))

    def loss(log_temperature: float) -> float:
        scaled = logs / np.exp(log_temperature)
        return float(np.average(logsumexp(scaled, axis=1) - scaled[rows, labels], weights=weights))

    low, high = np.log(TEMPERATURES)
    return float(minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-2}).fun)


class _Fold:
    """One fold's vectors and its classifier, which goes on from strength to strength."""

    def __init__(self, data: _Vectors, fold: Fold) -> None:
        known_rows, self.asked_rows = fold
        scaler = _Standardise.fit(data.values[known_rows])
        self._known, self._labels = scaler(data.values[known_rows]), data.labels[known_rows]
        self._asked = scaler(data.values[self.asked_rows])
        self._classes = data.classes
        self._model = _regression(data.weight_rule, tolerance=ROUGH_TOLERANCE)

    def probabilities(self, *, strength: float) -> NDArray[np.float32]:
        """Go on to ``strength`` and return float32 ``(n, K)`` for the rows that were left out."""
        _fit(self._model.set_params(C=strength), self._known, self._labels)
        result = np.zeros((len(self._asked), self._classes), dtype=np.float32)
        result[:, self._model.classes_] = self._model.predict_proba(self._asked)
        return result


def _regression(weight_rule: str | None, *, tolerance: float) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(max_iter=ITERATIONS, tol=tolerance, warm_start=True, class_weight=weight_rule)


def _fit(model: Any, vectors: NDArray[np.float32], labels: NDArray[np.int64]) -> None:
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        # A path that stops short of its last digits still ranks the strengths; cross-validation judges the result.
        warnings.simplefilter("ignore", ConvergenceWarning)
        # Two pictures of each of a hundred classes are few, but labels they are.
        warnings.filterwarnings("ignore", message="The number of unique classes is greater", category=UserWarning)
        model.fit(vectors, labels)


def _folded(model: Any, scaler: _Standardise, count: int) -> AffineHead:
    """Return the model with standardisation folded in and one logit for each class; two classes give two logits."""
    weight, bias = np.asarray(model.coef_, dtype=np.float64), np.asarray(model.intercept_, dtype=np.float64)
    if len(weight) == 1:
        # scikit-learn keeps one logit z for two classes; softmax of (-z/2, z/2) is the same probability.
        weight, bias = np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
    weight = weight / scaler.scale
    bias = bias - weight @ scaler.mean
    full_weight, full_bias = np.zeros((count, weight.shape[1])), np.full(count, np.log(EPSILON) + bias.min())
    full_weight[model.classes_], full_bias[model.classes_] = weight, bias
    return AffineHead(full_weight.astype(np.float32), full_bias.astype(np.float32))
