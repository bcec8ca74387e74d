"""Which recipe is measured on which pictures, what its source published, and what issue 4 wants."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from anmok.config import Recipe


@dataclass(frozen=True, kw_only=True)
class Row:
    """One training.

    Attributes:
        name: of the row and of its folder.
        source: a zip of the shared pictures, without its ending.
        published: what the source reported, on its own pictures; empty for what is ours.
        base: the recipe, where one is measured on several sets; empty: the row's name is the recipe's.
        valid: share of the training pictures that chooses the epoch, 0-1.
        wanted: least test accuracy that issue 4 asks for; 0: none.
        against: the row that must be beaten by the paired test; empty: none.
    """

    name: str
    source: str
    published: str = ""
    base: str = ""
    valid: float = 0.15
    wanted: float = 0.0
    against: str = ""

    def recipe(self) -> Recipe:
        """Return what is trained."""
        from anmok.models.recipes import get_recipe

        return dataclasses.replace(get_recipe(self.base or self.name), name=self.name)


_PHOTOS = "on 200 photos that are not here"
#: The reference projects A, C, D, B, E, then ours.
ROWS = (
    Row(name="horse-human-mobilenetv2", source="horse-or-human", published=f"0.96 {_PHOTOS}"),
    Row(name="horse-human-resnet50", source="horse-or-human", published=f"0.50 {_PHOTOS}"),
    Row(name="horse-human-vgg16", source="horse-or-human", published=f"0.80 {_PHOTOS}"),
    Row(name="horse-human-densenet121", source="horse-or-human", published=f"0.94 {_PHOTOS}"),
    Row(name="cifar10-cnn", source="cifar10-small", published="0.6575 (validation, 35,000 to learn from)", valid=0.3),
    Row(name="cats-dogs-cnn", source="cats-dogs", published="0.71 (200 pictures)", wanted=0.71),
    Row(name="cats-dogs-mobilenet", source="cats-dogs", published="0.9553 (training pictures)"),
    Row(name="features-2d", source="cats-dogs"),
    Row(name="sports-cnn-1", source="sports100-small", published="0.386 (13,572 to learn from)"),
    Row(name="sports-cnn-2", source="sports100-small", published="0.408 (13,572 to learn from)"),
    Row(name="sports-cnn-3", source="sports100-small", published="0.356 (13,572 to learn from)"),
    Row(name="sports-efficientnetb0", source="sports100-small", published="0.872 (13,572 to learn from)"),
    Row(name="sports-mobilenetv2", source="sports100-small", published="0.916 (13,572 to learn from)"),
    Row(name="places-cnn", source="scenes6", published="0.9635 (training pictures, five other places)"),
    Row(name="places-mobilenetv2", source="scenes6"),
    Row(name="illustrations-cnn", source="drawings-with-photos", published="macro F1 0.135 (20 classes)"),
    Row(name="illustrations-mobilenetv2", source="drawings-with-photos"),
    Row(name="cnn-tiny", source="cifar10-small", valid=0.3),
    Row(name="frozen-cifar10", source="cifar10-small", base="mobilenetv2-small", wanted=0.77),
    Row(name="frozen-cats-dogs", source="cats-dogs", base="mobilenetv2", wanted=0.985),
    Row(name="frozen-sports", source="sports100-small", base="mobilenetv2", wanted=0.86),
    Row(name="frozen-scenes", source="scenes6", base="mobilenetv2", wanted=0.905),
    Row(name="partial-sports", source="sports100-small", base="mobilenetv2-partial", against="frozen-sports"),
    Row(name="full-sports", source="sports100-small", base="mobilenetv2-full", against="frozen-sports"),
    Row(name="partial-scenes", source="scenes6", base="mobilenetv2-partial", against="frozen-scenes"),
    Row(name="full-scenes", source="scenes6", base="mobilenetv2-full", against="frozen-scenes"),
)
