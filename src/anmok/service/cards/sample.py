"""The five sights of Jeju of the built-in sample, as cards: so that `anmok serve` has something to tell at once.

They stand in ``sample_cards.json``, a file as curators write them. Positions are rounded to about a hundred metres, and
those of what lies near may be off by more: a sample, no guide. The words are our own, the photos drawn by this program
(``scripts/card-photos``) and named by the number of their card.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from django.db import transaction

from anmok.service.cards.models import Card, CardPhoto, Nearby
from anmok.service.cards.photos import keep
from anmok.service.cards.transfer.checking import Problem, WantedCard, wanted_cards
from anmok.service.cards.transfer.document import read_document

_CARDS, _PHOTOS = Path(__file__).parent / "sample_cards.json", Path(__file__).parent / "sample_photos"
_CREDIT = "Anmok, drawn by a program"


def load_sample(labels: Sequence[str]) -> int:
    """Make cards for those of the five sights that a bundle knows, and return how many.

    Args:
        labels: the bundle's classes, which may be named in English or Korean.
    """
    problems: list[Problem] = []
    sights = wanted_cards(read_document(_CARDS.read_bytes(), _CARDS.name, problems), _CARDS.name, {}, problems)
    made = 0
    with transaction.atomic():
        for sight in sights:
            names = (sight.fields["name_en"], sight.fields["name_ko"])
            label = next((one for one in labels if one in names), None)
            if label is None:
                continue
            card, is_new = Card.objects.get_or_create(label=label, defaults=sight.fields)
            if is_new:
                _fill(card, sight)
            made += is_new
    return made


def _fill(card: Card, sight: WantedCard) -> None:
    for order, path in enumerate(sorted(_PHOTOS.glob(f"{card.number}-*.jpg"))):
        kept = keep(path.name, path.read_bytes())
        CardPhoto.objects.create(
            card=card, order=order, picture=kept.picture, width=kept.width, height=kept.height, credit=_CREDIT
        )
    Nearby.objects.bulk_create(Nearby(card=card, **asdict(place)) for place in sight.nearby or ())
