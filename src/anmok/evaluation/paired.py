"""Two models on the same pictures: those on which only one of them was right decide (McNemar's test)."""

from __future__ import annotations

from dataclasses import dataclass

from anmok.evaluation.results import Evaluation

#: How probable a difference by mere chance may be, over all comparisons with the best together (Bonferroni).
ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class Duel:
    """Two models on the same pictures.

    Attributes:
        only_first, only_second: pictures on which only that model was right.
        p: how probable a difference at least as large would be if both were equally good, 0-1.
    """

    only_first: int
    only_second: int
    p: float


def duel(first: Evaluation, second: Evaluation) -> Duel | None:
    """Compare two models by the pictures on which only one was right; None if they saw different pictures.

    Source: Q. McNemar, Psychometrika 12 (1947); the exact binomial form, two-sided.
    """
    if not _same_pictures(first, second):
        return None
    wrong_first = {mistake.path for mistake in first.mistakes}
    wrong_second = {mistake.path for mistake in second.mistakes}
    only_first, only_second = len(wrong_second - wrong_first), len(wrong_first - wrong_second)
    if only_first + only_second == 0:
        return Duel(0, 0, 1.0)
    from scipy.stats import binomtest

    return Duel(only_first, only_second, float(binomtest(only_first, only_first + only_second, 0.5).pvalue))


def _same_pictures(first: Evaluation, second: Evaluation) -> bool:
    # Paths of right answers are not kept; the same counts per class without the same unreadable ones cannot
    # come about inside one comparison.
    return (
        first.classes == second.classes
        and [score.support for score in first.per_class] == [score.support for score in second.per_class]
        and set(first.unreadable) == set(second.unreadable)
    )
