"""Illnesses of the pictures: too few to measure on, classes too unequal, files that could not be used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from anmok.evaluation.diagnosis.findings import Diagnosis
from anmok.evaluation.matching import name_some
from anmok.evaluation.results import DataSummary, Evaluation, ModelResult
from anmok.i18n import _, ngettext

#: How far the interval may reach from the accuracy before the test set is called tiny: 5 points.
TINY = 0.05
#: So many pictures bring that below 5 points, whatever the accuracy (1.96 ** 2 / 4 / 0.05 ** 2, rounded up).
ENOUGH_PICTURES = 400
#: Below this a class's own figures are little more than guesses (the interval of 9 of 9 begins at 0.70).
FEW_PICTURES = 10
#: Largest class : smallest class in training.
IMBALANCED = 10
#: Share of the files that may be in quarantine before the rest could be a distorted sample.
QUARANTINED = 0.05

LEFT_OUT_ON_PURPOSE = frozenset({"duplicate-of-test", "duplicate-of-valid", "label-conflict", "small-class"})


def diagnose_test_set(evaluation: Evaluation) -> Iterator[Diagnosis]:
    """Yield what the measured pictures cannot show."""
    yield from _untested_classes(evaluation)
    yield from _tiny_test_set(evaluation)
    yield from _small_classes(evaluation)


def diagnose_pictures(data: DataSummary) -> Iterator[Diagnosis]:
    """Yield what is wrong with the pictures as a whole."""
    yield from _imbalance(data)
    yield from _quarantine(data)


def _untested_classes(evaluation: Evaluation) -> Iterator[Diagnosis]:
    untested = [score.label for score in evaluation.per_class if score.support == 0]
    if untested:
        text = ngettext(
            "There is no test picture of {names}: nothing is known about it, and averages are over the other classes.",
            "There are no test pictures of {count} classes ({names}): nothing is known about them, and averages are"
            " over the other classes.",
            len(untested),
        ).format(count=len(untested), names=name_some(untested))
        yield Diagnosis("untested-class", text)


def _tiny_test_set(evaluation: Evaluation) -> Iterator[Diagnosis]:
    accuracy = evaluation.metrics["accuracy"]
    # The farther limit: where all answers are right, the interval reaches down only.
    off = max(accuracy.value - accuracy.low, accuracy.high - accuracy.value)
    if off > TINY:
        text = ngettext(
            "The test set is small: with {count} picture, the accuracy may be off by {off:.0f} points."
            " {enough} test pictures would bring that below 5.",
            "The test set is small: with {count} pictures, the accuracy may be off by {off:.0f} points."
            " {enough} test pictures would bring that below 5.",
            evaluation.pictures,
        ).format(count=evaluation.pictures, off=100 * off, enough=ENOUGH_PICTURES)
        yield Diagnosis("tiny-test-set", text)


def _small_classes(evaluation: Evaluation) -> Iterator[Diagnosis]:
    few = [f"{score.label} ({score.support})" for score in evaluation.per_class if 0 < score.support < FEW_PICTURES]
    if few:
        text = ngettext(
            "{count} class has fewer than {few} test pictures: {names}. Its own figures say little.",
            "{count} classes have fewer than {few} test pictures: {names}. Their own figures say little.",
            len(few),
        ).format(count=len(few), few=FEW_PICTURES, names=name_some(few))
        yield Diagnosis("small-class", text)


def _imbalance(data: DataSummary) -> Iterator[Diagnosis]:
    counts = data.counts.get("train", {})
    if not counts:
        return
    largest, smallest = max(counts, key=lambda name: counts[name]), min(counts, key=lambda name: counts[name])
    if counts[largest] > IMBALANCED * counts[smallest]:
        text = _(
            "The classes are very unequal: {largest} has {many} training pictures, {smallest} has {few}."
            " Look at balanced accuracy and at each class, not at accuracy."
        ).format(largest=largest, many=counts[largest], smallest=smallest, few=counts[smallest])
        yield Diagnosis("imbalance", text)


def _quarantine(data: DataSummary) -> Iterator[Diagnosis]:
    # Copies that were left out on purpose (--repair, --drop-small-classes) were usable.
    left_out = sum(entry.code not in LEFT_OUT_ON_PURPOSE for entry in data.quarantined)
    total = left_out + sum(sum(counts.values()) for counts in data.counts.values())
    if total and left_out / total > QUARANTINED:
        text = _(
            "{count} of {total} files ({share:.0%}) could not be used. If they are not a random part of the pictures,"
            " the figures hold for the others only; see the quarantine file."
        ).format(count=left_out, total=total, share=left_out / total)
        yield Diagnosis("quarantine", text)


def diagnose_unreadable(models: Sequence[ModelResult]) -> Iterator[Diagnosis]:
    """Yield which test pictures could not be read, once for all models."""
    by_names: dict[tuple[str, ...], list[str]] = {}
    for model in models:
        if model.evaluation.unreadable:
            by_names.setdefault(model.evaluation.unreadable, []).append(model.name)
    for paths, names in by_names.items():
        text = ngettext(
            "{count} test picture could not be read and is not measured ({models}): {paths}.",
            "{count} test pictures could not be read and are not measured ({models}): {paths}.",
            len(paths),
        ).format(count=len(paths), models=name_some(names), paths=name_some(paths))
        yield Diagnosis("unreadable", text)
