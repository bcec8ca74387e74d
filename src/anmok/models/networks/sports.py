"""The plain CNNs of reference D, 100 sports, in three rounds: deeper, then larger pictures for longer."""

from __future__ import annotations

from itertools import pairwise
from typing import ClassVar

from torch import nn

from anmok.models.networks.base import register_network
from anmok.models.networks.plain import PlainCNN, convolution


@register_network("sports-cnn-1")
class SportsCNN1(PlainCNN):
    """Conv 32, 64, 32 of 3x3 ("valid"), each with MaxPool, Flatten: 962,756 parameters for 150 pixels, 100 classes."""

    default_size = 150
    smallest_size = 30
    filters: ClassVar[tuple[int, ...]] = (32, 64, 32)

    def map_layers(self) -> list[nn.Module]:
        """Return the layers up to Flatten."""
        layers: list[nn.Module] = []
        for sides in pairwise((3, *self.filters)):
            layers += [convolution(*sides), nn.ReLU(), nn.MaxPool2d(2)]
        return layers


@register_network("sports-cnn-2")
class SportsCNN2(SportsCNN1):
    """Conv 16 added, with MaxPool as the ones before: 120,980 parameters for 150 pixels, 100 classes."""

    smallest_size = 62
    filters = (32, 64, 32, 16)


@register_network("sports-cnn-3")
class SportsCNN3(SportsCNN2):
    """Round 2 for pictures of 224 pixels: 272,980 parameters for 100 classes."""

    default_size = 224
