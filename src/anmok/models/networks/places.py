"""The CNN of reference B, five sights of an island. The source names no layers: these are our choice."""

from __future__ import annotations

from itertools import pairwise
from typing import ClassVar

from torch import nn

from anmok.models.networks.base import register_network
from anmok.models.networks.plain import PlainCNN, convolution


@register_network("places-cnn")
class PlacesCNN(PlainCNN):
    """Conv 32, 64, 128 of 3x3, each with MaxPool, Flatten, Dense 128: the style of the other references.

    3,305,285 parameters for 128 pixels and 5 classes.
    """

    default_size = 128
    smallest_size = 30
    hidden = (128,)
    filters: ClassVar[tuple[int, ...]] = (32, 64, 128)

    def map_layers(self) -> list[nn.Module]:
        """Return the layers up to Flatten."""
        layers: list[nn.Module] = []
        for sides in pairwise((3, *self.filters)):
            layers += [convolution(*sides), nn.ReLU(), nn.MaxPool2d(2)]
        return layers
