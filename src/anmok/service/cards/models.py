"""A card tells what a class is: name, photos, words, place; and what is worth seeing near it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, URLValidator
from django.db import models

from anmok.i18n import current_language
from anmok.service.cards.fields import ExactCharField
from anmok.service.cards.wording import MOST_DESCRIPTION, MOST_LINK, MOST_NAME, MOST_NUMBER, pair_problem
from anmok.service.language import gettext_lazy

if TYPE_CHECKING:
    from django.db.models.manager import RelatedManager

_LINK = URLValidator(schemes=["http", "https"])


class Placed(models.Model):
    """Something with a name in two languages and, perhaps, a position (degrees, WGS 84)."""

    name_en = models.CharField(gettext_lazy("name in English"), max_length=MOST_NAME, blank=True)
    name_ko = models.CharField(gettext_lazy("name in Korean"), max_length=MOST_NAME, blank=True)
    latitude = models.FloatField(
        gettext_lazy("latitude"), null=True, blank=True, validators=[MinValueValidator(-90), MaxValueValidator(90)]
    )
    longitude = models.FloatField(
        gettext_lazy("longitude"), null=True, blank=True, validators=[MinValueValidator(-180), MaxValueValidator(180)]
    )
    link = models.URLField(gettext_lazy("link"), max_length=MOST_LINK, blank=True, validators=[_LINK])

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """The name in the reader's language; the other one where it is missing."""
        return (current_language() == "ko" and self.name_ko) or self.name_en or self.name_ko

    def clean(self) -> None:
        """Refuse what no single field shows: no name at all, half a position."""
        super().clean()
        problem = pair_problem(self.name_en, self.name_ko, self.latitude, self.longitude)
        if problem is not None:
            raise ValidationError({problem.field: f"{problem.came} {problem.wanted}"})


class Card(Placed):
    """What is known of one class.

    ``label`` is the class's name in the bundle, ``number`` the class's number for people and programs.
    """

    number = models.PositiveIntegerField(
        gettext_lazy("number"), unique=True, validators=[MaxValueValidator(MOST_NUMBER)]
    )
    label = ExactCharField(gettext_lazy("class in the model"), max_length=MOST_NAME, unique=True)
    description_en = models.TextField(gettext_lazy("description in English"), max_length=MOST_DESCRIPTION, blank=True)
    description_ko = models.TextField(gettext_lazy("description in Korean"), max_length=MOST_DESCRIPTION, blank=True)

    if TYPE_CHECKING:
        nearby: RelatedManager[Nearby]
        photos: RelatedManager[CardPhoto]

    class Meta:
        ordering = ("number",)
        verbose_name = gettext_lazy("card")
        verbose_name_plural = gettext_lazy("cards")

    @property
    def description(self) -> str:
        """The description in the reader's language; the other one where it is missing."""
        return (current_language() == "ko" and self.description_ko) or self.description_en or self.description_ko

    @property
    def photo(self) -> CardPhoto | None:
        """The representative photo: the first; None without any. Prefetch ``photos`` where many cards are shown."""
        return next(iter(self.photos.all()), None)


class CardPhoto(models.Model):
    """A photo of what a card is about; the first represents it.

    ``picture`` is the SHA-256 of what is kept (``cards.photos``): re-encoded, without metadata.
    """

    card = models.ForeignKey(Card, on_delete=models.CASCADE, related_name="photos")
    order = models.PositiveSmallIntegerField(gettext_lazy("order"), default=0)
    picture = models.CharField(gettext_lazy("hash of what is kept"), max_length=64, db_index=True, editable=False)
    width = models.PositiveIntegerField(editable=False)
    height = models.PositiveIntegerField(editable=False)
    description_en = models.CharField(gettext_lazy("what it shows, in English"), max_length=MOST_NAME, blank=True)
    description_ko = models.CharField(gettext_lazy("what it shows, in Korean"), max_length=MOST_NAME, blank=True)
    credit = models.CharField(gettext_lazy("photographer and licence"), max_length=MOST_NAME, blank=True)

    class Meta:
        ordering = ("card", "order", "id")
        verbose_name = gettext_lazy("photo")
        verbose_name_plural = gettext_lazy("photos")

    def __str__(self) -> str:
        return self.description or self.picture[:12]

    @property
    def description(self) -> str:
        """What it shows, in the reader's language; the other one where it is missing."""
        return (current_language() == "ko" and self.description_ko) or self.description_en or self.description_ko


class Nearby(Placed):
    """A sight, a restaurant or a place to stay near a card."""

    class Category(models.TextChoices):
        """What one goes there for."""

        SIGHT = "sight", gettext_lazy("sight")
        RESTAURANT = "restaurant", gettext_lazy("restaurant")
        LODGING = "lodging", gettext_lazy("lodging")

    card = models.ForeignKey(Card, on_delete=models.CASCADE, related_name="nearby")
    category = models.CharField(gettext_lazy("category"), max_length=20, choices=Category)

    class Meta:
        ordering = ("card", "name_en", "name_ko", "id")
        verbose_name = gettext_lazy("place nearby")
        verbose_name_plural = gettext_lazy("places nearby")
