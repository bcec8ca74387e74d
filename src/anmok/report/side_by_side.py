"""The confusion matrices of all models side by side, small, with one order of classes, and what they confuse alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from anmok.evaluation.results import Comparison, Evaluation
from anmok.i18n import _
from anmok.report.names import columns, cut, plain_name, sentence, shown
from anmok.report.scores import anchor

#: Up to here the classes stand beside the rows; up to here counts stand in the cells.
MOST_LABELLED = 20
MOST_WITH_COUNTS = 10
MOST_CONFUSIONS = 15
_LABEL_COLUMNS = 14
#: Side of the drawn square, in its own units; strengths of colour.
_SIDE = 300.0
_LEVELS = 5


@dataclass(frozen=True, slots=True)
class Small:
    """The matrix of one model: where its section is, and the drawing."""

    name: str
    anchor: str
    recommended: bool
    svg: Markup


@dataclass(frozen=True, slots=True)
class Confusion:
    """One class taken for another: how many pictures of each model, of how many of the true class."""

    true: str
    predicted: str
    counts: tuple[int, ...]
    support: int


@dataclass(frozen=True, slots=True)
class SideBySide:
    """What the section shows.

    Attributes:
        matrices: in the order of the models' table. names: of the models.
        sorted: the classes stand in the order of the recommended model's recall, not in their own.
        confusions: those of most pictures over all models.
    """

    matrices: tuple[Small, ...]
    names: tuple[str, ...]
    sorted: bool
    confusions: tuple[Confusion, ...]


def build(comparison: Comparison) -> SideBySide | None:
    """Return the section's values; None for fewer than two models, or where they know different classes."""
    models = comparison.models
    if len(models) < 2 or len({model.evaluation.classes for model in models}) > 1:
        return None
    best = next((model for model in models if model.name == comparison.best), models[0]).evaluation
    many = len(best.classes) > MOST_LABELLED
    order = list(range(len(best.classes)))
    if many:
        order.sort(key=lambda i: (best.confusion[i][i] / max(1, sum(best.confusion[i])), best.classes[i]))
    return SideBySide(
        matrices=tuple(
            Small(
                model.name, anchor(number), model.name == comparison.best, _matrix(model.evaluation, order, model.name)
            )
            for number, model in enumerate(models)
        ),
        names=tuple(model.name for model in models),
        sorted=many,
        confusions=_confusions([model.evaluation for model in models]),
    )


def _confusions(evaluations: Sequence[Evaluation]) -> tuple[Confusion, ...]:
    total: Counter[tuple[int, int]] = Counter()
    for evaluation in evaluations:
        for row, line in enumerate(evaluation.confusion):
            total.update({(row, column): count for column, count in enumerate(line) if count and row != column})
    classes = evaluations[0].classes
    largest = sorted(total, key=lambda place: (-total[place], place))[:MOST_CONFUSIONS]
    return tuple(
        Confusion(
            classes[row],
            classes[column],
            tuple(evaluation.confusion[row][column] for evaluation in evaluations),
            sum(evaluations[0].confusion[row]),
        )
        for row, column in largest
    )


def _matrix(evaluation: Evaluation, order: Sequence[int], name: str) -> Markup:
    size = len(order)
    labelled = size <= MOST_LABELLED
    step = _SIDE / size
    font = min(13.0, 0.8 * step)
    widest = max(columns(cut(shown(evaluation.classes[i]), _LABEL_COLUMNS)) for i in order)
    left = round(widest * font * 0.6 + 8, 1) if labelled else 0.0
    label = sentence(_("Confusion matrix of {model}"), model=plain_name(name))
    parts = [
        Markup('<svg class="small-matrix" role="img" viewBox="{x} 0 {w} {h}" aria-label="{label}">').format(
            x=-left, w=round(_SIDE + left, 1), h=_SIDE, label=label
        )
    ]
    parts += [Markup('<rect class="ground" width="{s}" height="{s}"/>').format(s=_SIDE)]
    parts += _squares(evaluation, order, step)
    if labelled:
        parts += [
            Markup('<text class="end" x="-5" y="{y}" font-size="{f}">{text}</text>').format(
                y=round((place + 0.5) * step, 1),
                f=round(font, 1),
                text=cut(shown(evaluation.classes[i]), _LABEL_COLUMNS),
            )
            for place, i in enumerate(order)
        ]
    if size <= MOST_WITH_COUNTS:
        parts += _counts(evaluation, order, step)
    return Markup("").join([*parts, Markup("</svg>")])


def _squares(evaluation: Evaluation, order: Sequence[int], step: float) -> list[Markup]:
    """Return one path for each kind and strength: a square a cell, so that 10,000 cells are ten elements."""
    paths: dict[tuple[str, int], list[str]] = {}
    side = round(step * (0.94 if len(order) <= MOST_LABELLED else 1.0), 2)
    for row, i in enumerate(order):
        line = evaluation.confusion[i]
        total = max(1, sum(line))
        for column, j in enumerate(order):
            if line[j]:
                # The strength grows with the root of the share: few mistakes must be seen beside many hits.
                level = max(1, round((line[j] / total) ** 0.5 * _LEVELS))
                square = f"M{column * step:.1f} {row * step:.1f}h{side:g}v{side:g}h-{side:g}z"
                paths.setdefault(("hit" if i == j else "miss", level), []).append(square)
    return [
        Markup('<path class="{kind}" opacity="{o}" d="{d}"/>').format(kind=kind, o=level / _LEVELS, d="".join(squares))
        for (kind, level), squares in sorted(paths.items())
    ]


def _counts(evaluation: Evaluation, order: Sequence[int], step: float) -> list[Markup]:
    texts = []
    for row, i in enumerate(order):
        line = evaluation.confusion[i]
        for column, j in enumerate(order):
            if line[j]:
                share = line[j] / max(1, sum(line))
                deep = " deep" if (i == j and share > 0.3) or (i != j and share > 0.64) else ""
                texts.append(
                    Markup('<text class="count{deep}" x="{x}" y="{y}" font-size="{f}">{n}</text>').format(
                        deep=deep,
                        x=round((column + 0.47) * step, 1),
                        y=round((row + 0.49) * step, 1),
                        f=round(min(15.0, 0.36 * step), 1),
                        n=line[j],
                    )
                )
    return texts
