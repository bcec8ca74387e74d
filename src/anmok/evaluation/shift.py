"""Domain shift: what is different about pictures, against those that a bundle was made from, and who suffers.

The values that are stored and drawn; ``measure_shift`` makes them.
"""

from __future__ import annotations

from dataclasses import dataclass

from anmok.records import Interval

#: The name of the distance of embeddings among the measures.
DISTANCE = "distance"


@dataclass(frozen=True, slots=True)
class MeasureShift:
    """One measure, before (the bundle's training pictures) and now.

    Attributes:
        measure: its name in ``origin_measures``, or ``"distance"``: of embeddings to the remembered ones, where before
            are validation and test pictures.
        before, now: five numbers (min, quartiles, max), classes weighted as they are now.
        above: share of pairs of one class in which the new picture lies above the old one, 0-1; 0.5: no difference.
        p: of no difference. matters: beyond chance (all measures together) and large enough.
    """

    measure: str
    before: tuple[float, ...]
    now: tuple[float, ...]
    above: float
    p: float
    matters: bool


@dataclass(frozen=True, slots=True)
class FormatShift:
    """A file format: its share of the pictures before and now, 0-1."""

    format: str
    before: float
    now: float


@dataclass(frozen=True, slots=True)
class ClassShift:
    """A class's recall: on the bundle's own test pictures, and now; ``suffers`` where it surely lost enough."""

    label: str
    before: Interval
    now: Interval
    p: float
    suffers: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """What is different.

    Attributes:
        pictures: compared.
        measures: most different first. formats: largest change first; empty where they did not change enough.
        before, now: mean recall of the classes that were measured both times, None where the bundle does not say.
        worse: the mean recall has surely fallen by enough.
        classes: those that suffer most first.
        nearest, farthest: paths of pictures that are most and least like the remembered ones.
    """

    pictures: int
    measures: tuple[MeasureShift, ...]
    formats: tuple[FormatShift, ...]
    before: Interval | None
    now: Interval | None
    worse: bool
    classes: tuple[ClassShift, ...]
    nearest: tuple[str, ...] = ()
    farthest: tuple[str, ...] = ()

    @property
    def is_told(self) -> bool:
        """Tell whether anything is different enough to be told."""
        lost = self.worse or any(one.suffers for one in self.classes)
        return bool(lost or self.formats or any(one.matters for one in self.measures))


@dataclass(frozen=True, kw_only=True)
class Shifted:
    """All that the page of a shift shows.

    Attributes:
        model: name of the bundle's recipe. split: that was measured, or ``"all"``.
        source, location: of the pictures that were measured.
        accuracy: on them.
        command: the command line that makes it again. created: ISO 8601, UTC.
    """

    model: str
    split: str
    source: str
    location: str
    accuracy: Interval
    shift: Shift
    command: str
    created: str
