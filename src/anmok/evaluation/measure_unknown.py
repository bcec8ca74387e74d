"""Measures "none of these": on test pictures of the known classes, and on pictures of other things."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from anmok.bundle.unknown.registry import get_score
from anmok.bundle.unknown.rule import UnknownRule
from anmok.bundle.unknown.threshold import ACCEPTED
from anmok.errors import EmptySource, PictureError, UsageError
from anmok.evaluation.unknown import CoverageCurve, CoveragePoint, OthersResult, UnknownResult
from anmok.i18n import _
from anmok.metrics import rate_interval
from anmok.metrics.selection import coverage, separation_auc
from anmok.records import Interval

if TYPE_CHECKING:
    from anmok.evaluation.results import Evaluation
    from anmok.features.engine import Item
    from anmok.inference.predictor import PictureAnswer, Predictor

#: Points of a curve that is kept: one for each hundredth of coverage.
POINTS = 100


class SeenAnswers:
    """Keeps what "none of these" is measured by while a predictor answers for something else: see ``watch``."""

    def __init__(self) -> None:
        self._paths: list[str] = []
        self._scores: list[float] = []
        self._probabilities: list[float] = []

    def watch(self, path: str, answer: PictureAnswer) -> None:
        """Keep the score of one answer, and how sure it was of its class."""
        self._paths.append(path)
        self._scores.append(_score_of(answer))
        self._probabilities.append(float(answer.probabilities.max()))

    @property
    def scores(self) -> NDArray[np.float64]:
        """float64 ``(N,)``, in the order in which the answers came."""
        return np.array(self._scores, dtype=np.float64)

    def measure(self, rule: UnknownRule, evaluation: Evaluation) -> UnknownResult:
        """Measure the pictures that were seen, which must be those of the evaluation."""
        mistakes = {mistake.path for mistake in evaluation.mistakes}
        right = np.array([path not in mistakes for path in self._paths], dtype=bool)
        return measure_unknown(rule, self.scores, np.array(self._probabilities), right)


def _score_of(answer: PictureAnswer) -> float:
    # What is refused because its score is no number is stranger than any number.
    return np.inf if answer.unknown_score is None else answer.unknown_score


def measure_unknown(
    rule: UnknownRule, scores: NDArray[np.float64], probabilities: NDArray[np.float64], right: NDArray[np.bool_]
) -> UnknownResult:
    """Measure on pictures of the known classes how many are refused, and what refusing is worth.

    Args:
        rule: of the bundle.
        scores: ``(N,)``, N >= 1. probabilities: ``(N,)`` of the most probable class. right: ``(N,)``, whether it is.
    """
    accepted = ~rule.refuses(scores)
    return UnknownResult(
        score=rule.score,
        title=get_score(rule.score).title,
        threshold=rule.threshold,
        calibrated_on=rule.set_on,
        calibrated_accepts=rule.accepts,
        pictures=len(scores),
        accepted=share(accepted),
        accuracy=share(right),
        accuracy_accepted=share(right[accepted]),
        accuracy_refused=share(right[~accepted]),
        by_score=coverage_curve(scores, right),
        by_probability=coverage_curve(-probabilities, right),
    )


def measure_others(
    predictor: Predictor,
    items: Iterable[Item],
    source: str,
    *,
    known: NDArray[np.float64] | None = None,
    advance: Callable[[], object] = lambda: None,
) -> OthersResult:
    """Let a bundle answer for pictures none of which shows one of its classes, and count what it names all the same.

    Args:
        items: the pictures. source: what they are called.
        known: ``(N,)`` scores of test pictures of the known classes; None: there are none.
        advance: is called after each picture.

    Raises:
        UsageError: the bundle cannot answer "none of these".
        EmptySource: none of the pictures could be read.
    """
    rule = predictor.rule
    if rule is None:
        raise UsageError(
            _('This bundle cannot answer "none of these", so there is nothing to measure on other pictures.'),
            hint=_("Export the run again with this Anmok, with validation pictures."),
        )
    scores, taken_for, unreadable = [], Counter[str](), []
    for name, answer in predictor.answers(items):
        advance()
        if isinstance(answer, PictureError):
            unreadable.append(name)
            continue
        scores.append(_score_of(answer))
        if not answer.unknown:
            taken_for[predictor.labels[int(answer.probabilities.argmax())]] += 1
    if not scores:
        raise EmptySource(_("None of the pictures of {source} could be read.").format(source=source))
    others = np.array(scores)
    at_95, auroc = None, None
    if known is not None and len(known):
        at_95 = share(others <= np.quantile(known, ACCEPTED, method="inverted_cdf"))
        auroc = separation_auc(known, others)
    return OthersResult(
        score=rule.score,
        threshold=rule.threshold,
        source=source,
        pictures=len(others),
        unreadable=tuple(unreadable),
        false_acceptance=share(~rule.refuses(others)),
        false_acceptance_at_95=at_95,
        auroc=auroc,
        taken_for=tuple(taken_for.most_common()),
    )


def share(hits: NDArray[np.bool_]) -> Interval:
    """Return the share of True with its 95 % interval; NaN, from 0 to 1, where there is nothing."""
    low, high = rate_interval(hits.sum(), len(hits))
    return Interval(float(hits.mean()) if len(hits) else float("nan"), float(low), float(high))


def coverage_curve(scores: NDArray[np.float64], right: NDArray[np.bool_]) -> CoverageCurve:
    """Return the accuracy of what is answered against its share, thinned to about ``POINTS`` points."""
    full = coverage(scores, right)
    wanted = np.arange(POINTS, 0, -1) / POINTS * len(right)
    # `answered` falls: of the points that are there, the nearest to each wanted one.
    rising = full.answered[::-1]
    after = np.clip(np.searchsorted(rising, wanted), 0, len(rising) - 1)
    before = np.maximum(after - 1, 0)
    nearer = np.where(wanted - rising[before] < rising[after] - wanted, before, after)
    chosen = len(rising) - 1 - np.unique(nearer)[::-1]
    low, high = rate_interval(full.right[chosen], full.answered[chosen])
    points = zip(full.answered[chosen].tolist(), full.right[chosen].tolist(), low.tolist(), high.tolist(), strict=True)
    return CoverageCurve(
        points=tuple(CoveragePoint(n / len(right), Interval(k / n, a, b)) for n, k, a, b in points), area=full.area
    )
