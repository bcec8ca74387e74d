"""The first thing a reader sees: how many of 100 new pictures the best model recognises, and how sure that is."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from anmok.evaluation.results import Comparison, Evaluation, ModelResult
from anmok.i18n import _
from anmok.report import words


@dataclass(frozen=True, slots=True)
class Answer:
    """The recommendation in words and as a hundred squares.

    Attributes:
        name, title: of the recommended model.
        statement, doubt: two sentences: the figure, and its interval.
        squares: 100 times ``"sure"`` (below the interval), ``"likely"`` (up to the figure), ``"maybe"`` (up to the
            upper end) or ``"miss"``; empty where the accuracy is not known.
        low, value, high: ends of the interval and the figure, of 100 pictures.
        costs: what the model costs on this machine: (title, figure).
    """

    name: str
    title: str
    statement: str
    doubt: str
    squares: tuple[str, ...]
    low: int
    value: int
    high: int
    costs: tuple[tuple[str, str], ...] = ()


def build(comparison: Comparison) -> Answer | None:
    """Return the answer, or None where no model could be recommended."""
    for model in comparison.models:
        if model.name == comparison.best:
            return replace(_answer(model.name, _(model.title), model.evaluation), costs=_costs(model))
    return None


def _costs(model: ModelResult) -> tuple[tuple[str, str], ...]:
    costs = [(_("Size"), words.size(model.bundle_bytes))]
    if model.latency_ms is not None:
        costs.append((_("One picture"), _("{number} ms").format(number=words.decimal(model.latency_ms))))
    costs.append((_("Pictures per second"), words.decimal(model.pictures_per_second)))
    if model.seconds:
        costs.append((_("Training time"), words.duration(model.seconds_to_train)))
    return tuple(costs)


def _answer(name: str, title: str, evaluation: Evaluation) -> Answer:
    accuracy = evaluation.metrics.get("accuracy")
    if accuracy is None or not all(map(math.isfinite, (accuracy.low, accuracy.value, accuracy.high))):
        return Answer(name, title, _("Its accuracy is not known."), "", (), 0, 0, 0)
    # Outward, so that rounding never makes the interval narrower than it is.
    low = max(0, math.floor(accuracy.low * 100 + 1e-9))
    high = min(100, math.ceil(accuracy.high * 100 - 1e-9))
    value = min(max(round(accuracy.value * 100), low), high)
    doubt = _(
        "With {pictures} test pictures, the true figure lies between {low} and {high} of 100 (95% interval)."
    ).format(pictures=words.count(evaluation.pictures), low=low, high=high)
    kinds = ["sure"] * low + ["likely"] * (value - low) + ["maybe"] * (high - value) + ["miss"] * (100 - high)
    return Answer(
        name, title, _statement(accuracy.value, value, evaluation.pictures), doubt, tuple(kinds), low, value, high
    )


def _statement(accuracy: float, rounded: int, pictures: int) -> str:
    if accuracy >= 1:
        return _("All {pictures} test pictures were recognised.").format(pictures=words.count(pictures))
    if rounded >= 100:
        return _("More than 99 of 100 new pictures like these are recognised.")
    if rounded <= 0:
        return _("Fewer than 1 of 100 new pictures like these is recognised.")
    return _("About {count} of 100 new pictures like these are recognised.").format(count=rounded)
