"""A pretrained backbone and a new head as one network, to be trained in part or whole. Imports PyTorch and timm.

What stays as it is has ``requires_grad`` False. Batch normalisation goes on with the statistics that it has, whether
its factors learn or not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from anmok.config import Preprocessing, Recipe
from anmok.errors import UsageError, WeightsMissing
from anmok.i18n import _
from anmok.models.backbone_module import BackboneModule, empty_backbone
from anmok.models.backbones import backbone_module
from anmok.models.dropout import seeded
from anmok.models.head_layers import build_head, parse_head_layers
from anmok.models.layer_count import block_numbers, frozen_parameters, parse_freeze
from anmok.models.networks import Network
from anmok.models.packs import WeightPack, pack_facts, pack_of_facts

#: A feature map needs so many places each way, for heat maps and so that pooling has a meaning.
SMALLEST_MAP = 2


class BackboneNetwork(Network):
    """The network of a weight pack under a new head.

    Args:
        classes: K.
        backbone: its classifier is taken away, and what a head ``layers`` does not use of it.
        pack: what the backbone was made from; goes into checkpoints.
        image_size: S, pixels; 0 takes what the weights were trained with.
        head_layers: as recipes list them, on the feature map; empty: one linear layer on the embedding.

    Attributes:
        frozen: names of parameters that do not learn, after ``freeze``.

    Raises:
        UsageError: pictures of that size leave no feature map.
    """

    default_size: ClassVar[int] = 224
    smallest_size: ClassVar[int] = 32

    def __init__(
        self,
        classes: int,
        *,
        backbone: BackboneModule,
        pack: WeightPack,
        image_size: int = 0,
        head_layers: Sequence[str] = (),
    ) -> None:
        super().__init__(classes, image_size=image_size or pack.input_size)
        self.pack, self.head_layers = pack, tuple(head_layers)
        self.frozen: frozenset[str] = frozenset()
        backbone.network.reset_classifier(0)
        seeded(backbone)
        self.backbone = backbone
        self.pooled = not self.head_layers
        if not self.pooled:
            _drop_what_is_not_reached(backbone, self.image_size)
        embedding, feature_map = self._try()
        layers = parse_head_layers(self.head_layers or ("average-pool",))
        self.head = build_head(layers, embedding if self.pooled else feature_map, classes)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return logits ``(N, K)``, embedding ``(N, D)`` and feature map ``(N, C, h, w)``.

        The embedding is the backbone's own, and of a head ``layers`` the mean of the feature map over its places:
        what lies behind it in the head knows of these classes alone, and is worse for telling strangers.
        """
        embedding, feature_map = self._features(pictures)
        return self.head(embedding if self.pooled else feature_map), embedding, feature_map

    def _features(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        if self.pooled:
            embedding, feature_map = self.backbone(pictures)
            return embedding, feature_map
        feature_map = self.backbone.as_map(self.backbone.features(pictures))
        return feature_map.mean(dim=(2, 3)), feature_map

    def freeze(self, text: str) -> None:
        """Let the part of the backbone that ``text`` names (``Recipe.freeze``) stay as it is.

        Raises:
            UsageError: ``text`` cannot be read, or counts more than the backbone has.
        """
        names = frozen_parameters(self.backbone.network, self.pack.architecture, parse_freeze(text))
        self.frozen = frozenset(f"backbone.network.{name}" for name in names)
        for name, parameter in self.named_parameters():
            parameter.requires_grad_(name not in self.frozen)
        self.train(self.training)

    def train(self, mode: bool = True) -> Self:
        """Set the mode of the head; the backbone's batch normalisation and what is frozen stay in evaluation mode.

        The statistics of a few pictures are worse than those of the million that the weights were trained with:
        learning with them, MobileNetV2 ended below the frozen one (docs/fine-tuning.md). The factors and offsets of
        batch normalisation learn. Keras' own guide to fine-tuning does the same.
        """
        super().train(mode)
        if mode:
            for path, module in self.backbone.named_modules(prefix="backbone"):
                own = [f"{path}.{name}" for name, _value in module.named_parameters(recurse=False)]
                if isinstance(module, _BatchNorm) or (own and self.frozen.issuperset(own)):
                    module.training = False
        return self

    def rate_factors(self, recipe: Recipe) -> Mapping[str, float]:
        """Return what the learning rate of each parameter of the backbone is multiplied by.

        The last block learns at ``backbone_rate``, each block before it slower by the factor ``layer_decay`` (Clark et
        al.: ELECTRA, 2020; timm counts the head as a block, here it is not one).
        """
        numbers, blocks = block_numbers(self.backbone.network)
        return {
            f"backbone.network.{name}": recipe.backbone_rate * recipe.layer_decay ** (blocks - 1 - number)
            for name, number in numbers.items()
        }

    def facts(self) -> dict[str, Any]:
        """Return JSON values from which ``from_facts`` builds a network of this form."""
        return {
            "pack": pack_facts(self.pack),
            "preprocessing": self.backbone.preprocessing,
            "head_layers": list(self.head_layers),
        }

    def _try(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Return the shapes ``(D,)`` and ``(C, h, w)`` of what a picture becomes."""
        size = self.image_size
        try:
            with torch.no_grad():
                embedding, feature_map = self._features(torch.zeros((1, size, size, 3), dtype=torch.uint8))
        except (RuntimeError, AssertionError):
            places = 0
        else:
            places = min(feature_map.shape[2:])
        if places < SMALLEST_MAP:
            raise UsageError(
                _("{name} cannot look at pictures of {size} pixels.").format(name=self.pack.name, size=size),
                hint=_("Write image_size = 0 in the recipe: it takes {size} pixels.").format(size=self.pack.input_size),
            )
        return tuple(embedding.shape[1:]), tuple(feature_map.shape[1:])


def pretrained_network(recipe: Recipe, pack: WeightPack, classes: int) -> BackboneNetwork:
    """Return the network that a recipe fine-tunes: the pack's weights, a head by torch's generator, and its freezing.

    Raises:
        UsageError: the recipe asks for a size, a head or a freezing that cannot be had.
        WeightsMissing, MissingExtra: as ``backbone_module``.
    """
    size = recipe.image_size or pack.input_size
    backbone = backbone_module(pack, image_size=size, preprocessing=recipe.preprocessing)
    network = BackboneNetwork(classes, backbone=backbone, pack=pack, image_size=size, head_layers=recipe.head_layers)
    if recipe.freeze:
        network.freeze(recipe.freeze)
    return network


def network_of_facts(facts: Mapping[str, Any], classes: int, image_size: int) -> BackboneNetwork:
    """Return a network as ``BackboneNetwork.facts`` described it, with chance weights; the pack is not looked for.

    The facts may come from a stranger: they are read as strictly as a weight pack.

    Raises:
        ValueError: they are not such facts, or describe no network that can be built.
    """
    try:
        pack = pack_of_facts(facts["pack"])
        preprocessing: Preprocessing = facts["preprocessing"]
        if preprocessing not in ("own", "mistake-0-1", "mistake-twice"):
            raise ValueError(f"preprocessing {preprocessing!r}")
        head_layers = tuple(map(str, facts["head_layers"]))
        backbone = empty_backbone(pack, image_size=image_size, preprocessing=preprocessing)
        return BackboneNetwork(classes, backbone=backbone, pack=pack, image_size=image_size, head_layers=head_layers)
    except (KeyError, TypeError, RuntimeError, WeightsMissing, UsageError) as error:
        raise ValueError(str(error)) from error


def _drop_what_is_not_reached(backbone: BackboneModule, size: int) -> None:
    """Replace parts of the network that the feature map does not come from: they could not learn, only weigh.

    These are what timm puts between the last map and the classifier, for example the dense layers of VGG.
    """
    pictures = torch.zeros((1, size, size, 3), dtype=torch.uint8)
    with torch.enable_grad():
        values = backbone.features(pictures).sum()
        named = list(backbone.network.named_parameters())
        gradients = torch.autograd.grad(values, [value for _name, value in named], allow_unused=True)
    reached = {name for (name, _value), gradient in zip(named, gradients, strict=True) if gradient is not None}
    for child, module in list(backbone.network.named_children()):
        names = [f"{child}.{name}" for name, _value in module.named_parameters()]
        if names and not reached.intersection(names):
            setattr(backbone.network, child, nn.Identity())
