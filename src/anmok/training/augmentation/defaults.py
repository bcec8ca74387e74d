"""The policies that Anmok proposes by itself."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn.functional import affine_grid, grid_sample
from torchvision.transforms import v2

from anmok.i18n import marked as _
from anmok.training.augmentation.chance import PerPicture, count_of, rounded
from anmok.training.augmentation.colour import LightJitter
from anmok.training.augmentation.registry import register_policy
from anmok.training.augmentation.trivial import RandomErasing, TrivialAugment


class FlipZoomShift(PerPicture):
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
        n = count_of(flat_inputs)
        side = 1 - self.zoom * torch.rand(n, generator=self.generator)
        stretch = torch.exp(self.stretch * self.evenly(n) / 2)
        width, height = side * stretch, side / stretch
        mirror = torch.where(self.chance(n), -1.0, 1.0) if self.flip else torch.ones(n)
        theta = torch.zeros(n, 2, 3)
        theta[:, 0, 0], theta[:, 1, 1] = width * mirror, height
        # Coordinates run from -1 to 1, so a share of the side is twice as long in them.
        theta[:, 0, 2] = self.evenly(n) * ((1 - width).abs() + 2 * self.shift)
        theta[:, 1, 2] = self.evenly(n) * ((1 - height).abs() + 2 * self.shift)
        return {"theta": theta}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """Sample uint8 ``(N, 3, S, S)`` anew."""
        grid = affine_grid(params["theta"].to(inpt.device), list(inpt.shape), align_corners=False)
        pixels = grid_sample(inpt.float(), grid, mode="bilinear", padding_mode="border", align_corners=False)
        return rounded(pixels)


class Mirror(PerPicture):
    """Mirrors each picture left and right with probability 1/2; exact, and without sampling anew."""

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """Draw ``mirrored``, bool ``(N, 1, 1, 1)``."""
        return {"mirrored": self.chance(count_of(flat_inputs)).view(-1, 1, 1, 1)}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """Mirror uint8 ``(N, 3, H, W)``."""
        return torch.where(params["mirrored"].to(inpt.device), inpt.flip(3), inpt)


@register_policy("none", _("Leaves pictures as they are."))
def _none() -> v2.Transform:
    return v2.Identity()


@register_policy("light", _("Mirrors left and right, and nothing else."))
def _light() -> v2.Transform:
    return Mirror()


@register_policy("flip-shift", _("Mirrors, cuts out a part, shifts a little, and changes light and colour a little."))
def _flip_shift() -> v2.Transform:
    return v2.Compose([FlipZoomShift(), LightJitter()])


@register_policy(
    "trivial-augment", _("Mirrors and cuts out a part, then one of fourteen changes of any strength (TrivialAugment).")
)
def _trivial_augment() -> v2.Transform:
    return v2.Compose([FlipZoomShift(), TrivialAugment()])


@register_policy("strong", _("As trivial-augment, and covers a rectangle of a quarter of the pictures."))
def _strong() -> v2.Transform:
    return v2.Compose([FlipZoomShift(), TrivialAugment(), RandomErasing()])
