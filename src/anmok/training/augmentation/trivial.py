"""TrivialAugment and random erasing, of each picture of a batch by itself."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torchvision.transforms.v2 import functional

from anmok.training.augmentation.chance import PerPicture, count_of
from anmok.training.augmentation.geometry import rotation, sample, shear_by_share, shift

#: Greatest shift as a share of the side: the paper's 32 pixels of pictures of 224, so that small pictures keep theirs.
SHIFT = 32 / 224
#: Greatest tangent of a shear, angle of a turn (degrees), and change of a factor around 1; as in the paper ("wide").
SHEAR, ANGLE, FACTOR = 0.99, 135.0, 0.99
#: Bits that are taken from a colour at most.
BITS = 6


def _posterized(picture: Tensor, strength: float) -> Tensor:
    fewer: Tensor = functional.posterize(picture, 8 - round(BITS * abs(strength)))
    return fewer


def _solarized(picture: Tensor, strength: float) -> Tensor:
    turned: Tensor = functional.solarize(picture, 255 * (1 - abs(strength)))
    return turned


#: Changes of colour: from uint8 ``(3, H, W)`` and a strength of -1 to 1.
COLOURS: dict[str, Callable[[Tensor, float], Tensor]] = {
    "brightness": lambda picture, strength: functional.adjust_brightness(picture, 1 + FACTOR * strength),
    "saturation": lambda picture, strength: functional.adjust_saturation(picture, 1 + FACTOR * strength),
    "contrast": lambda picture, strength: functional.adjust_contrast(picture, 1 + FACTOR * strength),
    "sharpness": lambda picture, strength: functional.adjust_sharpness(picture, 1 + FACTOR * strength),
    "posterize": _posterized,
    "solarize": _solarized,
    "autocontrast": lambda picture, _strength: functional.autocontrast(picture),
    "equalize": lambda picture, _strength: functional.equalize(picture),
}


class TrivialAugment(PerPicture):
    """Changes each picture in one way of fourteen, by a strength drawn evenly from ``bins`` steps.

    Müller, Hutter: TrivialAugment: Tuning-free Yet State-of-the-Art Data Augmentation (2021), with its "wide" ranges.
    Unlike torchvision's, empty pixels take the nearest colour, and a shift is a share of the side.
    """

    #: All ways, in the order of ``params["way"]``.
    WAYS = ("identity", "shear-x", "shear-y", "shift-x", "shift-y", "rotation", *COLOURS)

    def __init__(self, bins: int = 31) -> None:
        super().__init__()
        self.bins = bins

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """Draw ``way``, int64 ``(N,)``, and ``strength``, float32 ``(N,)`` from -1 to 1."""
        n = count_of(flat_inputs)
        sign = torch.where(self.chance(n), -1.0, 1.0)
        return {
            "way": self.choice(n, len(self.WAYS)),
            "strength": sign * self.choice(n, self.bins) / (self.bins - 1),
        }

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """Change uint8 ``(N, 3, H, W)``."""
        way, strength = params["way"], params["strength"]
        height, width = inpt.shape[2:]
        still = torch.zeros_like(strength)
        changes = torch.stack(
            (
                shear_by_share(still, strength * SHEAR),
                shear_by_share(strength * SHEAR, still),
                shift(still, strength * SHIFT * width),
                shift(strength * SHIFT * height, still),
                rotation(strength * ANGLE),
            )
        )
        changed = inpt.clone()
        moved = torch.nonzero((way > 0) & (way <= len(changes))).flatten()
        if len(moved):
            changed[moved.to(inpt.device)] = sample(inpt[moved.to(inpt.device)], changes[way[moved] - 1, moved])
        for row in torch.nonzero(way > len(changes)).flatten().tolist():
            changed[row] = COLOURS[self.WAYS[int(way[row])]](inpt[row], float(strength[row]))
        return changed


class RandomErasing(PerPicture):
    """Covers a rectangle of some pictures with the picture's mean colour (Zhong et al.: Random Erasing, 2017).

    Args:
        p: share of pictures that are covered, 0-1.
        area: least and greatest share of the picture that is covered.
        ratio: greatest ratio of width to height, and of height to width.
    """

    def __init__(self, *, p: float = 0.25, area: tuple[float, float] = (0.02, 0.2), ratio: float = 3.0) -> None:
        super().__init__()
        self.p, self.area, self.ratio = p, area, ratio

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """Draw ``covered``, bool ``(N, 1, H, W)``."""
        n = count_of(flat_inputs)
        height, width = flat_inputs[0].shape[2:]
        area = self.evenly(n, *self.area)
        stretch = torch.exp(self.evenly(n) * math.log(self.ratio) / 2)
        sides = (area.sqrt() / stretch * height, area.sqrt() * stretch * width)
        inside = []
        for length, whole in zip(sides, (height, width), strict=True):
            begin = self.evenly(n, 0, 1) * (whole - length).clamp(min=0)
            places = torch.arange(whole) + 0.5
            inside.append((places >= begin[:, None]) & (places < (begin + length)[:, None]))
        rows, columns = inside
        drawn = self.chance(n, self.p).view(n, 1, 1, 1)
        return {"covered": rows[:, None, :, None] & columns[:, None, None, :] & drawn}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """Cover parts of uint8 ``(N, 3, H, W)``."""
        mean = inpt.float().mean(dim=(2, 3), keepdim=True).round().to(torch.uint8)
        return torch.where(params["covered"].to(inpt.device), mean, inpt)
