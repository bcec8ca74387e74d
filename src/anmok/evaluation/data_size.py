"""How accuracy grows with the number of training pictures: what was measured, and what more pictures would bring."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from anmok.records import Interval

#: What the curve does at its end: it still rises; it has become flat; the measurements do not tell.
Shape = Literal["rising", "flat", "unclear"]


@dataclass(frozen=True, slots=True)
class SizePoint:
    """One size of the training set.

    Attributes:
        pictures: learned from, of all classes together.
        accuracies: one for each subset of this size that was drawn, 0-1; all on the same measured pictures.
        accuracy: their mean. The interval is that of a single figure on so many measured pictures.
        recalls: mean over the subsets, by class in the order of ``DataSizeCurve.classes``; NaN where a class has no
            measured picture.
    """

    pictures: int
    accuracies: tuple[float, ...]
    accuracy: Interval
    recalls: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is expected of more training pictures of the same kind, every class growing alike.

    Attributes:
        times: as many pictures as now.
        pictures: so many in all.
        accuracy: 0-1, with the 95 % interval of what the same measured pictures will show.
        elsewhere: the same for other pictures of the same kind; wider, as it holds the luck of which were measured.
    """

    times: float
    pictures: int
    accuracy: Interval
    elsewhere: Interval


@dataclass(frozen=True, slots=True)
class CurvePlace:
    """A place of the fitted curve, for drawing: ``accuracy`` is what is expected there on the measured pictures."""

    pictures: int
    accuracy: Interval


@dataclass(frozen=True, slots=True)
class ClassGain:
    """What twice as many pictures of every class are expected to bring one of them.

    Attributes:
        pictures: of the class that are learned from now. measured: of the class that are measured.
        recall: now, on the measured pictures, with its 95 % interval.
        gain: of the recall, with 95 % interval, -1 to 1. Single classes have few measured pictures, so each is drawn
            towards what all classes gain, the more so the less its own pictures tell.
        stands_out: the gain lies surely above the mean of all classes.
    """

    label: str
    pictures: int
    measured: int
    recall: Interval
    gain: Interval
    stands_out: bool


@dataclass(frozen=True, kw_only=True)
class DataSizeCurve:
    """Accuracy against the number of training pictures (a learning curve in scikit-learn's sense).

    Attributes:
        model: name of the recipe.
        split: that was measured, ``"test"``; no picture of it was learned from or chosen by.
        classes: class names in the order of ``SizePoint.recalls``.
        measured: how many pictures that are.
        points: from the smallest size to all pictures.
        shape: what the curve does at its end. gain: of accuracy by twice as many pictures, on average over draws of
            training pictures; unlike a forecast it does not hold the luck of a single training.
        forecasts: for 2, 5 and 10 times as many pictures.
        curve: from the smallest size to the largest forecast, evenly on a logarithmic axis.
        per_class: the largest gain first.
        seed: of the subsets.
        seconds: that it took, vectors not counted.
    """

    model: str
    split: str
    classes: tuple[str, ...]
    measured: int
    points: tuple[SizePoint, ...]
    shape: Shape
    gain: Interval
    forecasts: tuple[Forecast, ...]
    curve: tuple[CurvePlace, ...]
    per_class: tuple[ClassGain, ...]
    seed: int = 0
    seconds: float = 0.0

    @property
    def now(self) -> SizePoint:
        """The point of all pictures."""
        return self.points[-1]


@dataclass(frozen=True, kw_only=True)
class LearningCurve:
    """All that the page of ``anmok learning-curve`` shows.

    Attributes:
        source, location, content_hash: of the manifest. notes: sentences on how the pictures were divided.
        command: the command line that makes it again. created: ISO 8601, UTC.
    """

    curve: DataSizeCurve
    source: str
    location: str
    content_hash: str
    notes: tuple[str, ...]
    command: str
    created: str
