"""Augmentation: named policies that change a batch of training pictures at random.

A policy is a ``torchvision.transforms.v2`` transform of uint8 ``(N, 3, S, S)``. The ready transforms of
torchvision draw once for a whole batch, and one picture at a time they took a quarter of the training time of a
small network on two cores; so the transforms here draw for each picture and work on the batch (about a
twentieth). They go together with torchvision's own in a ``v2.Compose``. All chance comes from torch's generator.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample
from torchvision.transforms import v2

from anmok.errors import UnknownName
from anmok.i18n import _
from anmok.training.device import own_random_numbers

_policies: dict[str, Callable[[], v2.Transform]] = {}


def register_policy(name: str) -> Callable[[Callable[[], v2.Transform]], Callable[[], v2.Transform]]:
    """Register a function without arguments that makes the policy; a taken name is refused."""

    def add(make: Callable[[], v2.Transform]) -> Callable[[], v2.Transform]:
        if name in _policies:
            raise ValueError(f"an augmentation policy named {name!r} is already registered")
        _policies[name] = make
        return make

    return add


def policy_names() -> tuple[str, ...]:
    """Return the names of all policies."""
    return tuple(sorted(_policies))


def get_policy(name: str) -> v2.Transform:
    """Return the policy of that name: a transform of uint8 ``(N, 3, S, S)``, in any memory layout."""
    if name not in _policies:
        raise UnknownName(
            _("There is no augmentation policy named {name}.").format(name=repr(name)),
            hint=_("Known policies: {names}.").format(names=", ".join(policy_names())),
        )
    return _policies[name]()


class FlipZoomShift(v2.Transform):  # type: ignore[misc]
    """Mirrors, stretches, enlarges and moves each picture of a batch, in one bilinear sampling.

    Args:
        zoom: the sides of the cut-out shrink by up to this share, 0-1.
        stretch: natural logarithm of the largest ratio of width to height.
        shift: the cut-out may reach over the edge by this share of the side; empty pixels take the nearest colour.
        flip: mirror left and right with probability 1/2.
    """

    def __init__(self, *, zoom: float = 0.35, stretch: float = 0.15, shift: float = 0.05, flip: bool = True) -> None:
        super().__init__()
        self.zoom, self.stretch, self.shift, self.flip = zoom, stretch, shift, flip

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """Draw the affine map ``theta`` float32 ``(N, 2, 3)`` from places in the result to places in the picture."""
        n = len(flat_inputs[0])
        side = 1 - self.zoom * torch.rand(n)
        stretch = torch.exp(self.stretch * _evenly(n) / 2)
        width, height = side * stretch, side / stretch
        mirror = torch.where(torch.rand(n) < 0.5, -1.0, 1.0) if self.flip else torch.ones(n)
        theta = torch.zeros(n, 2, 3)
        theta[:, 0, 0], theta[:, 1, 1] = width * mirror, height
        # Coordinates run from -1 to 1, so a share of the side is twice as long in them.
        theta[:, 0, 2] = _evenly(n) * ((1 - width).abs() + 2 * self.shift)
        theta[:, 1, 2] = _evenly(n) * ((1 - height).abs() + 2 * self.shift)
        return {"theta": theta}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """Sample uint8 ``(N, 3, S, S)`` anew."""
        grid = affine_grid(params["theta"].to(inpt.device), list(inpt.shape), align_corners=False)
        pixels = grid_sample(inpt.float(), grid, mode="bilinear", padding_mode="border", align_corners=False)
        return _rounded(pixels)


class LightJitter(v2.Transform):  # type: ignore[misc]
    """Changes brightness, contrast and saturation of each picture by ``1 - strength`` to ``1 + strength``."""

    def __init__(self, strength: float = 0.2) -> None:
        super().__init__()
        self.strength = strength

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """Draw the three factors, float32 ``(N, 1, 1, 1)`` each."""
        n = len(flat_inputs[0])
        names = ("brightness", "contrast", "saturation")
        return {name: (1 + self.strength * _evenly(n)).view(n, 1, 1, 1) for name in names}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """Change the colours of uint8 ``(N, 3, S, S)``."""
        factors = {name: factor.to(inpt.device) for name, factor in params.items()}
        pixels = inpt.float()
        grey = pixels.mean(dim=1, keepdim=True)
        middle = grey.mean(dim=(2, 3), keepdim=True)
        pixels = torch.lerp(grey, pixels, factors["saturation"])
        pixels = torch.lerp(middle, pixels, factors["contrast"]) * factors["brightness"]
        return _rounded(pixels)


def _evenly(n: int) -> Tensor:
    return torch.rand(n) * 2 - 1


def _rounded(pixels: Tensor) -> Tensor:
    return pixels.round_().clamp_(0, 255).to(torch.uint8)


@register_policy("none")
def _none() -> v2.Transform:
    return v2.Identity()


@register_policy("flip-shift")
def _flip_shift() -> v2.Transform:
    return v2.Compose([FlipZoomShift(), LightJitter()])


def draw(pixels: NDArray[np.uint8], policy: v2.Transform, *, seed: int) -> NDArray[np.uint8]:
    """Return one picture as the policy changes it; the same for the same seed, whatever was drawn before.

    Args:
        pixels: uint8 ``(H, W, 3)``.
        seed: 0 to 2**63 - 1.
    """
    with own_random_numbers():
        torch.manual_seed(seed)
        batch = policy(torch.from_numpy(pixels.copy()).permute(2, 0, 1).unsqueeze(0))
    drawn: NDArray[np.uint8] = batch[0].permute(1, 2, 0).contiguous().numpy()
    return drawn
