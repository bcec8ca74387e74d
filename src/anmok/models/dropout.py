"""Dropout with random numbers of its own, so that what a network learns does not depend on the number of threads."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class SeededDropout(nn.Module):
    """Dropout (Srivastava et al., 2014) that draws from its own generator, never from PyTorch's global one.

    Several copies of a network learn from parts of a batch at the same time. From one generator for all, each would
    draw what the speed of the threads makes of it. The training loop seeds the generators of each copy for each part
    of each batch (``seed_dropout``), so nothing needs to be remembered in a checkpoint either.
    In evaluation mode it does nothing, and an exported network does not hold it.

    Args:
        p: share of the values that become 0, 0-1; the others are divided by 1 - p.

    Attributes:
        generator: on the device of the last input; a deep copy of the module has its own, in the same state.
    """

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError(f"a dropout of {p}; 0 to 1 is wanted")
        self.p = p
        self.generator = torch.Generator().manual_seed(0)

    def forward(self, x: Tensor) -> Tensor:
        """Return float ``x`` of any shape, with values dropped in training mode."""
        if not self.training or self.p == 0:
            return x
        if self.p == 1:
            return x * 0
        if self.generator.device != x.device:
            self.generator = torch.Generator(x.device).manual_seed(self.generator.initial_seed())
        kept = torch.empty_like(x).bernoulli_(1 - self.p, generator=self.generator)
        return x * kept.div_(1 - self.p)

    def extra_repr(self) -> str:
        """Return what ``print`` shows between the brackets."""
        return f"p={self.p}"


def seed_dropout(module: nn.Module, seed: int) -> None:
    """Seed every ``SeededDropout`` in ``module``, each differently, from ``seed`` (0 to 2**63 - 1)."""
    for number, dropout in enumerate(part for part in module.modules() if isinstance(part, SeededDropout)):
        dropout.generator.manual_seed((seed + number * 0x9E3779B97F4A7C15) % 2**63)


def seeded(module: nn.Module) -> nn.Module:
    """Replace every ``nn.Dropout`` in ``module`` by a ``SeededDropout``; return the module."""
    for name, child in module.named_children():
        if isinstance(child, nn.Dropout):
            setattr(module, name, SeededDropout(child.p).train(child.training))
        else:
            seeded(child)
    return module
