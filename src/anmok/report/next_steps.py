"""What to do next, from what was found: a few sentences, the most useful first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from anmok.evaluation.pair_results import Pair
from anmok.evaluation.results import ClassScore, Comparison, ModelResult
from anmok.i18n import _, ngettext
from anmok.report import words
from anmok.report.checks import Checks
from anmok.report.names import name, sentence

MOST_STEPS = 4
#: So many classes are named, and only those that lie so far below the whole.
_MOST_CLASSES, _FAR_BELOW = 3, 0.05


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do: a sentence, and the command that does it; empty where there is none."""

    text: Markup
    command: str = ""


def build(comparison: Comparison, checks: Checks) -> tuple[Step, ...]:
    """Return what to do next; nothing where no model could be recommended and no picture is suspect."""
    best = next((model for model in comparison.models if model.name == comparison.best), None)
    steps: list[Step] = []
    if best:
        steps += _undecided(best, comparison.pairs)
        steps += _weak_classes(best)
    flagged = sum(found.count for found in checks.found)
    if flagged:
        text = ngettext(
            "Look at the {count} doubtful picture that the checks found. Wrong labels spoil training and figures.",
            "Look at the {count} doubtful pictures that the checks found. Wrong labels spoil training and figures.",
            flagged,
        )
        steps.append(Step(sentence(text, count=words.count(flagged)), checks.command))
    if best:
        steps.append(Step(sentence(_("Try the model on a picture of your own.")), "anmok predict best.anmok photo.jpg"))
    return tuple(steps[:MOST_STEPS])


def _undecided(best: ModelResult, pairs: Sequence[Pair]) -> list[Step]:
    """Return what would decide between the best model and the next one, where that is open."""
    rivals = [pair for pair in pairs if pair.first == best.name and not pair.told_apart]
    if not rivals:
        return []
    rival = rivals[0]
    if rival.more_pictures:
        text = _("Collect about {count} more test pictures. So many would show whether {best} or {other} is better.")
        return [
            Step(sentence(text, count=words.count(rival.more_pictures), best=name(best.name), other=name(rival.second)))
        ]
    text = _("Choose between {best} and {other} by size and speed: they are about equally good.")
    return [Step(sentence(text, best=name(best.name), other=name(rival.second)))]


def _weak_classes(best: ModelResult) -> list[Step]:
    accuracy = best.evaluation.metrics.get("accuracy")
    if accuracy is None:
        return []
    weak = [
        row
        for row in best.evaluation.per_class
        if row.support and math.isfinite(row.recall.value) and row.recall.value < accuracy.value - _FAR_BELOW
    ]
    weak.sort(key=lambda row: (row.recall.value, row.label))
    if not weak:
        return []
    text = _("Add training pictures of the classes that are recognised least: {classes}.")
    return [Step(sentence(text, classes=Markup(", ").join(_named(row) for row in weak[:_MOST_CLASSES])))]


def _named(row: ClassScore) -> Markup:
    return Markup("{} ({}%)").format(name(row.label), f"{row.recall.value:.0%}".rstrip("%"))
