"""The detector: a pretrained backbone, a feature pyramid, and a head that speaks for every point. Imports PyTorch.

FCOS (Tian, Shen, Chen, He: FCOS: Fully Convolutional One-Stage Object Detection, 2019) on a feature pyramid (Lin et
al., 2017): no anchors to be tuned to the size of a user's boxes. Small enough to learn on a CPU: 96 channels,
three separable convolutions for each branch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from anmok.detection.decoding import STRIDES
from anmok.errors import UsageError
from anmok.i18n import _
from anmok.models.backbone_module import BackboneModule, empty_backbone, load_backbone
from anmok.models.packs import WeightPack, pack_facts, pack_of_facts

CHANNELS, CONVOLUTIONS, GROUPS, WINDOW = 96, 3, 8, 3
#: How probable a class is at a point before anything was learned (Lin et al.: Focal Loss, 2017).
PRIOR = 0.01
#: The logarithm of the largest distance, in strides, that a point may name.
_FARTHEST = 5.0
_TAPPED = STRIDES[:3]


class Detector(nn.Module):
    """Pictures in; for each point of the pyramid how sure each class is, and how far the edges of its box are.

    Attributes:
        classes: K, how many.
        pack: of the backbone.
    """

    def __init__(self, classes: int, backbone: BackboneModule, pack: WeightPack) -> None:
        super().__init__()
        self.classes, self.pack = classes, pack
        network = backbone.network
        # What comes after the last map is not used, and would only weigh.
        for name in ("conv_head", "bn2", "classifier", "global_pool", "fc", "head"):
            if isinstance(getattr(network, name, None), nn.Module):
                setattr(network, name, nn.Identity())
        self.backbone = backbone
        self._taps, widths = _taps(network, pack.name)
        self.laterals = nn.ModuleList(nn.Conv2d(width, CHANNELS, 1) for width in widths)
        self.smooth = nn.ModuleList(_separable() for _width in widths)
        self.coarsest = nn.Conv2d(CHANNELS, CHANNELS, 3, stride=2, padding=1)
        self.class_tower, self.box_tower = _tower(), _tower()
        self.class_logits = nn.Conv2d(CHANNELS, classes, 1)
        # Four distances, and how near the point is to the middle of its box.
        self.box_values = nn.Conv2d(CHANNELS, 5, 1)
        self.scales = nn.Parameter(torch.ones(len(STRIDES)))
        self._begin()

    def _begin(self) -> None:
        fresh = [self.laterals, self.smooth, self.coarsest, self.class_tower, self.box_tower]
        for module in (part for one in fresh for part in one.modules() if isinstance(part, nn.Conv2d)):
            nn.init.kaiming_uniform_(module.weight, a=1)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        for last in (self.class_logits, self.box_values):
            nn.init.normal_(last.weight, std=0.01)
            _filled(last.bias, 0.0)
        _filled(self.class_logits.bias, -float(torch.tensor((1 - PRIOR) / PRIOR).log()))
        # A box begins about as large as the objects of its level.
        _filled(self.box_values.bias, 1.0, 4)

    def freeze_first(self) -> None:
        """Let the backbone's layers up to its second halving stay as they are: edges and colours are the same
        everywhere, and they would take most of the time."""
        network = self.backbone.network
        for name in ("conv_stem", "bn1", "conv1"):
            part = getattr(network, name, None)
            if isinstance(part, nn.Module):
                part.requires_grad_(False)
        blocks = getattr(network, "blocks", None)
        if isinstance(blocks, nn.Sequential):
            for block in blocks[:2]:
                block.requires_grad_(False)

    def train(self, mode: bool = True) -> Detector:
        """Learn, or answer; the backbone's averages stay as they are: batches are too small for better ones."""
        super().train(mode)
        self.backbone.eval()
        return self

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Return scores ``(N, A, K)``, 0-1, and distances ``(N, A, 4)``, pixels, for uint8 ``(N, H, W, 3)``."""
        logits, distances, centres = self.raw(pictures)
        scores = torch.sqrt(torch.sigmoid(logits) * torch.sigmoid(centres)[..., None])
        return scores, distances

    def raw(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return class logits ``(N, A, K)``, distances ``(N, A, 4)`` in pixels, centre logits ``(N, A)``."""
        logits, distances, centres = [], [], []
        for level, features in enumerate(self._pyramid(pictures)):
            answer = self.class_logits(self.class_tower(features)).float()
            values = self.box_values(self.box_tower(features)).float()
            logits.append(answer.flatten(2).transpose(1, 2))
            values = values.flatten(2).transpose(1, 2)
            reach = torch.exp(torch.clamp(values[..., :4] * self.scales[level], max=_FARTHEST))
            distances.append(reach * STRIDES[level])
            centres.append(values[..., 4])
        return torch.cat(logits, dim=1), torch.cat(distances, dim=1), torch.cat(centres, dim=1)

    def _pyramid(self, pictures: Tensor) -> list[Tensor]:
        values = pictures.permute(0, 3, 1, 2).float() * self.backbone.scale + self.backbone.offset
        maps = self.backbone.network.forward_intermediates(
            values, indices=self._taps, intermediates_only=True, stop_early=True
        )
        inner = [lateral(one) for lateral, one in zip(self.laterals, maps, strict=True)]
        for level in range(len(inner) - 2, -1, -1):
            inner[level] = inner[level] + functional.interpolate(inner[level + 1], scale_factor=2.0, mode="nearest")
        outer = [smooth(one) for smooth, one in zip(self.smooth, inner, strict=True)]
        return [*outer, self.coarsest(functional.relu(outer[-1]))]

    def facts(self) -> Mapping[str, Any]:
        """Return what ``detector_of_facts`` builds an equal network from."""
        return {"classes": self.classes, "pack": pack_facts(self.pack)}


