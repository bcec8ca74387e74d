"""One model in full, ready to be drawn: its figures, curves, confusion matrix, classes and worst mistakes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from anmok.evaluation.results import HEADLINE_METRICS, ClassScore, Mistake, ModelResult
from anmok.i18n import _
from anmok.report import calibration, confusion, galleries, refusals, words
from anmok.report.pictures import Thumbnail, Thumbnails
from anmok.report.plots import Plot, learning_curves
from anmok.report.scores import Axis, Score, anchor, score

MOST_MISTAKES = 24
MOST_UNREADABLE = 20
MISTAKE_SIDE = 160
_LONG_TABLE = 24
_MORE_METRICS = (
    "macro_precision",
    "macro_recall",
    "weighted_precision",
    "weighted_recall",
    "weighted_f1",
    "brier_score",
)


@dataclass(frozen=True, slots=True)
class Shot:
    """One mistake with its picture."""

    mistake: Mistake
    thumbnail: Thumbnail


@dataclass(frozen=True, slots=True)
class EpochTable:
    """The figures behind the learning curves."""

    titles: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class ClassRow:
    """One class of the classification report."""

    label: str
    support: int
    precision: Score
    recall: Score
    f1: Score


@dataclass(frozen=True, slots=True)
class Details:
    """What the section about one model shows."""

    model: ModelResult
    anchor: str
    recommended: bool
    metrics: tuple[tuple[str, Score], ...]
    curves: tuple[Plot, ...]
    kept: str
    epochs: EpochTable | None
    grid: confusion.Grid | None
    heat_map: str
    pairs: tuple[confusion.Pair, ...]
    classes: tuple[ClassRow, ...]
    axis: Axis
    long: bool
    reliability: calibration.Reliability | None
    thresholds: calibration.ThresholdTable | None
    refusals: refusals.Refusals | None
    shots: tuple[Shot, ...]
    shots_more: int
    listed: tuple[galleries.Listed, ...]
    unreadable: tuple[str, ...]
    unreadable_more: int
    recipe: tuple[tuple[str, str], ...]


def build(
    model: ModelResult,
    index: int,
    *,
    axis: Axis,
    recommended: bool,
    thumbnails: Thumbnails,
    small: galleries.SmallPictures,
) -> Details:
    """Return the section's values.

    Args:
        index: the model's place in the comparison.
        axis: on which the figures of classes are drawn, the same for all models.
        small: gets the pictures of the list of all mistakes.
    """
    measured = model.evaluation
    key = anchor(index)
    grid = confusion.grid(measured)
    return Details(
        model=model,
        anchor=key,
        recommended=recommended,
        metrics=_metrics(model),
        curves=learning_curves(model.history, key=key),
        kept=kept_epoch(model),
        epochs=_epochs(model.history),
        grid=grid,
        heat_map=confusion.heat_map(measured) if grid is None else "",
        pairs=confusion.pairs(measured),
        classes=tuple(_class_row(row, axis) for row in measured.per_class),
        axis=axis,
        long=len(measured.classes) > _LONG_TABLE,
        reliability=calibration.reliability(model, key=key),
        thresholds=calibration.thresholds(model.thresholds, many=_LONG_TABLE),
        refusals=refusals.build(model, key=key),
        shots=tuple(Shot(m, thumbnails.of(m.path, MISTAKE_SIDE)) for m in measured.mistakes[:MOST_MISTAKES]),
        shots_more=max(0, len(measured.mistakes) - MOST_MISTAKES - galleries.MOST_LISTED),
        listed=galleries.listed(model, MOST_MISTAKES, small),
        unreadable=measured.unreadable[:MOST_UNREADABLE],
        unreadable_more=max(0, len(measured.unreadable) - MOST_UNREADABLE),
        recipe=tuple((key, _plain(value)) for key, value in model.recipe.items()),
    )


def _metrics(model: ModelResult) -> tuple[tuple[str, Score], ...]:
    # Those of the table above are repeated, so that a section can be read and printed on its own.
    known = model.evaluation.metrics
    names = [n for n in (*HEADLINE_METRICS, *_MORE_METRICS) if n in known]
    names += sorted(n for n in known if n not in names)
    return tuple((words.metric_title(name), score(name, known[name])) for name in names)


def _class_row(given: ClassScore, axis: Axis) -> ClassRow:
    return ClassRow(
        label=given.label,
        support=given.support,
        precision=score("precision", given.precision, axis),
        recall=score("recall", given.recall, axis),
        f1=score("f1", given.f1, axis),
    )


def kept_epoch(model: ModelResult) -> str:
    """Return in a sentence which epoch's weights the model has; nothing where its history does not tell.

    A recipe that balances classes judges epochs by means of the classes, which the history does not hold.
    """
    rows = [row for row in model.history if {"epoch", "valid_loss", "valid_accuracy"} <= set(row)]
    recipe = model.recipe
    if not rows or "balanced" in (recipe.get("class_weights"), recipe.get("sampler")):
        return ""
    best = {
        "best-loss": lambda row: (row["valid_loss"], 0.0),
        "best-accuracy": lambda row: (-row["valid_accuracy"], row["valid_loss"]),
        "last": lambda row: (-row["epoch"], 0.0),
    }.get(str(recipe.get("keep")))
    if best is None:
        return ""
    row = min(rows, key=best)
    text = _("Epoch {epoch} of {epochs} was kept: validation loss {loss:.3f}, {accuracy:.1%} right.")
    return text.format(
        epoch=int(row["epoch"]), epochs=len(model.history), loss=row["valid_loss"], accuracy=row["valid_accuracy"]
    )


def _epochs(history: tuple[Mapping[str, float], ...]) -> EpochTable | None:
    if not history:
        return None
    titles = {
        "epoch": _("Epoch"),
        "train_loss": _("Training loss"),
        "valid_loss": _("Validation loss"),
        "train_accuracy": _("Training accuracy, %"),
        "valid_accuracy": _("Validation accuracy, %"),
        "learning_rate": _("Learning rate"),
        "seconds": _("Seconds"),
    }
    keys = [key for key in titles if any(key in row for row in history)]
    keys += sorted({key for row in history for key in row} - set(keys))
    rows = tuple(tuple(_epoch_cell(key, row[key]) if key in row else words.MISSING for key in keys) for row in history)
    return EpochTable(tuple(titles.get(key, key) for key in keys), rows)


def _epoch_cell(key: str, value: float) -> str:
    if key == "epoch":
        return words.count(value)
    return words.percent(value) if key.endswith("_accuracy") else words.decimal(value)


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
