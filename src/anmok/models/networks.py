"""Networks that are trained from scratch, in PyTorch. To add one: a class with ``@register_network("name")``.

A network takes pictures as they are decoded, uint8 ``(N, S, S, 3)``, scales them itself, and gives
``logits`` float32 ``(N, K)``, ``embedding`` float32 ``(N, D)`` and ``feature_map`` float32 ``(N, C, h, w)``.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import ClassVar, TypeVar

import torch
from torch import Tensor, nn

from anmok.errors import UnknownName
from anmok.i18n import _


class Network(nn.Module):
    """Base of all networks.

    Args:
        classes: K.

    Attributes:
        image_size: side of the square that the network is made for, pixels, where a recipe names none.
        smallest_size: the smallest side that gives a feature map of at least 2x2, pixels.
        size_step: the side is a multiple of this, so that every halving comes out even.
    """

    image_size: ClassVar[int]
    smallest_size: ClassVar[int]
    size_step: ClassVar[int]

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.classes = classes


NetworkT = TypeVar("NetworkT", bound=type[Network])
_networks: dict[str, type[Network]] = {}


def register_network(name: str) -> Callable[[NetworkT], NetworkT]:
    """Register a network class under a name; a taken name is refused."""

    def add(kind: NetworkT) -> NetworkT:
        if name in _networks:
            raise ValueError(f"a network named {name!r} is already registered")
        _networks[name] = kind
        return kind

    return add


def network_names() -> tuple[str, ...]:
    """Return the names of all networks."""
    return tuple(sorted(_networks))


def get_network(name: str) -> type[Network]:
    """Return the class of that name; call it with the number of classes."""
    if name not in _networks:
        raise UnknownName(
            _("There is no network named {name}.").format(name=repr(name)),
            hint=_("Known networks: {names}.").format(names=", ".join(network_names())),
        )
    return _networks[name]


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

    image_size = 64
    smallest_size = 32
    size_step = 16
    widths: ClassVar[tuple[int, ...]] = (32, 64, 128, 256)

    def __init__(self, classes: int) -> None:
        super().__init__(classes)
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
