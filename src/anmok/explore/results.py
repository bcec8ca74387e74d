"""What exploring finds, as plain values: the page, the table on the terminal and ``explore.json`` are made from these.

No sentence is stored but those that the manifest brings along: codes and figures are, so that the same result can be
told in another language.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from anmok.config import MapMethod
from anmok.notebook import ShownInNotebooks
from anmok.records import Quarantined

#: What stands out: most pictures of a group, a part of them, or how they are stored.
StandOutCode = Literal["whole", "part", "kind"]
Among = Literal["class", "split"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """How one measure is spread among the pictures of one group.

    Attributes:
        group: name of a class or split; ``""`` for all pictures.
        count: pictures with a value.
        quantiles: minimum, lower quartile, median, upper quartile, maximum; empty without pictures.
        histogram: share of the pictures in each bin of the measure's axis, 0-1, together 1; what lies beyond an end
            of the axis counts in the last bin there.
    """

    group: str
    count: int
    quantiles: tuple[float, ...] = ()
    histogram: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One measure over all pictures, by class and by split, on one axis.

    Attributes:
        measure: name, see ``measures.MEASURES``.
        low, high: ends of the axis, in the unit of the measure.
        logarithmic: the axis is one of ratios.
        whole: all pictures.
        classes, splits: the groups; splits are empty where there are none.
    """

    measure: str
    low: float
    high: float
    logarithmic: bool
    whole: Distribution
    classes: tuple[Distribution, ...]
    splits: tuple[Distribution, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Pictures that are stored alike.

    Attributes:
        format, mode: as in ``ImageRecord``.
        count: pictures; classes: the same by class, those without left out.
    """

    format: str
    mode: str
    count: int
    classes: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class StandOut:
    """A group of pictures that is unlike the others in one measure.

    Attributes:
        code: ``whole`` (most pictures are), ``part`` (more of them than chance gives), ``kind`` (stored differently).
        among: whether the group is a class or a split.
        group: its name.
        against: the other group where there are only two; else ``""``: the rest.
        measure: name of the measure; for ``kind`` ``"format"`` or ``"mode"``.
        value: the format or mode; else ``""``.
        more: the group has more of the measure.
        own, others: ``whole``: the medians; ``part``: the group's median, and the bound that hardly any of the others
            passes; ``kind``: the shares, 0-1.
        share: of the group's pictures, 0-1: beyond the others' median (``whole``), beyond the bound (``part``), of that
            kind (``kind``).
        delta: Cliff's delta, -1 to 1.
    """

    code: StandOutCode
    among: Among
    group: str
    measure: str
    more: bool
    own: float
    others: float
    share: float
    delta: float
    against: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureMap:
    """Pictures laid out by what a network sees in them; rows of all tuples belong together.

    Attributes:
        method: how; with ``none`` all else is empty.
        extractor: the model whose vectors were laid out.
        paths: of the pictures.
        labels: number of each one's class.
        splits: of each.
        ratios: width divided by height, so that a squashed thumbnail can be shown upright.
        components: ``(x, y)`` on the first two principal components, 0-1, both axes in the same scale.
        explained: share of the spread that each of the two holds, 0-1.
        neighbours: ``(x, y)`` of the neighbour layout, 0-1; empty where there is none.
    """

    method: MapMethod = "none"
    extractor: str = ""
    paths: tuple[str, ...] = ()
    labels: tuple[int, ...] = ()
    splits: tuple[str, ...] = ()
    ratios: tuple[float, ...] = ()
    components: tuple[tuple[float, ...], ...] = ()
    explained: tuple[float, ...] = ()
    neighbours: tuple[tuple[float, ...], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Imbalance:
    """The class with most pictures, that with fewest, and how many times as many."""

    largest: str
    smallest: str
    ratio: float


@dataclass(frozen=True, kw_only=True)
class Exploration(ShownInNotebooks):
    """All that was found.

    Attributes:
        source, location, content_hash: of the manifest.
        classes: names, in the order of all numbers of classes.
        counts: pictures by split (``""`` where there are none) and class.
        measured: by measure, in the order in which they are shown.
        kinds: how pictures are stored, the most frequent first.
        stand_outs: the clearest first.
        imbalance: one value; none where there is only one class.
        samples: paths of a few pictures of each class.
        averages: by class, the mean of all its pictures squashed to a square: the bytes of uint8 ``(S, S, 3)`` RGB as
            Base64.
        average_side: S.
        map: the embedding map.
        notes: sentences that the manifest brings along. quarantined, ignored: as in the manifest.
        seconds: by stage. seed: of all choices. command: makes the same again. created: ISO 8601.
    """

    source: str
    location: str
    content_hash: str
    classes: tuple[str, ...]
    counts: Mapping[str, Mapping[str, int]]
    measured: tuple[Measured, ...]
    kinds: tuple[Kind, ...]
    stand_outs: tuple[StandOut, ...]
    imbalance: tuple[Imbalance, ...]
    samples: Mapping[str, tuple[str, ...]]
    averages: Mapping[str, str]
    average_side: int
    map: PictureMap
    notes: tuple[str, ...] = ()
    quarantined: tuple[Quarantined, ...] = ()
    ignored: int = 0
    seconds: Mapping[str, float] = field(default_factory=dict)
    seed: int = 0
    command: str = ""
    created: str = ""

    @property
    def pictures(self) -> int:
        """Count all pictures."""
        return sum(sum(of_split.values()) for of_split in self.counts.values())

    @property
    def splits(self) -> tuple[str, ...]:
        """Return the splits that there are; none where no split was made."""
        return tuple(split for split in self.counts if split)
