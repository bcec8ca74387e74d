"""One picture as policies change it, and as the model of a recipe really gets it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from anmok.config import Recipe, ResizeRule
from anmok.config.recipe import Preprocessing
from anmok.errors import WeightsMissing
from anmok.images import resize
from anmok.models.backbone_module import BackboneModule
from anmok.models.networks import get_network
from anmok.models.packs import WeightPack, find_pack
from anmok.models.registry import get_model
from anmok.training.augmentation.chance import rounded
from anmok.training.augmentation.drawing import draw, variant_seed
from anmok.training.augmentation.registry import all_policies, get_policy

#: Side of the pictures where no recipe says what its model takes, pixels.
SIZE = 224


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """What one policy makes of the picture: ``variants`` uint8 ``(count, S, S, 3)``."""

    policy: str
    about: str
    variants: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Given:
    """The numbers that a backbone is given by one way of preprocessing.

    Attributes:
        preprocessing: of recipes.
        own: True for the way that the recipe takes.
        low, high: the least and the greatest of the numbers.
        pixels: uint8 ``(S, S, 3)``, the picture that these numbers mean to the backbone: they were mapped back by the
            preprocessing that its weights were trained with.
    """

    preprocessing: Preprocessing
    own: bool
    low: float
    high: float
    pixels: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Seen:
    """What the model of a recipe gets.

    Attributes:
        recipe, model: names.
        given: for a backbone whose weights are here, what it is given; by the way of the recipe first.
        missing: the weights are wanted and not here, so how they want pixels is not known.
        backbone: the model begins with pretrained weights.
    """

    recipe: str
    model: str
    given: tuple[Given, ...]
    missing: bool
    backbone: bool


@dataclass(frozen=True, slots=True)
class Preview:
    """One picture in variants.

    Attributes:
        picture: its name. width, height: of it, upright, pixels.
        size, rule: how it became the square that the model sees.
        squares: for each of the three rules the picture by it, uint8 ``(S, S, 3)``; that of ``rule`` is the array that
            training, measuring and serving see.
        rows: one for each policy.
        seen: of a recipe, if one was named.
        seed: of the variants.
    """

    picture: str
    width: int
    height: int
    size: int
    rule: ResizeRule
    squares: dict[ResizeRule, NDArray[np.uint8]]
    rows: tuple[PolicyRow, ...]
    seen: Seen | None
    seed: int

    @property
    def square(self) -> NDArray[np.uint8]:
        """The picture as it is before a policy changes it, uint8 ``(S, S, 3)``."""
        return self.squares[self.rule]


def preview(
    picture: str,
    pixels: NDArray[np.uint8],
    *,
    key: str,
    policies: Sequence[str],
    count: int,
    recipe: Recipe | None = None,
    seed: int = 0,
) -> Preview:
    """Draw a picture in ``count`` variants by each policy.

    Args:
        picture: its name; shown only.
        pixels: uint8 ``(H, W, 3)``, decoded at full size.
        key: the picture's id, of which the variants' chance is made, as that of copies is.
        recipe: whose size and resize rule are taken; None: 224 pixels, squashed.

    Raises:
        UnknownName: there is no such policy.
    """
    made = {name: get_policy(name) for name in policies}
    abouts = {policy.name: policy.summary for policy in all_policies()}
    pack = None if recipe is None else _pack_of(recipe)
    size = SIZE if recipe is None else size_of(recipe, pack)
    rule: ResizeRule = "squash" if recipe is None else recipe.resize
    squares: dict[ResizeRule, NDArray[np.uint8]] = {one: resize(pixels, size, one) for one in get_args(ResizeRule)}
    square = squares[rule]
    rows = []
    for name, policy in made.items():
        seeds = [variant_seed(seed, name, key, number) for number in range(1, count + 1)]
        rows.append(PolicyRow(name, abouts[name], np.stack([draw(square, policy, seed=one) for one in seeds])))
    height, width = pixels.shape[:2]
    seen = None if recipe is None else _seen(recipe, pack, square)
    return Preview(picture, width, height, size, rule, squares, tuple(rows), seen, seed)


def size_of(recipe: Recipe, pack: WeightPack | None) -> int:
    """Return the side of the square that the recipe's model sees, pixels; nothing is built to find it out."""
    spec = get_model(recipe.model)
    if recipe.image_size or spec.image_size:
        return recipe.image_size or spec.image_size
    if spec.weights:
        known = pack or spec.facts
        return SIZE if known is None else known.input_size
    return get_network(spec.name).default_size if spec.kind == "network" else spec.extractor().input_size


def _pack_of(recipe: Recipe) -> WeightPack | None:
    weights = get_model(recipe.model).weights
    try:
        return find_pack(weights, download=False) if weights else None
    except WeightsMissing:
        return None


def _seen(recipe: Recipe, pack: WeightPack | None, square: NDArray[np.uint8]) -> Seen:
    spec = get_model(recipe.model)
    ways: list[Preprocessing] = [recipe.preprocessing]
    ways += [way for way in get_args(Preprocessing) if way != recipe.preprocessing]
    given = () if pack is None else tuple(_given(way, recipe.preprocessing, pack, square) for way in ways)
    return Seen(recipe.name, spec.title, given, bool(spec.weights) and pack is None, bool(spec.weights))


def _given(way: Preprocessing, own: Preprocessing, pack: WeightPack, square: NDArray[np.uint8]) -> Given:
    # The backbone's own code makes the numbers, so that what is shown is what it gets.
    as_given, as_wanted = (
        BackboneModule(nn.Identity(), pack.mean, pack.std, preprocessing=one) for one in (way, "own")
    )
    numbers = torch.from_numpy(square).permute(2, 0, 1).unsqueeze(0) * as_given.scale + as_given.offset
    meant = rounded((numbers - as_wanted.offset) / as_wanted.scale)[0].permute(1, 2, 0).contiguous().numpy()
    return Given(way, way == own, float(numbers.min()), float(numbers.max()), meant)
