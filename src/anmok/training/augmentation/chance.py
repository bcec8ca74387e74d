"""Where the chance of a policy comes from: one draw for each picture, from a generator that one may name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torchvision.transforms import v2


class PerPicture(v2.Transform):  # type: ignore[misc]
    """Base of transforms that draw for each picture of a batch uint8 ``(N, 3, H, W)`` and work on the whole batch.

    All numbers are drawn on the CPU, so that a picture is changed alike on every device.

    Attributes:
        generator: what numbers are drawn from; None is torch's own.
    """

    generator: torch.Generator | None = None

    def evenly(self, n: int, low: float = -1.0, high: float = 1.0) -> Tensor:
        """Return float32 ``(n,)``, uniform from ``low`` to ``high``."""
        return torch.rand(n, generator=self.generator) * (high - low) + low

    def choice(self, n: int, count: int) -> Tensor:
        """Return int64 ``(n,)``, each of 0 to ``count - 1`` equally likely."""
        return torch.randint(count, (n,), generator=self.generator)

    def chance(self, n: int, p: float = 0.5) -> Tensor:
        """Return bool ``(n,)``, True with probability ``p``."""
        return torch.rand(n, generator=self.generator) < p


def use_generator(policy: v2.Transform, generator: torch.Generator | None) -> v2.Transform:
    """Let all transforms of a policy draw from ``generator`` (of the CPU), and return the policy.

    Torchvision's own transforms know torch's generator alone and go on using it.
    """
    for part in _parts(policy):
        if isinstance(part, PerPicture):
            part.generator = generator
    return policy


def owns_its_chance(policy: v2.Transform) -> bool:
    """Tell whether every part of a policy draws from the generator that ``use_generator`` names."""
    return all(isinstance(part, PerPicture | v2.Compose | v2.Identity) for part in _parts(policy))


def _parts(policy: v2.Transform) -> Iterator[v2.Transform]:
    """Yield the policy and all that it is composed of; torchvision's containers keep it in plain lists."""
    yield policy
    for part in getattr(policy, "transforms", ()):
        yield from _parts(part)


def rounded(pixels: Tensor) -> Tensor:
    """Return float pixels as uint8, cut off at 0 and 255; ``pixels`` is changed."""
    return pixels.round_().clamp_(0, 255).to(torch.uint8)


def count_of(flat_inputs: list[Any]) -> int:
    """Return how many pictures a batch holds, from what ``make_params`` is given."""
    return len(flat_inputs[0])
