"""Changes of light and colour, of each picture of a batch by itself."""

from __future__ import annotations

from typing import Any

import torch

from anmok.training.augmentation.chance import PerPicture, count_of, rounded


class LightJitter(PerPicture):
    """Changes brightness, contrast and saturation of each picture by ``1 - strength`` to ``1 + strength``."""

    def __init__(self, strength: float = 0.2) -> None:
        super().__init__()
        self.strength = strength

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """Draw the three factors, float32 ``(N, 1, 1, 1)`` each."""
        n = count_of(flat_inputs)
        names = ("brightness", "contrast", "saturation")
        return {name: (1 + self.strength * self.evenly(n)).view(n, 1, 1, 1) for name in names}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """Change the colours of uint8 ``(N, 3, H, W)``."""
        factors = {name: factor.to(inpt.device) for name, factor in params.items()}
        pixels = inpt.float()
        grey = pixels.mean(dim=1, keepdim=True)
        middle = grey.mean(dim=(2, 3), keepdim=True)
        pixels = torch.lerp(grey, pixels, factors["saturation"])
        pixels = torch.lerp(middle, pixels, factors["contrast"]) * factors["brightness"]
        return rounded(pixels)


class Brightness(PerPicture):
    """Multiplies each picture by a factor from ``low`` to ``high``, as Keras' ``brightness_range`` does."""

    def __init__(self, low: float, high: float) -> None:
        super().__init__()
        self.low, self.high = low, high

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """Draw ``factor``, float32 ``(N, 1, 1, 1)``."""
        return {"factor": self.evenly(count_of(flat_inputs), self.low, self.high).view(-1, 1, 1, 1)}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """Lighten or darken uint8 ``(N, 3, H, W)``; what becomes too bright is cut off."""
        return rounded(inpt.float() * params["factor"].to(inpt.device))
