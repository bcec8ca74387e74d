"""Two numbers of each picture, and three boundaries between classes drawn through them: straight, moderate, wiggly.

This is how recognition by hand-made features is taught: a boundary that follows every training picture (nearest
neighbour) is right on all of them and worse on others than a simpler one.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from anmok.explore.measures import MEASURES, Measure, known_measures
from anmok.metrics import rate_interval
from anmok.records import Interval

if TYPE_CHECKING:
    import pandas as pd

Wiggliness = Literal["straight", "moderate", "wiggly"]
#: Sides of the grid on which the regions are coloured.
GRID = 120
#: Share of the axis that is left free at each end.
MARGIN = 0.04
#: Axes end at these quantiles, a little beyond: a single picture of a million pixels must not squeeze all others.
ENDS = (0.005, 0.995)
#: Of the moderate boundary: powers of the two numbers up to this, inverse strengths that cross-validation tries.
POWER, STRENGTHS, FOLDS = 3, (0.01, 0.1, 1.0, 10.0, 100.0), 5
#: Pictures that pairs are judged by; more do not change which is best.
JUDGED = 1500
#: Two measures that agree so well (Pearson's correlation) are one, and make a plane of one line.
ALIKE = 0.95
#: What no pair is suggested with: it says what brightness says, or how a file was stored.
NOT_SUGGESTED = frozenset({"mean_pixel", "bytes"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Boundary:
    """One way to divide the plane.

    Attributes:
        kind: how freely it may bend.
        train, test: accuracy with its 95 % interval, 0-1; only the latter is a result.
        regions: one text a row of the grid, from the bottom; each digit is the number of the class answered there.
    """

    kind: Wiggliness
    train: Interval
    test: Interval
    regions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One measure as an axis: its name, ends in the measure's unit, and whether ratios count."""

    measure: str
    low: float
    high: float
    logarithmic: bool


@dataclass(frozen=True, slots=True)
class PairScore:
    """How well two measures tell the classes apart: accuracy in cross-validation on training pictures, 0-1."""

    x: str
    y: str
    accuracy: float


def plane_measures(table: pd.DataFrame) -> dict[str, Measure]:
    """Return the measures that can be axes, by name: those of exploring, and the mean of each channel."""
    channels = (_channel(name) for name in ("mean_r", "mean_g", "mean_b") if name in table.columns)
    chosen = [*known_measures(table), *(one for one in channels if table[one.name].notna().any())]
    return {measure.name: measure for measure in chosen}


def all_measure_names() -> tuple[str, ...]:
    """Return every name that ``--x`` and ``--y`` know."""
    return (*(measure.name for measure in MEASURES), "mean_r", "mean_g", "mean_b")


def _channel(name: str) -> Measure:
    def of(table: pd.DataFrame) -> NDArray[np.float64]:
        values: NDArray[np.float64] = table[name].to_numpy(dtype=np.float64)
        return values

    return Measure(name=name, columns=(name,), of=of)


def values_of(measure: Measure, table: pd.DataFrame) -> NDArray[np.float64]:
    """Return float64 ``(N,)`` as they stand on the axis: the logarithm (base 10) where ratios count; NaN: unknown."""
    values = measure.of(table)
    if not measure.logarithmic:
        return values
    with np.errstate(divide="ignore", invalid="ignore"):
        # A sharpness of 0 (one colour) has no logarithm; a hundredth is below all that has any.
        return np.log10(np.maximum(values, 0.01))


def axis_of(measure: Measure, values: NDArray[np.float64]) -> Axis:
    """Return the axis for values ``(N,)`` as ``values_of`` gives them; its ends are in the same scale."""
    low, high = (float(end) for end in np.quantile(values, ENDS))
    room = MARGIN * (high - low) or 0.5
    return Axis(measure=measure.name, low=low - room, high=high + room, logarithmic=measure.logarithmic)


def draw_boundaries(
    train: NDArray[np.float64],
    train_labels: NDArray[np.int64],
    test: NDArray[np.float64],
    test_labels: NDArray[np.int64],
    axes: tuple[Axis, Axis],
    *,
    seed: int = 0,
) -> tuple[Boundary, ...]:
    """Learn the three boundaries from training points and measure them on both.

    Args:
        train, test: float64 ``(N, 2)`` and ``(M, 2)``, finite.
        train_labels, test_labels: from 0 to K-1.
        axes: where the regions are drawn.
        seed: of the folds.
    """
    centre, scale = train.mean(axis=0), train.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)

    def ready(points: NDArray[np.float64]) -> NDArray[np.float64]:
        scaled: NDArray[np.float64] = (points - centre) / scale
        return scaled

    sides = [np.linspace(axis.low, axis.high, GRID) for axis in axes]
    grid = ready(np.stack(np.meshgrid(*sides), axis=-1).reshape(-1, 2))
    boundaries = []
    for kind, model in _models(train_labels, seed).items():
        model.fit(ready(train), train_labels)
        rows = model.predict(grid).reshape(GRID, GRID)
        boundaries.append(
            Boundary(
                kind=kind,
                train=_accuracy(model.predict(ready(train)) == train_labels),
                test=_accuracy(model.predict(ready(test)) == test_labels),
                regions=tuple("".join(map(str, row)) for row in rows.tolist()),
            )
        )
    return tuple(boundaries)


