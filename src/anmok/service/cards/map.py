"""A small map without tiles: where places lie around a card, as figures that a template draws as SVG.

The projection is azimuthal and equidistant about the centre: every place stands at its true distance and in its true
direction from there, and rings of equal distance are circles. Nothing here knows of Django, HTML or colours.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from anmok.service.cards.sphere import bearing, distance

#: Side of the square map, the radius of its outermost ring, and of a badge: units of the drawing. A badge is at least
#: 24 pixels wide where the map is 330 pixels wide, which a finger needs.
SIDE, RIM, BADGE = 360.0, 150.0, 13.5
#: Height of a name's line, the most width of one, and that of one for which there is little room; units.
LINE, MOST_WIDTH, SHORT_WIDTH = 13.0, 150.0, 75.0
#: Places that are drawn; the nearest. More would cover each other.
MOST_PLACES = 30
#: A place farther than so many times the middle distance stands at the rim with an arrow: the others would be a heap.
FAR = 4.0
#: The innermost ring is no smaller, metres: positions are no finer.
SMALLEST_STEP = 50.0


@dataclass(frozen=True, slots=True)
class Point:
    """Something to draw: a position in degrees, a name, what kind it is."""

    latitude: float
    longitude: float
    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class Ring:
    """A circle of equal distance (metres) around the centre: its radius, and where its label stands (units)."""

    metres: float
    radius: float
    label_x: float
    label_y: float

    @property
    def text(self) -> str:
        """The distance as a label has it: rings stand at round figures."""
        return f"{self.metres:g} m" if self.metres < 1000 else f"{self.metres / 1000:g} km"


@dataclass(frozen=True, slots=True)
class Label:
    """A name beside a badge: where it begins, and ``anchor`` as SVG's ``text-anchor`` has it."""

    text: str
    x: float
    y: float
    anchor: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A place on the map.

    Attributes:
        number: 1 is the nearest; the same as in the list beside the map.
        x, y: where it truly lies, units; at the rim where it lies beyond.
        badge_x, badge_y: where its number is drawn: aside where others cover the place.
        beyond: it lies farther out than the map reaches; ``bearing`` says where to, degrees clockwise from north.
        label: its name, where there was room.
    """

    number: int
    point: Point
    metres: float
    bearing: float
    x: float
    y: float
    badge_x: float
    badge_y: float
    beyond: bool
    label: Label | None


@dataclass(frozen=True, slots=True)
class Map:
    """All that is drawn, in units; the centre is at ``SIDE / 2``. ``hidden``: places that were too many."""

    marks: tuple[Mark, ...]
    rings: tuple[Ring, ...]
    hidden: int
    side: float = SIDE
    badge: float = BADGE

    @property
    def centre(self) -> float:
        """Where the card itself lies, units, both ways."""
        return self.side / 2


@dataclass(frozen=True, slots=True)
class _Box:
    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: _Box) -> bool:
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )

    def is_inside(self) -> bool:
        return self.left >= 0 and self.top >= 0 and self.right <= SIDE and self.bottom <= SIDE


def draw(latitude: float, longitude: float, points: Sequence[Point]) -> Map:
    """Return the map of what lies around a position (degrees).

    Args:
        points: in any order; drawn and numbered from the nearest on.
    """
    far = [distance(latitude, longitude, point.latitude, point.longitude) for point in points]
    order = sorted(range(len(points)), key=lambda index: far[index])[:MOST_PLACES]
    step, count = ring_steps([far[index] for index in order])
    scale = RIM / (step * count)
    centre = SIDE / 2
    taken = [_around(centre, centre, BADGE)]
    spots = []
    for index in order:
        point, metres = points[index], far[index]
        turn = bearing(latitude, longitude, point.latitude, point.longitude)
        beyond = metres > step * count
        radius = RIM + 4 if beyond else metres * scale
        x = centre + radius * math.sin(math.radians(turn))
        y = centre - radius * math.cos(math.radians(turn))
        badge_x, badge_y = _free_spot(x, y, taken)
        taken.append(_around(badge_x, badge_y, BADGE))
        spots.append((point, metres, turn, x, y, badge_x, badge_y, beyond))
    rings = _rings(step, count, taken)
    taken.extend(_text_box(ring.label_x, ring.label_y, 44, "middle") for ring in rings)
    marks = []
    for number, (point, metres, turn, x, y, badge_x, badge_y, beyond) in enumerate(spots, start=1):
        label = _label(point.name, badge_x, badge_y, taken)
        marks.append(Mark(number, point, metres, turn, x, y, badge_x, badge_y, beyond, label))
    return Map(tuple(marks), rings, len(points) - len(order))


def ring_steps(far: Sequence[float]) -> tuple[float, int]:
    """Return how many metres lie between two rings, a round figure, and how many rings there are.

    The outermost ring holds every place that is not much farther away than the others.

    Args:
        far: distances in metres, ascending.
    """
    if not far:
        return 500.0, 2
    middle = far[(len(far) - 1) // 2]
    reach = max(metres for metres in far if metres <= max(FAR * middle, SMALLEST_STEP))
    step = max(_round_up(reach / 3), SMALLEST_STEP)
    return step, max(1, math.ceil(reach / step - 1e-9))


def width_of(text: str) -> float:
    """Return about how wide a text is, units: Hangul and other wide signs are as wide as a line is high."""
    return LINE * sum(0.95 if unicodedata.east_asian_width(sign) in "WF" else 0.56 for sign in text)


def _round_up(metres: float) -> float:
    """Return the next of 1, 2, 5, 10, 20, 50, ... that is at least so much."""
    if metres <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(metres))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= metres * (1 - 1e-9))


def _rings(step: float, count: int, taken: Sequence[_Box]) -> tuple[Ring, ...]:
    """Return the rings, each labelled where the fewest badges are; all in one direction, which reads as a scale."""
    centre = SIDE / 2
    radii = [RIM * number / count for number in range(1, count + 1)]

    def labels(degrees: float) -> list[tuple[float, float]]:
        turn = math.radians(degrees)
        return [(centre + radius * math.sin(turn), centre - radius * math.cos(turn)) for radius in radii]

    def covered(degrees: float) -> int:
        return sum(_text_box(x, y, 44, "middle").meets(box) for x, y in labels(degrees) for box in taken)

    # North is left free for its arrow.
    best = min((180, 135, 225, 45, 315, 90, 270), key=covered)
    return tuple(Ring(step * (number + 1), radii[number], x, y) for number, (x, y) in enumerate(labels(best)))


def _free_spot(x: float, y: float, taken: Sequence[_Box]) -> tuple[float, float]:
    """Return the place for a badge that is nearest to where it belongs and covers no other one."""
    for spot_x, spot_y in _spiral(x, y):
        box = _around(spot_x, spot_y, BADGE)
        if box.is_inside() and not any(box.meets(other) for other in taken):
            return spot_x, spot_y
    return x, y


def _spiral(x: float, y: float) -> Iterator[tuple[float, float]]:
    yield x, y
    for ring in range(1, 26):
        radius = ring * BADGE * 0.5
        turns = max(8, round(2 * math.pi * radius / BADGE))
        for turn in range(turns):
            angle = 2 * math.pi * turn / turns
            yield x + radius * math.sin(angle), y - radius * math.cos(angle)


def _label(name: str, x: float, y: float, taken: list[_Box]) -> Label | None:
    """Return a name beside its badge, or None where there is no room; its room is then taken."""
    beside = BADGE + 4
    for most in (MOST_WIDTH, SHORT_WIDTH):
        text = shortened(name, most)
        for label in (
            Label(text, x + beside, y + LINE * 0.35, "start"),
            Label(text, x - beside, y + LINE * 0.35, "end"),
            Label(text, x, y + beside + LINE * 0.6, "middle"),
            Label(text, x, y - beside, "middle"),
        ):
            box = _text_box(label.x, label.y, width_of(text), label.anchor)
            if box.is_inside() and not any(box.meets(other) for other in taken):
                taken.append(box)
                return label
    return None


def shortened(name: str, most: float = MOST_WIDTH) -> str:
    """Return as much of a name as a label of that width (units) shows."""
    if width_of(name) <= most:
        return name
    kept = name
    while kept and width_of(kept + "…") > most:
        kept = kept[:-1]
    return kept.rstrip() + "…"


def _around(x: float, y: float, radius: float) -> _Box:
    return _Box(x - radius, y - radius, x + radius, y + radius)


def _text_box(x: float, y: float, width: float, anchor: str) -> _Box:
    """Return the room of a line of text; ``y`` is its base line."""
    left = {"start": x, "middle": x - width / 2, "end": x - width}[anchor]
    return _Box(left, y - LINE * 0.85, left + width, y + LINE * 0.25)
