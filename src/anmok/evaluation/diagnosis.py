"""Looks at results for the illnesses that a table of figures hides, and names each in a sentence.

One function per illness; each returns the sentences that it has to say, none where all is well. A limit that decides is
a constant here, with its reason.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from anmok.evaluation.matching import name_some
from anmok.evaluation.results import DataSummary, Evaluation, ModelResult
from anmok.i18n import _, ngettext

#: How far the interval may reach from the accuracy before the test set is called tiny: 5 points.
TINY = 0.05
#: So many pictures bring that below 5 points, whatever the accuracy (1.96 ** 2 / 4 / 0.05 ** 2, rounded up).
ENOUGH_PICTURES = 400
#: Below this a class's own figures are little more than guesses (Wilson's interval of 9 of 9 begins at 0.70).
FEW_PICTURES = 10
#: A model that answers so often with one class...
COLLAPSED = 0.9
#: ... has collapsed, if the class's real share is at least so much smaller.
COLLAPSED_BEYOND = 0.1
#: A class must have so many pictures before "never predicted" means something.
MISSED_PICTURES = 5
#: How far training accuracy may lie above validation accuracy.
OVERFIT = 0.10
#: Largest class : smallest class in training.
IMBALANCED = 10
#: Share of the files that may be in quarantine before the rest could be a distorted sample.
QUARANTINED = 0.05

LEFT_OUT_ON_PURPOSE = frozenset({"duplicate-of-test", "duplicate-of-valid", "label-conflict", "small-class"})


def diagnose(models: Sequence[ModelResult], best: ModelResult, data: DataSummary) -> tuple[str, ...]:
    """Return what a careful reader must know about the pictures, and then about each model."""
    sentences = [
        *_of_test_set(best.evaluation),
        *_imbalance(data),
        *_quarantine(data),
        *_unreadable(models),
    ]
    for model in models:
        sentences += [
            *_diverged(model),
            *_of_answers(model.name, model.evaluation),
            *_overfitting(model, data),
        ]
    return tuple(sentences)


def diagnose_alone(name: str, evaluation: Evaluation) -> tuple[str, ...]:
    """Return what must be known about one measured model, of whose training nothing is at hand."""
    return (*_of_test_set(evaluation), *_of_answers(name, evaluation))


def _of_test_set(evaluation: Evaluation) -> Iterator[str]:
    yield from _untested_classes(evaluation)
    yield from _tiny_test_set(evaluation)
    yield from _small_classes(evaluation)


def _of_answers(name: str, evaluation: Evaluation) -> Iterator[str]:
    yield from _collapse(name, evaluation)
    yield from _no_better_than_guessing(name, evaluation)


def _untested_classes(evaluation: Evaluation) -> Iterator[str]:
    untested = [score.label for score in evaluation.per_class if score.support == 0]
    if untested:
        yield ngettext(
            "There is no test picture of {names}: nothing is known about it, and averages are over the other classes.",
            "There are no test pictures of {count} classes ({names}): nothing is known about them, and averages are"
            " over the other classes.",
            len(untested),
        ).format(count=len(untested), names=name_some(untested))


def _tiny_test_set(evaluation: Evaluation) -> Iterator[str]:
    accuracy = evaluation.metrics["accuracy"]
    # The farther limit: where all answers are right, the interval reaches down only.
    off = max(accuracy.value - accuracy.low, accuracy.high - accuracy.value)
    if off > TINY:
        yield ngettext(
            "The test set is small: with {count} picture, the accuracy may be off by {off:.0f} points."
            " {enough} test pictures would bring that below 5.",
            "The test set is small: with {count} pictures, the accuracy may be off by {off:.0f} points."
            " {enough} test pictures would bring that below 5.",
            evaluation.pictures,
        ).format(count=evaluation.pictures, off=100 * off, enough=ENOUGH_PICTURES)


def _small_classes(evaluation: Evaluation) -> Iterator[str]:
    few = [f"{score.label} ({score.support})" for score in evaluation.per_class if 0 < score.support < FEW_PICTURES]
    if few:
        yield ngettext(
            "{count} class has fewer than {few} test pictures: {names}. Its own figures say little.",
            "{count} classes have fewer than {few} test pictures: {names}. Their own figures say little.",
            len(few),
        ).format(count=len(few), few=FEW_PICTURES, names=name_some(few))


def _imbalance(data: DataSummary) -> Iterator[str]:
    counts = data.counts.get("train", {})
    if not counts:
        return
    largest, smallest = max(counts, key=lambda name: counts[name]), min(counts, key=lambda name: counts[name])
    if counts[largest] > IMBALANCED * counts[smallest]:
        yield _(
            "The classes are very unequal: {largest} has {many} training pictures, {smallest} has {few}."
            " Look at balanced accuracy and at each class, not at accuracy."
        ).format(largest=largest, many=counts[largest], smallest=smallest, few=counts[smallest])


def _quarantine(data: DataSummary) -> Iterator[str]:
    # Copies that were left out on purpose (--repair, --drop-small-classes) were usable.
    left_out = sum(entry.code not in LEFT_OUT_ON_PURPOSE for entry in data.quarantined)
    total = left_out + sum(sum(counts.values()) for counts in data.counts.values())
    if total and left_out / total > QUARANTINED:
        yield _(
            "{count} of {total} files ({share:.0%}) could not be used. If they are not a random part of the pictures,"
            " the figures hold for the others only; see the quarantine file."
        ).format(count=left_out, total=total, share=left_out / total)


def _unreadable(models: Sequence[ModelResult]) -> Iterator[str]:
    by_names: dict[tuple[str, ...], list[str]] = {}
    for model in models:
        if model.evaluation.unreadable:
            by_names.setdefault(model.evaluation.unreadable, []).append(model.name)
    for paths, names in by_names.items():
        yield ngettext(
            "{count} test picture could not be read and is not measured ({models}): {paths}.",
            "{count} test pictures could not be read and are not measured ({models}): {paths}.",
            len(paths),
        ).format(count=len(paths), models=name_some(names), paths=name_some(paths))


def _diverged(model: ModelResult) -> Iterator[str]:
    losses = [row[name] for row in model.history for name in ("train_loss", "valid_loss") if name in row]
    if not all(map(math.isfinite, losses)):
        yield _(
            "{model}: the training went astray (its loss is no number any more). A smaller learning rate helps."
        ).format(model=model.name)


def _collapse(name: str, evaluation: Evaluation) -> Iterator[str]:
    predicted = [sum(column) for column in zip(*evaluation.confusion, strict=True)]
    often = max(range(len(predicted)), key=lambda number: predicted[number])
    share, truth = predicted[often] / evaluation.pictures, evaluation.per_class[often].support / evaluation.pictures
    if share > COLLAPSED and share - truth > COLLAPSED_BEYOND:
        yield _(
            "{model} has collapsed: it answers {label} for {share:.0%} of the pictures, but only {truth:.0%} are of"
            " that class."
        ).format(model=name, label=evaluation.classes[often], share=share, truth=truth)
        return
    never = [
        score.label
        for score, count in zip(evaluation.per_class, predicted, strict=True)
        if count == 0 and score.support >= MISSED_PICTURES
    ]
    if never:
        yield ngettext(
            "{model} never answers with {count} of the classes: {names}.",
            "{model} never answers with {count} of the classes: {names}.",
            len(never),
        ).format(model=name, count=len(never), names=name_some(never))


def _no_better_than_guessing(name: str, evaluation: Evaluation) -> Iterator[str]:
    largest = max(evaluation.per_class, key=lambda score: score.support)
    share = largest.support / evaluation.pictures
    accuracy = evaluation.metrics["accuracy"]
    if accuracy.value <= share:
        yield _(
            "{model} is no better than always answering {label}: that would be right on {share:.1%} of the pictures,"
            " the model is on {accuracy:.1%}."
        ).format(model=name, label=largest.label, share=share, accuracy=accuracy.value)
    elif accuracy.low <= share:
        yield _(
            "{model} cannot be told from always answering {label}: that would be right on {share:.1%} of the pictures,"
            " and the model's interval begins at {low:.1%}."
        ).format(model=name, label=largest.label, share=share, low=accuracy.low)


def _overfitting(model: ModelResult, data: DataSummary) -> Iterator[str]:
    kept = _kept_epoch(model.history)
    if kept is None:
        return
    train, valid = kept["train_accuracy"], kept["valid_accuracy"]
    # Two standard errors: the gap must not be the chance of a small validation set.
    pictures = sum(data.counts.get("valid", {}).values())
    chance = 2 * math.sqrt(valid * (1 - valid) / pictures) if pictures else 0.0
    if train - valid > max(OVERFIT, chance):
        yield _(
            "{model} has learnt its training pictures by heart: {train:.0%} right there, {valid:.0%} on validation"
            " pictures. More pictures, augmentation or a frozen backbone would help."
        ).format(model=model.name, train=train, valid=valid)


def _kept_epoch(history: Sequence[Mapping[str, float]]) -> Mapping[str, float] | None:
    """Return the epoch with the lowest validation loss, whose weights are kept; None where nothing can be said."""
    wanted = ("valid_loss", "train_accuracy", "valid_accuracy")
    rows = [row for row in history if all(name in row and math.isfinite(row[name]) for name in wanted)]
    return min(rows, key=lambda row: row["valid_loss"]) if rows else None
