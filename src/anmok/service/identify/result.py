"""What a page shows of an answer: the card, confidence in words, the next candidates, what lies near."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass

from anmok.i18n import _
from anmok.images import Position
from anmok.service.answering import known_labels, served_for
from anmok.service.cards.agreement import NEAR, Agreement, compare_position
from anmok.service.cards.models import Card
from anmok.service.cards.neighbourhood import Neighbourhood, neighbourhood
from anmok.service.cards.sphere import distance
from anmok.service.uploads.models import Upload

#: From these probabilities on an answer is called sure, or likely.
SURE, LIKELY = 0.9, 0.6
#: Places near the card that an answer shows; its page has all of them.
MOST_NEARBY = 8


@dataclass(frozen=True, slots=True)
class Candidate:
    """A class that it may be: its name for people and its probability, 0-1."""

    name: str
    probability: float


@dataclass(frozen=True, slots=True)
class Result:
    """An answer for a page.

    Attributes:
        card: of the class; None where nobody filled one in.
        name: of the class, for people.
        confidence: in words.
        others: the next candidates.
        near: what lies near the card, the nearest; None without a card.
        agreement: of the photo's own position with the answer; None where it is not known.
        close: a place near the photo's own position, and how far, metres, where the eye knows none of them.
        has_heat_map: whether one can be drawn: the model that answers now still knows the class.
        forgotten: why the photo was not kept; empty where it was.
        preview: an address that holds a small picture of such a photo itself.
    """

    upload: Upload
    card: Card | None
    name: str
    confidence: str
    others: tuple[Candidate, ...]
    near: Neighbourhood | None
    agreement: Agreement | None
    close: tuple[Card, float] | None
    has_heat_map: bool
    forgotten: str = ""
    preview: str = ""


def shown_result(
    upload: Upload, position: Position | None = None, *, forgotten: str = "", preview: bytes = b""
) -> Result:
    """Return what a page shows of an upload.

    Args:
        position: where the photo was taken, for the visitor who gave it.
        forgotten: why it was not kept; preview: a small JPEG of it then.
    """
    labels = [candidate["class"] for candidate in upload.top]
    cards = {card.label: card for card in Card.objects.filter(label__in=labels).prefetch_related("photos", "nearby")}
    card = cards.get(upload.label)
    return Result(
        upload=upload,
        card=card,
        name=card.name if card else upload.label,
        confidence=confidence(upload),
        others=tuple(
            Candidate(cards[one["class"]].name if one["class"] in cards else one["class"], one["probability"])
            for one in upload.top
            if one["class"] != upload.label
        ),
        near=neighbourhood(card, most=MOST_NEARBY) if card else None,
        agreement=compare_position(card, position) if card and position and not upload.unknown else None,
        close=_close_to(position) if position and upload.unknown else None,
        has_heat_map=not forgotten and upload.label in served_for(upload.model).predictor.labels,
        forgotten=forgotten,
        preview=f"data:image/jpeg;base64,{b64encode(preview).decode()}" if preview else "",
    )


def _close_to(position: Position) -> tuple[Card, float] | None:
    """Return the nearest place that a photo from there may show, and its distance, metres."""
    found = [
        (card, distance(position.latitude, position.longitude, card.latitude, card.longitude))
        for card in Card.objects.filter(label__in=known_labels())
        if card.latitude is not None and card.longitude is not None
    ]
    nearest = min(found, key=lambda pair: pair[1], default=None)
    return nearest if nearest is not None and nearest[1] <= NEAR else None


def confidence(upload: Upload) -> str:
    """Return how sure the model is, in words."""
    if upload.unknown:
        return _("Probably nothing that this service knows.")
    if upload.probability >= SURE:
        return _("Quite sure.")
    if upload.probability >= LIKELY:
        return _("Likely, but look at the other candidates too.")
    return _("Only a guess: see the other candidates.")
