"""The network of reference E, illustrations in 20 classes."""

from __future__ import annotations

from itertools import pairwise
from typing import ClassVar

from torch import nn

from anmok.models.networks.base import register_network
from anmok.models.networks.plain import PlainCNN, batch_norm, convolution


@register_network("illustrations-cnn")
class IllustrationsCNN(PlainCNN):
    """Three blocks of Conv 1x1, 3x3, 3x3 with batch norm and ReLU, then MaxPool; Flatten, Dense 50.

    5,141,970 parameters for 224 pixels and 20 classes, 1,500 of them statistics of batch norm; 4,704,050 stand behind
    Flatten. The source names no padding; "same" is ours: it is usual in blocks of several convolutions, and 224 then
    halves evenly three times.
    """

    default_size = 224
    smallest_size = 16
    size_step = 8
    hidden = (50,)
    filters: ClassVar[tuple[int, ...]] = (50, 80, 120)

    def map_layers(self) -> list[nn.Module]:
        """Return the layers up to Flatten."""
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise((3, *self.filters)):
            for channels, size in ((inputs, 1), (outputs, 3), (outputs, 3)):
                layers += [convolution(channels, outputs, size, padding="same"), batch_norm(outputs), nn.ReLU()]
            layers.append(nn.MaxPool2d(2))
        return layers
