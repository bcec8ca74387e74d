"""What a comparison cannot conclude: a difference too small for its test pictures, validation unlike test."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from anmok.evaluation.diagnosis.findings import Diagnosis
from anmok.evaluation.paired import ALPHA, Duel, duel
from anmok.evaluation.results import ModelResult
from anmok.i18n import _

#: How surely the test pictures asked for would show the difference, if it is as large as it seems.
POWER = 0.8
#: Where more would be needed, two models are as good as each other for every practical purpose.
MOST_PICTURES = 100_000
#: How far accuracy on test pictures may lie from that on validation pictures, which chose the epoch.
FAR = 0.05
#: ... and how improbable the difference must be by chance.
FAR_BY_CHANCE = 0.01


def diagnose_difference(best: ModelResult, second: ModelResult, *, rivals: int) -> Iterator[Diagnosis]:
    """Say how many test pictures it would take to show that the best model is better than the second.

    Args:
        rivals: models that the best one is compared with (Bonferroni).
    """
    fight = duel(best.evaluation, second.evaluation)
    alpha = ALPHA / rivals
    if fight is None or fight.p < alpha or fight.only_first <= fight.only_second:
        return
    first, other = (model.evaluation.metrics["accuracy"].value for model in (best, second))
    needed = pictures_needed(fight, best.evaluation.pictures, alpha=alpha)
    values = {"best": best.name, "second": second.name, "first": first, "other": other}
    if needed > MOST_PICTURES:
        text = _(
            "{best} ({first:.1%} right) and {second} ({other:.1%}) are as good as each other for every practical"
            " purpose: to show so small a difference more than {most} test pictures would be needed."
        ).format(most=MOST_PICTURES, **values)
    else:
        text = _(
            "The test set is too small for the difference between {best} ({first:.1%} right) and {second}"
            " ({other:.1%}): on {count} pictures it may be chance. If it is as large as it seems, about {needed} test"
            " pictures would show it."
        ).format(count=best.evaluation.pictures, needed=_round_up(needed), **values)
    yield Diagnosis("difference-too-small", text, best.name)


def pictures_needed(fight: Duel, pictures: int, *, alpha: float = ALPHA, power: float = POWER) -> int:
    """Return how many pictures show a difference like this one by McNemar's test.

    Source: R. J. Connor, Sample size for testing differences in proportions for the paired-sample design, Biometrics
    43 (1987) 207-211: n = (z_a sqrt(p) + z_b sqrt(p - d^2))^2 / d^2, where p is the share of pictures on which only
    one of the two is right, and d the difference of their accuracies.

    Args:
        fight: with ``only_first`` > ``only_second``.
        pictures: that it was measured on.
        alpha: two-sided; power: how probable it is that the difference is then shown.
    """
    from scipy.stats import norm

    apart = (fight.only_first + fight.only_second) / pictures
    difference = (fight.only_first - fight.only_second) / pictures
    z_alpha, z_beta = float(norm.ppf(1 - alpha / 2)), float(norm.ppf(power))
    root = z_alpha * math.sqrt(apart) + z_beta * math.sqrt(max(apart - difference**2, 0.0))
    return math.ceil((root / difference) ** 2)


def _round_up(number: int) -> int:
    """Return the number with two digits that count: the estimate is no better than that."""
    step: int = 10 ** max(0, len(str(number)) - 2)
    return int(step * math.ceil(number / step))


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
