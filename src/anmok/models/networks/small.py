"""Our own small network for whoever has nothing but pictures and a laptop."""

from __future__ import annotations

from itertools import pairwise
from typing import ClassVar

import torch
from torch import Tensor, nn

from anmok.models.networks.base import Network, register_network


def _convolution(inputs: int, outputs: int, *, size: int = 3, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False),
        nn.BatchNorm2d(outputs),
    )


class _Residual(nn.Module):
    """Two 3x3 convolutions beside a shortcut (He et al., Deep residual learning, 2016)."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first = _convolution(inputs, outputs, stride=stride)
        self.second = _convolution(outputs, outputs)
        self.shortcut: nn.Module = nn.Identity()
        if stride > 1 or inputs != outputs:
            # Averaging first keeps the pixels that a 1x1 convolution with a stride would skip (He et al.,
            # Bag of tricks for image classification, 2019).
            pool = nn.AvgPool2d(stride) if stride > 1 else nn.Identity()
            self.shortcut = nn.Sequential(pool, _convolution(inputs, outputs, size=1))

    def forward(self, x: Tensor) -> Tensor:
        inner = self.second(torch.relu(self.first(x)))
        return torch.relu(inner + self.shortcut(x))


@register_network("cnn-small")
class SmallCNN(Network):
    """A small residual network for pictures of 32 to 160 pixels: 1.2 million parameters.

    A convolution to 32 channels halves the side, three residual blocks (64, 128, 256 channels) halve it again each,
    then the mean over all places and one linear layer. On cats-dogs a fourth block before these cost a third more
    time and won nothing.
    """

    default_size = 64
    smallest_size = 32
    size_step = 16
    widths: ClassVar[tuple[int, ...]] = (32, 64, 128, 256)

    def __init__(self, classes: int, *, image_size: int = 0) -> None:
        super().__init__(classes, image_size=image_size)
        stages: list[nn.Module] = [_convolution(3, self.widths[0], stride=2), nn.ReLU()]
        stages += [_Residual(*sides, stride=2) for sides in pairwise(self.widths)]
        self.stages = nn.Sequential(*stages)
        self.head = nn.Linear(self.widths[-1], classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return logits ``(N, K)``, embedding ``(N, 256)`` and feature map ``(N, 256, S/16, S/16)``."""
        # 127.5 and 64 are about the mean and the spread of photographs, so the network sees values around 0.
        x = (pictures.permute(0, 3, 1, 2).float() - 127.5) / 64
        feature_map = self.stages(x)
        embedding = feature_map.mean(dim=(2, 3))
        return self.head(embedding), embedding, feature_map
