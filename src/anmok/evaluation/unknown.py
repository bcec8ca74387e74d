"""What was measured of "none of these", as values: how many pictures are refused, and what that is worth."""

from __future__ import annotations

from dataclasses import dataclass

from anmok.bundle.unknown.rule import FEW
from anmok.records import Interval


@dataclass(frozen=True, slots=True)
class CoveragePoint:
    """One way of answering only the surest pictures.

    Attributes:
        coverage: share of the pictures that are answered, above 0 to 1.
        accuracy: share of the answered ones whose class is right, with its 95 % interval.
    """

    coverage: float
    accuracy: Interval


@dataclass(frozen=True, slots=True)
class CoverageCurve:
    """Accuracy of the answered pictures, if those that a score likes least are refused, from many answers to few.

    Attributes:
        points: coverage falls; the first has coverage 1, so its accuracy is that of all pictures.
        area: mean share of wrong answers over all coverages, 0-1; less is better. A score that knows nothing about
            mistakes has the error rate itself. Source: Geifman, Uziel and El-Yaniv, Bias-Reduced Uncertainty Estimation
            for Deep Neural Classifiers, 2019 (AURC).
    """

    points: tuple[CoveragePoint, ...]
    area: float


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownResult:
    """ "None of these" of one bundle, measured on test pictures, all of which show one of its classes.

    Attributes:
        score: registered name of the score that decides (``"neighbours"``, ...). title: for people.
        threshold: above it a picture is refused.
        calibrated_on: how many calibration pictures (no test pictures) the threshold was set on.
        calibrated_accepts: the share of those that it accepts, 0-1.
        pictures: how many test pictures were measured.
        accepted: the share of them that is answered with a class.
        accuracy: of all of them, refused or not. accuracy_accepted, accuracy_refused: of the nearest class of those
            that are answered, and of those that are not; where there are none, the value is NaN, the interval 0 to 1.
        by_score: the curve if pictures are refused by this score; its use is another one (pictures of other things),
            so it may lie below the next.
        by_probability: the curve if pictures are refused by the probability of the most probable class.
    """

    score: str
    title: str
    threshold: float
    calibrated_on: int
    calibrated_accepts: float
    pictures: int
    accepted: Interval
    accuracy: Interval
    accuracy_accepted: Interval
    accuracy_refused: Interval
    by_score: CoverageCurve
    by_probability: CoverageCurve

    @property
    def is_rough(self) -> bool:
        """Tell whether so few pictures set the threshold that chance may move what it accepts by 7 points or more."""
        return 0 < self.calibrated_on < FEW


@dataclass(frozen=True, slots=True, kw_only=True)
class OthersResult:
    """ "None of these" of one bundle, measured on pictures of other things, none of which shows one of its classes.

    Attributes:
        score: registered name of the score that decides. threshold: the bundle's own.
        source: name of the folder or zip. pictures: how many of its pictures were measured.
        unreadable: paths of pictures that could not be read.
        false_acceptance: share of them that is answered with a class at the bundle's threshold.
        false_acceptance_at_95: the same at the threshold that accepts 95 % of the known test pictures at hand; None
            where no known pictures were given.
        auroc: how often a picture of other things has a higher score than a known test picture (ties count half);
            None as above.
        taken_for: classes that those who are accepted were taken for and how often, the most frequent first.
    """

    score: str
    threshold: float
    source: str
    pictures: int
    unreadable: tuple[str, ...]
    false_acceptance: Interval
    false_acceptance_at_95: Interval | None
    auroc: Interval | None
    taken_for: tuple[tuple[str, int], ...]
