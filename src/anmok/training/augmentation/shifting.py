"""Shifts by whole pixels, for small pictures: nothing is sampled anew, so nothing gets blurred."""

from __future__ import annotations

from typing import Any

import torch
from torchvision.transforms import v2

from anmok.i18n import marked as _
from anmok.training.augmentation.chance import PerPicture, count_of
from anmok.training.augmentation.registry import register_policy


class MirrorShift(PerPicture):
    """Mirrors each picture with probability 1/2 and moves it by whole pixels; empty ones take the nearest colour.

    Args:
        shift: at most so far to each side, as a share of the side.
    """

    def __init__(self, *, shift: float = 1 / 16) -> None:
        super().__init__()
        self.shift = shift

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """Draw for each picture which ``rows`` int64 ``(N, H)`` and ``columns`` ``(N, W)`` of it are taken."""
        n, (height, width) = count_of(flat_inputs), flat_inputs[0].shape[-2:]
        rows, columns = (self._moved(n, side) for side in (height, width))
        return {"rows": rows, "columns": torch.where(self.chance(n).view(n, 1), columns.flip(1), columns)}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """Take rows and columns of uint8 ``(N, 3, H, W)``; the result is channels-last in memory."""
        rows, columns = (params[name].to(inpt.device) for name in ("rows", "columns"))
        pictures = torch.arange(len(inpt), device=inpt.device).view(-1, 1, 1)
        return inpt.permute(0, 2, 3, 1)[pictures, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)

    def _moved(self, n: int, side: int) -> torch.Tensor:
        most = round(self.shift * side)
        by = self.choice(n, 2 * most + 1).view(n, 1) - most
        return (torch.arange(side) + by).clamp(0, side - 1)


@register_policy("mirror-shift", _("Mirrors and shifts by a few whole pixels: for very small pictures."))
def _mirror_shift() -> v2.Transform:
    return MirrorShift()
