"""Mixing pictures and their labels: mixup and cutmix of torchvision, one by chance where a recipe asks for both."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import one_hot
from torchvision.transforms import v2


class Mixing:
    """Mixes each picture of a batch with the one before it; all chance comes from torch's generator.

    Zhang et al.: mixup: Beyond empirical risk minimization, 2018. Yun et al.: CutMix, 2019.

    Args:
        mixup, cutmix: alpha of the Beta distribution; 0: not at all. Where both are more than 0, each batch takes one
            of them by the toss of a coin.
        classes: K.
    """

    def __init__(self, mixup: float, cutmix: float, classes: int) -> None:
        self.classes = classes
        self._ways: list[v2.Transform] = []
        if mixup:
            self._ways.append(v2.MixUp(alpha=mixup, num_classes=classes))
        if cutmix:
            self._ways.append(v2.CutMix(alpha=cutmix, num_classes=classes))

    def __call__(self, pictures: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Return mixed pictures uint8 ``(N, S, S, 3)`` and targets float32 ``(N, K)``, whose rows sum to 1.

        Args:
            pictures: uint8 ``(N, S, S, 3)``.
            labels: int64 ``(N,)``.
        """
        if not self._ways or len(labels) < 2:
            return pictures, one_hot(labels, self.classes).float()
        mix = self._ways[0]
        if len(self._ways) > 1:
            mix = self._ways[int(torch.randint(len(self._ways), ()))]
        # In float32, for mixup multiplies; cutmix finds whole numbers and leaves them.
        mixed, targets = mix(pictures.permute(0, 3, 1, 2).float(), labels)
        return mixed.round_().to(torch.uint8).permute(0, 2, 3, 1), targets
