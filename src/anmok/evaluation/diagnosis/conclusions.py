"""What a comparison cannot conclude: a difference too small for its test pictures, validation unlike test."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from anmok.evaluation.diagnosis.findings import Diagnosis
from anmok.evaluation.pair_results import Pair
from anmok.evaluation.paired import MOST_PICTURES, round_up
from anmok.evaluation.results import ModelResult
from anmok.i18n import _, ngettext

#: How far accuracy on test pictures may lie from that on validation pictures, which chose the epoch.
FAR = 0.05
#: ... and how improbable the difference must be by chance.
FAR_BY_CHANCE = 0.01


def diagnose_difference(best: ModelResult, second: ModelResult, pair: Pair | None) -> Iterator[Diagnosis]:
    """Say how many test pictures it would take to show that the best model is better than the second.

    Args:
        pair: the two, the best one first; None if they saw different pictures.
    """
    if pair is None or pair.told_apart or pair.only_first <= pair.only_second:
        return
    first, other = (model.evaluation.metrics["accuracy"].value for model in (best, second))
    values = {"best": best.name, "second": second.name, "first": first, "other": other}
    if pair.more_pictures is None:
        text = _(
            "{best} ({first:.1%} right) and {second} ({other:.1%}) are as good as each other for every practical"
            " purpose: to show so small a difference more than {most} test pictures would be needed."
        ).format(most=MOST_PICTURES, **values)
    else:
        text = _(
            "The test set is too small for the difference between {best} ({first:.1%} right) and {second}"
            " ({other:.1%}): on {count} pictures it may be chance. If it is as large as it seems, about {needed} test"
            " pictures would show it."
        ).format(count=pair.pictures, needed=round_up(pair.pictures + pair.more_pictures), **values)
    yield Diagnosis("difference-too-small", text, best.name)


def diagnose_shift(models: Sequence[ModelResult]) -> Iterator[Diagnosis]:
    """Say which models do otherwise on test than on validation pictures."""
    for model in models:
        valid = model.validation
        if not valid.pictures:
            continue
        test = model.evaluation.metrics["accuracy"].value
        pooled = (valid.accuracy * valid.pictures + test * model.evaluation.pictures) / (
            valid.pictures + model.evaluation.pictures
        )
        error = math.sqrt(pooled * (1 - pooled) * (1 / valid.pictures + 1 / model.evaluation.pictures))
        gap = valid.accuracy - test
        # Two-sided: P(|Z| > z) = erfc(z / sqrt 2).
        if abs(gap) <= FAR or (error > 0 and math.erfc(abs(gap) / error / math.sqrt(2)) >= FAR_BY_CHANCE):
            continue
        values = {"model": model.name, "valid": valid.accuracy, "test": test}
        if gap > 0:
            text = _(
                "{model} is right on {valid:.0%} of the validation pictures, but on {test:.0%} of the test pictures:"
                " they are not alike. Other cameras, drawings instead of photos, or copies of training pictures in the"
                " validation part do that. What counts is what the pictures in use look like: validate on such."
            ).format(**values)
        else:
            text = _(
                "{model} is right on {test:.0%} of the test pictures, but on {valid:.0%} of the validation pictures:"
                " they are not alike. Are the test pictures easier, or copies of training pictures? Draw both"
                " parts by lot."
            ).format(**values)
        yield Diagnosis("test-differs", text, model.name)


def diagnose_few_calibrated(ranked: Sequence[ModelResult]) -> Iterator[Diagnosis]:
    """Say that the threshold of "none of these" of the best model that has one was set on few pictures."""
    unknown = [(model.name, model.unknown) for model in ranked if model.unknown and model.unknown.calibrated_on]
    for name, found in unknown[:1]:
        if found.is_rough:
            yield Diagnosis("few-calibrated", few_calibrated_text(name, found.calibrated_on), name)


def few_calibrated_text(name: str, count: int) -> str:
    """Return the sentence about a threshold that was set on ``count`` pictures, too few."""
    return ngettext(
        '{model} answers "none of these" by a threshold that was set on {count} calibration picture. That is too few: '
        "it may refuse clearly more or fewer known pictures than one in twenty.",
        '{model} answers "none of these" by a threshold that was set on {count} calibration pictures. Those are too '
        "few: it may refuse clearly more or fewer known pictures than one in twenty.",
        count,
    ).format(model=name, count=count)


def diagnose_refusals(ranked: Sequence[ModelResult]) -> Iterator[Diagnosis]:
    """Say that the best model that answers "none of these" does so for many test pictures, all of which are known.

    Its threshold was set on calibration pictures to refuse one in twenty; more, and test pictures look otherwise.
    """
    unknown = [(model.name, model.unknown) for model in ranked if model.unknown and model.unknown.calibrated_on]
    for name, found in unknown[:1]:
        wanted, seen = found.calibrated_accepts, found.accepted.value
        pooled = (wanted * found.calibrated_on + seen * found.pictures) / (found.calibrated_on + found.pictures)
        error = math.sqrt(pooled * (1 - pooled) * (1 / found.calibrated_on + 1 / found.pictures))
        if wanted - seen <= FAR or math.erfc((wanted - seen) / error / math.sqrt(2)) >= FAR_BY_CHANCE:
            continue
        text = _(
            '{model} answers "none of these" for {refused:.0%} of the test pictures, and for {expected:.0%} of the'
            " calibration pictures: test pictures look unlike those that it was trained on, or many calibration"
            " pictures are nearly alike. Train on pictures as they will come; `anmok evaluate` on such says what is"
            " different."
        ).format(model=name, refused=1 - seen, expected=1 - wanted)
        yield Diagnosis("test-refused", text, name)