def _models(labels: NDArray[np.int64], seed: int) -> dict[Wiggliness, Any]:
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV, StratifiedKFold
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import PolynomialFeatures, StandardScaler

    folds = max(2, min(FOLDS, int(np.bincount(labels)[np.unique(labels)].min())))
    curved = make_pipeline(
        PolynomialFeatures(POWER, include_bias=False), StandardScaler(), LogisticRegression(max_iter=2000)
    )
    moderate = GridSearchCV(
        curved,
        {"logisticregression__C": list(STRENGTHS)},
        scoring="neg_log_loss",
        cv=StratifiedKFold(folds, shuffle=True, random_state=seed),
    )
    return {
        "straight": LogisticRegression(max_iter=2000),
        "moderate": moderate,
        "wiggly": KNeighborsClassifier(n_neighbors=1),
    }


def _accuracy(right: NDArray[np.bool_]) -> Interval:
    low, high = rate_interval(right.sum(), len(right))
    return Interval(float(right.mean()), float(low), float(high))


def judge_pairs(
    table: pd.DataFrame, labels: NDArray[np.int64], *, x: str = "", y: str = "", seed: int = 0
) -> tuple[PairScore, ...]:
    """Return pairs of measures, the one that tells the classes apart best first, judged on training pictures alone.

    Judged by quadratic discriminant analysis, whose boundaries are curved and which takes milliseconds, in
    cross-validation.

    Args:
        table: of the training pictures. labels: int64 ``(N,)``.
        x, y: measures that are wanted; empty: any.
        seed: of the pictures that judge, and of the folds.
    """
    from sklearn.model_selection import StratifiedKFold

    random = np.random.default_rng(seed)
    rows = np.sort(random.permutation(len(labels))[:JUDGED])
    table, labels = table.iloc[rows], labels[rows]
    columns = {
        name: values
        for name, measure in plane_measures(table).items()
        if name in (x, y) or name not in NOT_SUGGESTED
        if np.isfinite(values := values_of(measure, table)).all() and np.ptp(values) > 0
    }
    folds = max(2, min(FOLDS, int(np.bincount(labels)[np.unique(labels)].min())))
    parts = list(StratifiedKFold(folds, shuffle=True, random_state=seed).split(labels, labels))
    scores = []
    for first, second in itertools.combinations(columns, 2):
        if {x, y} - {""} <= {first, second} and not (x and x == y):
            points = np.stack([columns[first], columns[second]], axis=1)
            if (accuracy := _judge(points, labels, parts)) > 0:
                flip = x == second or y == first
                scores.append(PairScore(*((second, first) if flip else (first, second)), accuracy))
    return tuple(sorted(scores, key=lambda pair: -pair.accuracy))


def _judge(
    points: NDArray[np.float64], labels: NDArray[np.int64], parts: Sequence[tuple[NDArray[Any], NDArray[Any]]]
) -> float:
    """Return the share of right answers in cross-validation, 0-1; 0 where two measures say the very same."""
    if _correlation(points) > ALIKE or not math.isfinite(points.sum()):
        return 0.0
    right = 0
    for learn, ask in parts:
        right += int((_quadratic(points[learn], labels[learn], points[ask]) == labels[ask]).sum())
    return right / len(labels)


def _correlation(points: NDArray[np.float64]) -> float:
    first, second = (points - points.mean(axis=0)).T
    return abs(float((first * second).sum())) / math.sqrt(float((first**2).sum() * (second**2).sum()) or 1.0)


def _quadratic(points: NDArray[np.float64], labels: NDArray[np.int64], asked: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the answers of quadratic discriminant analysis (Hastie et al., Elements of statistical learning, 4.3)."""
    present = np.unique(labels)
    # What keeps a class on a line, or a single picture, from having no spread at all.
    ridge = 1e-6 * np.diag(points.var(axis=0) + 1e-9)
    scores = []
    for label in present:
        own = points[labels == label]
        spread = (np.cov(own.T) if len(own) > 2 else np.cov(points.T)) + ridge
        apart = asked - own.mean(axis=0)
        distance = np.einsum("nd,de,ne->n", apart, np.linalg.inv(spread), apart)
        scores.append(math.log(len(own)) - 0.5 * (distance + math.log(np.linalg.det(spread))))
    best: NDArray[np.int64] = present[np.argmax(np.stack(scores), axis=0)]
    return best
