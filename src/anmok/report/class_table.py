"""The classification report of all models: for each class, how much of it every model recognises."""

from __future__ import annotations

import math
from dataclasses import dataclass

from anmok.evaluation.results import Comparison
from anmok.report.scores import Axis, Score, score

#: More classes than these are shown in a box that scrolls, with a field to find one.
MANY = 24


@dataclass(frozen=True, slots=True)
class Row:
    """One class: pictures of it, and each model's score in the order of the models; None where it is not known.

    ``best`` and ``spread`` are of the figures: the largest, and how far the least is from it.
    """

    label: str
    support: int
    scores: tuple[Score | None, ...]
    spread: float


@dataclass(frozen=True, slots=True)
class ClassTable:
    """What the section shows: ``names`` of the models, one row a class, the axis of the bars."""

    names: tuple[str, ...]
    recommended: tuple[bool, ...]
    rows: tuple[Row, ...]
    axis: Axis
    many: bool


def build(comparison: Comparison, axis: Axis) -> ClassTable | None:
    """Return the table of F1 by class and model; None for fewer than two models, or none with classes."""
    models = comparison.models
    if len(models) < 2:
        return None
    by_model = [{row.label: row for row in model.evaluation.per_class} for model in models]
    labels = [label for label in comparison.data.classes if any(label in rows for rows in by_model)]
    if not labels:
        return None
    rows = []
    for label in labels:
        found = [known.get(label) for known in by_model]
        figures = [row.f1.value for row in found if row and math.isfinite(row.f1.value)]
        rows.append(
            Row(
                label=label,
                support=max(row.support for row in found if row),
                scores=tuple(score("f1", row.f1, axis) if row else None for row in found),
                spread=round(max(figures) - min(figures), 6) if figures else 0.0,
            )
        )
    return ClassTable(
        names=tuple(model.name for model in models),
        recommended=tuple(model.name == comparison.best for model in models),
        rows=tuple(rows),
        axis=axis,
        many=len(rows) > MANY,
    )
