"""Whether eye and position agree: how far from the answer's place a photo was taken."""

from __future__ import annotations

from dataclasses import dataclass

from anmok.images import Position
from anmok.service.cards.models import Card
from anmok.service.cards.sphere import distance

#: Metres within which a photo of a place was taken: the place may be large, and a camera's position off by some.
NEAR = 1500.0


@dataclass(frozen=True, slots=True)
class Agreement:
    """What the position in a photo says of the answer.

    Attributes:
        metres: from the photo's position to the place of the answer's card.
        agree: whether that is near.
        nearest: the card whose place is nearest to the photo's position, and how far it is, metres.
    """

    metres: float
    agree: bool
    nearest: Card
    nearest_metres: float


def compare_position(card: Card, position: Position) -> Agreement | None:
    """Compare a photo's position with the places of cards; None where the answer's card has none."""

    def metres(other: Card) -> float:
        assert other.latitude is not None
        assert other.longitude is not None
        return distance(position.latitude, position.longitude, other.latitude, other.longitude)

    if card.latitude is None or card.longitude is None:
        return None
    placed = Card.objects.exclude(latitude=None).exclude(longitude=None)
    nearest = min(placed, key=metres)
    return Agreement(metres(card), metres(card) <= NEAR, nearest, metres(nearest))
