"""A pretrained network of timm's as a PyTorch module with its preprocessing inside. Imports PyTorch and timm."""

from __future__ import annotations

from typing import Any

import safetensors.torch
import timm
import torch
from timm.layers.pos_embed import resample_abs_pos_embed
from torch import Tensor, nn

from anmok.config import Preprocessing
from anmok.errors import UsageError, WeightsMissing
from anmok.i18n import _
from anmok.models.onnx_export import quiet
from anmok.models.packs import WeightPack


class BackboneModule(nn.Module):
    """Pictures as they are decoded in, embedding and feature map out. Nothing else in Anmok may normalise.

    Args:
        network: a model of timm's; its classifier is not used.
        mean, std: of each channel, for values of 0-1.
        preprocessing: ``own``, or one of the mistakes of published projects (``Recipe``), for teaching.

    Attributes:
        network: for fine-tuning.
    """

    # timm's networks share attributes that nn.Module does not know of.
    network: Any
    scale: Tensor
    offset: Tensor

    def __init__(
        self,
        network: nn.Module,
        mean: tuple[float, ...],
        std: tuple[float, ...],
        *,
        preprocessing: Preprocessing = "own",
    ) -> None:
        super().__init__()
        self.network = network
        self.preprocessing = preprocessing
        if preprocessing == "mistake-0-1":
            mean, std = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
        # (x / 255 - mean) / std as one multiplication and one addition; no part of the weights, so not in state_dict.
        deviation = torch.tensor(std, dtype=torch.float64)  # float32 comes last, so that rounding happens once
        scale, offset = 1 / (255 * deviation), -torch.tensor(mean, dtype=torch.float64) / deviation
        if preprocessing == "mistake-twice":
            scale = scale / 255
        self.register_buffer("scale", scale.float().reshape(1, 3, 1, 1), persistent=False)
        self.register_buffer("offset", offset.float().reshape(1, 3, 1, 1), persistent=False)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Return embedding ``(N, D)`` and feature map ``(N, C, h, w)`` for pictures uint8 ``(N, S, S, 3)``."""
        features = self.features(pictures)
        embedding = self.network.forward_head(features, pre_logits=True)
        return embedding.flatten(1), self.as_map(features)

    def features(self, pictures: Tensor) -> Tensor:
        """Return the last features in the network's own form: a map, channels last, or tokens."""
        values = pictures.permute(0, 3, 1, 2).float() * self.scale + self.offset
        features: Tensor = self.network.forward_features(values)
        return features

    def as_map(self, features: Tensor) -> Tensor:
        """Return the last features as ``(N, C, h, w)``, whatever their form: so, channels last, or tokens."""
        channels = int(self.network.num_features)
        if features.ndim == 3:
            tokens = features[:, int(getattr(self.network, "num_prefix_tokens", 0)) :]
            height, width = self.network.patch_embed.grid_size
            return tokens.transpose(1, 2).reshape(-1, channels, height, width)
        if features.shape[1] != channels and features.shape[3] == channels:
            return features.permute(0, 3, 1, 2)
        return features


def load_backbone(pack: WeightPack, *, image_size: int = 0, preprocessing: Preprocessing = "own") -> BackboneModule:
    """Build the pack's network and fill in its weights.

    Args:
        image_size: side of the square, pixels; networks with a fixed grid of patches are built for it.
            0 takes the pack's own.

    Raises:
        UsageError: the network is made for one size, and not for this one.
        WeightsMissing: the weights do not belong to that architecture, or are damaged.
    """
    is_resized = _is_resized(pack, image_size)
    try:
        weights = safetensors.torch.load(pack.read_weights())
        with quiet():
            network = _built(pack, image_size, classes=pack.num_classes)
            _fill(network, weights)
    except (RuntimeError, ValueError, TypeError, KeyError, safetensors.SafetensorError) as error:
        if is_resized:
            raise UsageError(
                _("{name} cannot look at pictures of {size} pixels.").format(name=pack.name, size=image_size),
                hint=_("Write image_size = 0 in the recipe: it takes {size} pixels.").format(size=pack.input_size),
            ) from error
        raise WeightsMissing(
            _("The weight pack {folder} cannot be used: its weights do not fit {architecture} ({reason}).").format(
                folder=pack.folder, architecture=pack.architecture, reason=" ".join(str(error).split())[:200]
            ),
            hint=_("Copy or download the pack again."),
        ) from error
    return BackboneModule(network, pack.mean, pack.std, preprocessing=preprocessing).eval()


def empty_backbone(pack: WeightPack, *, image_size: int = 0, preprocessing: Preprocessing = "own") -> BackboneModule:
    """Build the pack's network with chance weights, to be filled from a checkpoint; the pack's file is not read.

    Raises:
        RuntimeError, ValueError, TypeError: there is no such architecture, or none of that size.
    """
    with quiet():
        network = _built(pack, image_size, classes=0)
    return BackboneModule(network, pack.mean, pack.std, preprocessing=preprocessing).eval()


def _built(pack: WeightPack, image_size: int, *, classes: int) -> Any:
    arguments: dict[str, Any] = dict(pack.architecture_args)
    if _is_resized(pack, image_size):
        arguments["img_size"] = image_size
    return timm.create_model(pack.architecture, pretrained=False, num_classes=classes, **arguments)


def _is_resized(pack: WeightPack, image_size: int) -> bool:
    return bool(image_size) and image_size != pack.input_size and _has_fixed_size(pack.architecture)


def _has_fixed_size(architecture: str) -> bool:
    """Tell whether the network is built for one size: those with patches of a fixed grid."""
    config = timm.get_pretrained_cfg(architecture)
    return bool(config is not None and config.fixed_input_size)


def _fill(network: Any, weights: dict[str, Tensor]) -> None:
    own = network.state_dict()
    for name, value in weights.items():
        # A grid of position embeddings made for another size is resampled by timm itself.
        if name.endswith("pos_embed") and name in own and own[name].shape != value.shape:
            weights[name] = resample_abs_pos_embed(
                value,
                new_size=list(network.patch_embed.grid_size),
                num_prefix_tokens=0 if getattr(network, "no_embed_class", False) else network.num_prefix_tokens,
            )
    network.load_state_dict(weights)
