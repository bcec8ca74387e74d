"""The networks of reference C, a course chapter on image recognition. It names no kernel or padding: Keras' "valid"."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from anmok.models.networks.base import register_network
from anmok.models.networks.plain import PlainCNN, convolution, dense


@register_network("cifar10-cnn")
class Cifar10CNN(PlainCNN):
    """Conv 64, MaxPool, Conv 32, Flatten, Dense 80: 453,786 parameters for 32 pixels and 10 classes."""

    default_size = 32
    smallest_size = 10
    hidden = (80,)

    def map_layers(self) -> list[nn.Module]:
        """Return the layers up to Flatten."""
        return [convolution(3, 64), nn.ReLU(), nn.MaxPool2d(2), convolution(64, 32), nn.ReLU()]


@register_network("cats-dogs-cnn")
class CatsDogsCNN(PlainCNN):
    """Conv 32, Conv 64, each with MaxPool, Flatten, Dense 512: 29,511,617 parameters for 128 pixels and 2 classes.

    The source names no kernel; 3x3, as in its other network. Two classes share one output, as published.
    """

    default_size = 128
    smallest_size = 14
    hidden = (512,)

    def map_layers(self) -> list[nn.Module]:
        """Return the layers up to Flatten."""
        return [
            *(convolution(3, 32), nn.ReLU(), nn.MaxPool2d(2)),
            *(convolution(32, 64), nn.ReLU(), nn.MaxPool2d(2)),
        ]

    def last_layer(self, inputs: int) -> nn.Module:
        """Return one output for two classes, K for more."""
        return OneForTwo(inputs) if self.classes == 2 else dense(inputs, self.classes)


class OneForTwo(nn.Module):
    """Keras' ``Dense(1)`` with a sigmoid, as logits ``(N, 2)``: 0 and z, whose softmax is (1 - sigmoid(z), sigmoid(z)).

    Cross-entropy of these is the binary cross-entropy of the sigmoid, so training is the same, too.
    """

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.dense = dense(inputs, 1)

    def forward(self, embedding: Tensor) -> Tensor:
        """Return float32 ``(N, 2)``."""
        z = self.dense(embedding)
        return torch.cat([torch.zeros_like(z), z], dim=1)
