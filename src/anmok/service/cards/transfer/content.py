"""What a card holds, as values: what files are written from and compared with."""

from __future__ import annotations

from dataclasses import dataclass

from anmok.service.cards.models import Card, CardPhoto, Nearby

#: Fields of a card that a file may give, by the model's names; ``label`` is called ``class`` in files.
CARD_FIELDS = (
    "number",
    "name_en",
    "name_ko",
    "description_en",
    "description_ko",
    "latitude",
    "longitude",
    "link",
)
PLACE_FIELDS = ("name_en", "name_ko", "latitude", "longitude", "link")
PHOTO_FIELDS = ("description_en", "description_ko", "credit")


@dataclass(frozen=True, slots=True)
class PlaceContent:
    """A place near a card; see ``models.Nearby``."""

    category: str
    name_en: str
    name_ko: str
    latitude: float | None
    longitude: float | None
    link: str


@dataclass(frozen=True, slots=True)
class PhotoContent:
    """A photo of a card; see ``models.CardPhoto``. In a file ``picture`` may also be a path beside that file."""

    picture: str
    description_en: str
    description_ko: str
    credit: str


@dataclass(frozen=True, slots=True)
class CardContent:
    """A card with all that belongs to it; see ``models.Card``. Photos are in their order."""

    label: str
    number: int
    name_en: str
    name_ko: str
    description_en: str
    description_ko: str
    latitude: float | None
    longitude: float | None
    link: str
    nearby: tuple[PlaceContent, ...] = ()
    photos: tuple[PhotoContent, ...] = ()


def content_of(card: Card) -> CardContent:
    """Return what a stored card holds; ``nearby`` and ``photos`` should be prefetched."""
    return CardContent(
        label=card.label,
        **{name: getattr(card, name) for name in CARD_FIELDS},
        nearby=tuple(sorted((place_of(place) for place in card.nearby.all()), key=place_order)),
        photos=tuple(photo_of(photo) for photo in card.photos.all()),
    )


def place_of(place: Nearby) -> PlaceContent:
    """Return what a stored place holds."""
    return PlaceContent(place.category, **{name: getattr(place, name) for name in PLACE_FIELDS})


def photo_of(photo: CardPhoto) -> PhotoContent:
    """Return what a stored photo's row holds."""
    return PhotoContent(photo.picture, **{name: getattr(photo, name) for name in PHOTO_FIELDS})


def place_order(place: PlaceContent) -> tuple[object, ...]:
    """Return what places are sorted by: they have no order of their own, and files must not differ by chance."""
    position = (place.latitude is None, place.latitude or 0.0, place.longitude is None, place.longitude or 0.0)
    return (place.category, place.name_en, place.name_ko, *position, place.link)


def stored_cards() -> tuple[CardContent, ...]:
    """Return all cards by number."""
    return tuple(content_of(card) for card in Card.objects.prefetch_related("nearby", "photos").order_by("number"))