def pretrained_detector(pack: WeightPack, classes: int) -> Detector:
    """Return a detector on the pack's weights, its head by torch's generator.

    Raises:
        UsageError: the network gives no maps of 8, 16 and 32 pixels a cell.
        WeightsMissing: the pack is damaged.
    """
    return Detector(classes, load_backbone(pack), pack)


def detector_of_facts(facts: Mapping[str, Any]) -> Detector:
    """Return a detector as ``facts`` described it, with chance weights.

    Raises:
        KeyError, ValueError, RuntimeError, AnmokError: they describe none.
    """
    pack = pack_of_facts(facts["pack"])
    return Detector(int(facts["classes"]), empty_backbone(pack), pack)


def _taps(network: Any, name: str) -> tuple[list[int], list[int]]:
    """Return which of the backbone's maps have 8, 16 and 32 pixels a cell, and how many channels."""
    rows = list(getattr(network, "feature_info", []))
    places = {int(row["reduction"]): (place, int(row["num_chs"])) for place, row in enumerate(rows)}
    if not hasattr(network, "forward_intermediates") or not set(_TAPPED) <= set(places):
        raise UsageError(
            _("{name} cannot carry a detector: it gives no maps of 8, 16 and 32 pixels a cell.").format(name=name),
            hint=_("Choose a convolutional network, such as mobilenetv2_100 or resnet18."),
        )
    return [places[stride][0] for stride in _TAPPED], [places[stride][1] for stride in _TAPPED]


def _filled(bias: Tensor | None, value: float, count: int | None = None) -> None:
    """Fill a bias, or its first ``count`` numbers."""
    assert bias is not None
    with torch.no_grad():
        bias[:count].fill_(value)


def _separable() -> nn.Sequential:
    """Return a convolution in two steps, over places and then over channels: a tenth of the work of both at once."""
    return nn.Sequential(
        nn.Conv2d(CHANNELS, CHANNELS, WINDOW, padding=WINDOW // 2, groups=CHANNELS, bias=False),
        nn.Conv2d(CHANNELS, CHANNELS, 1, bias=False),
        nn.GroupNorm(GROUPS, CHANNELS),
    )


def _tower() -> nn.Sequential:
    layers: list[nn.Module] = []
    for _layer in range(CONVOLUTIONS):
        layers += [_separable(), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)
