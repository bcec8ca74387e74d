"""Intervals as drawings: where a dot and its line stand on an axis, and the table of models that is made of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from anmok.evaluation.comparison import best_marks
from anmok.evaluation.results import HEADLINE_METRICS, LESS_IS_BETTER, Comparison, ModelResult
from anmok.i18n import _
from anmok.records import Interval
from anmok.report import words


@dataclass(frozen=True, slots=True)
class Axis:
    """The stretch of a metric that is drawn from the left to the right edge."""

    low: float
    high: float

    def at(self, value: float) -> float:
        """Return the position of ``value`` in per cent of the axis, 0-100; beyond the ends it stays at the end."""
        if not math.isfinite(value) or self.high <= self.low:
            return 0.0
        return round(min(1.0, max(0.0, (value - self.low) / (self.high - self.low))) * 100, 2)


UNIT_AXIS = Axis(0.0, 1.0)


@dataclass(frozen=True, slots=True)
class Score:
    """One figure with its interval, as text and as positions on its axis (0-100).

    ``sort`` orders figures in tables; ``drawn`` is False where there is no number to draw.
    """

    value: str
    span: str
    low: float
    middle: float
    high: float
    sort: float
    drawn: bool
    best: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """One metric of the table: its heading and the ends of its axis."""

    metric: str
    title: str
    unit: str
    meaning: str
    axis: Axis
    axis_low: str
    axis_high: str


@dataclass(frozen=True, slots=True)
class Row:
    """One model of the table; ``scores`` follow the columns, None where a metric could not be computed."""

    name: str
    title: str
    anchor: str
    recommended: bool
    scores: tuple[Score | None, ...]
    training: str
    speed: str
    size: str


@dataclass(frozen=True, slots=True)
class Table:
    """The table of models and metrics."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    remark: str


def score(metric: str, interval: Interval, axis: Axis = UNIT_AXIS, *, best: bool = False) -> Score:
    """Return a figure ready to be drawn."""
    return Score(
        value=words.figure(metric, interval.value),
        span=words.span(metric, interval),
        low=axis.at(interval.low),
        middle=axis.at(interval.value),
        high=axis.at(interval.high),
        sort=round(interval.value, 6) if math.isfinite(interval.value) else -1.0,
        drawn=all(map(math.isfinite, (interval.low, interval.value, interval.high))),
        best=best,
    )


def class_axis(models: Iterable[ModelResult]) -> Axis:
    """Return the axis on which the shares of all classes of all models can be drawn."""
    rows = [row for model in models for row in model.evaluation.per_class]
    return _bounded_axis([interval for row in rows for interval in (row.precision, row.recall, row.f1)])


def anchor(index: int) -> str:
    """Return the id of a model's section; made of its number, since names come from outside."""
    return f"model-{index + 1}"


def build(comparison: Comparison) -> Table:
    """Return the table of a comparison."""
    columns = _columns(comparison.models)
    marks = {c.metric: frozenset(best_marks(comparison.models, c.metric)) for c in columns}
    rows = tuple(
        _row(model, columns, marks, anchor(index), recommended=model.name == comparison.best)
        for index, model in enumerate(comparison.models)
    )
    return Table(columns, rows, _remark(rows))


def _columns(models: tuple[ModelResult, ...]) -> tuple[Column, ...]:
    present = [name for name in HEADLINE_METRICS if any(name in model.evaluation.metrics for model in models)]
    shares = _bounded_axis(_intervals(models, filter(words.is_share, present)))
    return tuple(_column(name, shares if words.is_share(name) else _own_axis(models, name)) for name in present)


def _own_axis(models: tuple[ModelResult, ...], metric: str) -> Axis:
    intervals = _intervals(models, [metric])
    return _open_axis(intervals) if metric in LESS_IS_BETTER else _bounded_axis(intervals)


def _column(metric: str, axis: Axis) -> Column:
    return Column(
        metric=metric,
        title=words.metric_title(metric),
        unit="%" if words.is_share(metric) else "",
        meaning=words.metric_meaning(metric),
        axis=axis,
        axis_low=f"{axis.low * 100:.0f}" if words.is_share(metric) else f"{axis.low:.1f}",
        axis_high=f"{axis.high * 100:.0f}" if words.is_share(metric) else f"{axis.high:.1f}",
    )


def _intervals(models: tuple[ModelResult, ...], metrics: Iterable[str]) -> list[Interval]:
    return [model.evaluation.metrics[name] for name in metrics for model in models if name in model.evaluation.metrics]


def _bounded_axis(intervals: list[Interval]) -> Axis:
    # It ends at 1 and begins at the tenth below the lowest interval, so that differences between good models can be
    # seen; the ends are written at the head of each column.
    lowest = min((i.low for i in intervals if math.isfinite(i.low)), default=0.0)
    return Axis(min(0.9, math.floor(lowest * 10 + 1e-9) / 10), 1.0)


def _open_axis(intervals: list[Interval]) -> Axis:
    highest = max((i.high for i in intervals if math.isfinite(i.high)), default=1.0)
    return Axis(0.0, max(0.1, math.ceil(highest * 10 - 1e-9) / 10))


def _row(
    model: ModelResult,
    columns: tuple[Column, ...],
    marks: Mapping[str, frozenset[str]],
    link: str,
    *,
    recommended: bool,
) -> Row:
    metrics = model.evaluation.metrics
    return Row(
        name=model.name,
        title=_(model.title),
        anchor=link,
        recommended=recommended,
        scores=tuple(
            score(c.metric, metrics[c.metric], c.axis, best=model.name in marks.get(c.metric, frozenset()))
            if c.metric in metrics
            else None
            for c in columns
        ),
        training=words.duration(model.seconds_to_train) if model.seconds else words.MISSING,
        speed=words.decimal(model.pictures_per_second),
        size=words.size(model.bundle_bytes),
    )


def _remark(rows: tuple[Row, ...]) -> str:
    if len(rows) < 2:
        return ""
    if any(score and score.best for row in rows for score in row.scores):
        return _("A figure is marked as best only where its interval lies apart from those of all other models.")
    return _(
        "No figure is marked as best, because the intervals overlap. "
        "The reason given above tells whether picture by picture one model is still better."
    )
