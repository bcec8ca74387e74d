"""The JSON that programs get."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from ninja import Field, Schema

#: What lies near a card, by what one goes there for (``cards.models.Nearby.Category``).
Category = Literal["sight", "restaurant", "lodging"]


class Candidate(Schema):
    """A class with its probability, 0-1."""

    label: str = Field(alias="class", serialization_alias="class")
    probability: float


class NearbyOut(Schema):
    """Something worth a way from a card: ``metres`` from it along the surface of the Earth."""

    name: str
    category: Category
    latitude: float
    longitude: float
    metres: float
    link: str


class CardOut(Schema):
    """What is known of a class; names and description in the language that was asked for.

    ``number`` is the class's number for people and programs, whatever its place in a model; ``class`` its name there.
    ``photo`` is the address of the photo that represents it, below that of the service.
    """

    number: int
    label: str = Field(alias="class", serialization_alias="class")
    name: str
    description: str
    latitude: float | None
    longitude: float | None
    link: str
    photo: str | None


class Answer(Schema):
    """What one photo shows.

    ``index`` is the class's place in the model, counted from 0; the number of its card is ``card.number``. Where
    ``unknown`` is true the photo shows none of the classes, and ``class`` is only the nearest. ``card`` is null where
    nobody wrote one. ``upload`` names the photo from now on; it is null where the photo was not kept, and ``forgotten``
    says why.
    """

    label: str = Field(alias="class", serialization_alias="class")
    index: int
    probability: float
    unknown: bool
    top: list[Candidate]
    card: CardOut | None
    upload: UUID | None
    forgotten: str = ""


class ModelOut(Schema):
    """A bundle that answers: its classes in the order of ``index``, and the side of the square that it sees, pixels."""

    name: str = Field(description="as the parameter `model` of `identify` takes it; the first is the usual one")
    bundle: str = Field(description="what the bundle calls itself")
    version: str = Field(description="the first letters of the SHA-256 of its file")
    classes: list[str]
    image_size: int


class Problem(Schema):
    """An error as RFC 9457 has it; ``detail`` says what to do, in the language that was asked for."""

    type: str
    title: str
    status: int
    detail: str
