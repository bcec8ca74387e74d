"""Illnesses of a model's answers: always the same class, some classes never, no better than guessing."""

from __future__ import annotations

from collections.abc import Iterator

from anmok.evaluation.diagnosis.findings import Diagnosis
from anmok.evaluation.matching import name_some
from anmok.evaluation.results import Evaluation
from anmok.i18n import _, ngettext

#: A model that answers so often with one class...
COLLAPSED = 0.9
#: ... has collapsed, if the class's real share is at least so much smaller.
COLLAPSED_BEYOND = 0.1
#: A model that never answers with so large a share of the classes has collapsed too, onto the others.
FORGOTTEN = 0.5
#: A class must have so many pictures before "never predicted" means something.
MISSED_PICTURES = 5
#: How improbable "none of this class was recognised" must be for a model that is otherwise as good as this one is,
#: over all classes together (Bonferroni): of a hundred classes with five pictures each, a model that is right on two
#: of five misses eight classes wholly by mere chance.
MISSED_BY_CHANCE = 0.05


def diagnose_answers(name: str, evaluation: Evaluation) -> Iterator[Diagnosis]:
    """Yield what is wrong with a model's answers on test pictures."""
    collapsed = list(_collapse(name, evaluation))
    yield from collapsed or _unlearnt(name, evaluation)
    yield from _no_better_than_guessing(name, evaluation)


def _predicted(evaluation: Evaluation) -> list[int]:
    return [sum(column) for column in zip(*evaluation.confusion, strict=True)]


def _never(evaluation: Evaluation) -> list[str]:
    return [
        score.label
        for score, count in zip(evaluation.per_class, _predicted(evaluation), strict=True)
        if count == 0 and score.support >= MISSED_PICTURES
    ]


def _collapse(name: str, evaluation: Evaluation) -> Iterator[Diagnosis]:
    predicted = _predicted(evaluation)
    often = max(range(len(predicted)), key=lambda number: predicted[number])
    share, truth = predicted[often] / evaluation.pictures, evaluation.per_class[often].support / evaluation.pictures
    never = _never(evaluation)
    if share > COLLAPSED and share - truth > COLLAPSED_BEYOND:
        text = _(
            "{model} has collapsed: it answers {label} for {share:.0%} of the pictures, but only {truth:.0%} are of"
            " that class. Usual causes are pixels scaled otherwise than the weights expect, a learning rate that is too"
            " high, or very unequal classes."
        ).format(model=name, label=evaluation.classes[often], share=share, truth=truth)
        yield Diagnosis("collapse", text, name)
    elif len(never) > FORGOTTEN * len(evaluation.classes):
        text = _(
            "{model} has collapsed onto few classes: it never answers with {count} of the {all} ({names}). Try a lower"
            " learning rate, more epochs, equal weights for all classes (class_weights) or a pretrained backbone."
        ).format(model=name, count=len(never), all=len(evaluation.classes), names=name_some(never))
        yield Diagnosis("collapse", text, name)


def _unlearnt(name: str, evaluation: Evaluation) -> Iterator[Diagnosis]:
    never = _never(evaluation)
    if never:
        text = ngettext(
            "{model} never answers with {count} of the classes: {names}. Look at its pictures and labels; a class with"
            " few pictures needs more of them, or class_weights.",
            "{model} never answers with {count} of the classes: {names}. Look at their pictures and labels; classes"
            " with few pictures need more of them, or class_weights.",
            len(never),
        ).format(model=name, count=len(never), names=name_some(never))
        yield Diagnosis("unlearnt-class", text, name)
    wrong = 1 - evaluation.metrics["accuracy"].value
    limit = MISSED_BY_CHANCE / len(evaluation.classes)
    missed = [
        f"{score.label} ({score.support})"
        for score in evaluation.per_class
        if score.recall.value == 0 and score.support and score.label not in never and wrong**score.support < limit
    ]
    if missed:
        text = ngettext(
            "{model} has not learnt {names}: of that class's test pictures it recognises none. See in the confusion"
            " matrix what it takes them for.",
            "{model} has not learnt {names}: of these classes' test pictures it recognises none. See in the confusion"
            " matrix what it takes them for.",
            len(missed),
        ).format(model=name, names=name_some(missed))
        yield Diagnosis("unlearnt-class", text, name)


def _no_better_than_guessing(name: str, evaluation: Evaluation) -> Iterator[Diagnosis]:
    largest = max(evaluation.per_class, key=lambda score: score.support)
    share = largest.support / evaluation.pictures
    accuracy = evaluation.metrics["accuracy"]
    if accuracy.value <= share:
        text = _(
            "{model} is no better than always answering {label}: that would be right on {share:.1%} of the pictures,"
            " the model is on {accuracy:.1%}."
        ).format(model=name, label=largest.label, share=share, accuracy=accuracy.value)
        yield Diagnosis("guessing", text, name)
    elif accuracy.low <= share:
        text = _(
            "{model} cannot be told from always answering {label}: that would be right on {share:.1%} of the pictures,"
            " and the model's interval begins at {low:.1%}."
        ).format(model=name, label=largest.label, share=share, low=accuracy.low)
        yield Diagnosis("guessing", text, name)
