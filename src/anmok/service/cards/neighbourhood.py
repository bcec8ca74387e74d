"""What lies near a card, as a page shows it: nearest first, by category, with its map."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from anmok.i18n import _
from anmok.service.cards.distance import by_distance
from anmok.service.cards.map import Map, Point, draw
from anmok.service.cards.models import Card, Nearby
from anmok.service.cards.sphere import bearing


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A place near a card.

    Attributes:
        number: 1 is the first of the list; the same on the map.
        category: in the reader's language.
        metres: None where the place, or the card, has no position. direction: in words; "" where it has none.
    """

    number: int
    place: Nearby
    category: str
    metres: float | None
    direction: str


@dataclass(frozen=True, slots=True)
class Choice:
    """A category that the list can be narrowed to, "" for all; its name, and how many places are in it."""

    value: str
    name: str
    count: int


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """Places near a card.

    Attributes:
        shown: of the chosen category, nearest first; those without a distance come last.
        more: further ones that are not shown.
        map: None where nothing has a position.
        choices: the categories that there are, all of them first; empty where there is but one.
        chosen: one of the choices.
    """

    shown: tuple[Neighbour, ...]
    more: int
    map: Map | None
    choices: tuple[Choice, ...]
    chosen: str


def neighbourhood(card: Card, *, category: str = "", most: int | None = None) -> Neighbourhood:
    """Return what lies near a card.

    Args:
        category: only this one; what is no category here means all.
        most: places that are shown and drawn, the nearest.
    """
    places = list(card.nearby.all())
    counts = Counter(place.category for place in places)
    chosen = category if category in counts else ""
    far = {place.pk: metres for place, metres in by_distance(card)}
    wanted = [place for place in places if not chosen or place.category == chosen]
    # Without a distance they come last, by name.
    wanted.sort(key=lambda place: (place.pk not in far, far.get(place.pk, 0.0), place.name))
    shown = tuple(
        Neighbour(number, place, kind(place.category), far.get(place.pk), _direction(card, place))
        for number, place in enumerate(wanted[:most], start=1)
    )
    points = [
        Point(one.place.latitude, one.place.longitude, one.place.name, one.place.category)
        for one in shown
        if one.metres is not None and one.place.latitude is not None and one.place.longitude is not None
    ]
    drawn = None
    if points and card.latitude is not None and card.longitude is not None:
        drawn = draw(card.latitude, card.longitude, points)
    return Neighbourhood(shown, len(wanted) - len(shown), drawn, _choices(counts), chosen)


def _choices(counts: Counter[str]) -> tuple[Choice, ...]:
    if len(counts) < 2:
        return ()
    named = [Choice(value, category_name(value), counts[value]) for value in Nearby.Category.values if counts[value]]
    return (Choice("", category_name(""), counts.total()), *named)


def category_name(category: str) -> str:
    """Return the heading of a category, in the reader's language."""
    return {
        "": _("All"),
        "sight": _("Sights"),
        "restaurant": _("Restaurants"),
        "lodging": _("Places to stay"),
    }.get(category, category)


def kind(category: str) -> str:
    """Return what one place of a category is, in the reader's language."""
    return {"sight": _("sight"), "restaurant": _("restaurant"), "lodging": _("place to stay")}.get(category, category)


def _direction(card: Card, place: Nearby) -> str:
    if None in (card.latitude, card.longitude, place.latitude, place.longitude):
        return ""
    words = (
        _("north"),
        _("north-east"),
        _("east"),
        _("south-east"),
        _("south"),
        _("south-west"),
        _("west"),
        _("north-west"),
    )
    turn = bearing(card.latitude, card.longitude, place.latitude, place.longitude)
    return words[round(turn / 45) % 8]
