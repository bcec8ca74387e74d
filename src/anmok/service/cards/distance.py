"""What lies nearest to a card."""

from __future__ import annotations

from anmok.service.cards.models import Card, Nearby
from anmok.service.cards.sphere import distance


def by_distance(card: Card) -> tuple[tuple[Nearby, float], ...]:
    """Return what lies near a card with its distance in metres, nearest first; what has no position is left out."""
    if card.latitude is None or card.longitude is None:
        return ()
    found = [
        (nearby, distance(card.latitude, card.longitude, nearby.latitude, nearby.longitude))
        for nearby in card.nearby.all()
        if nearby.latitude is not None and nearby.longitude is not None
    ]
    return tuple(sorted(found, key=lambda pair: pair[1]))
