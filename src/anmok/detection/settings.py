"""How a detector is trained: one frozen value, checked at birth. Light."""

from __future__ import annotations

import math
from dataclasses import dataclass

from anmok.errors import UsageError
from anmok.i18n import _

#: Epochs for one picture, before the square root: 260 pictures are seen 60 times, 50 pictures 136 times.
EPOCHS_OF_ONE = 960
FEWEST_EPOCHS, MOST_EPOCHS = 12, 150


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectConfig:
    """How a detector is trained.

    Attributes:
        backbone: name of a weight pack.
        side: of the longer side of a picture as the network sees it, pixels; a multiple of 32.
        epochs: how often each picture is seen; 0: by their number.
        batch_size: pictures that a step learns from.
        learning_rate: the highest, of the head; the backbone's is multiplied by ``backbone_rate``.
        ema: how much the moving average of the weights keeps a step, 0-1.
        valid, test: shares held out, where the source does not say.
        train_pictures: learn from so many of the training pictures only; 0: from all.
        freeze: the backbone's first layers stay as they are.
    """

    backbone: str = "mobilenetv2_100"
    side: int = 416
    epochs: int = 0
    batch_size: int = 8
    learning_rate: float = 1e-3
    backbone_rate: float = 0.3
    weight_decay: float = 0.02
    warmup: float = 0.08
    ema: float = 0.995
    valid: float = 0.12
    test: float = 0.2
    train_pictures: int = 0
    freeze: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        limits: dict[str, tuple[float, float]] = {
            "side": (64, 2048),
            "epochs": (0, 10_000),
            "batch_size": (1, 1024),
            "learning_rate": (1e-8, 10.0),
            "backbone_rate": (0.0, 10.0),
            "weight_decay": (0.0, 10.0),
            "warmup": (0.0, 0.9),
            "ema": (0.0, 0.99999),
            "valid": (0.01, 0.8),
            "test": (0.01, 0.8),
            "train_pictures": (0, 10**9),
            "seed": (0, 2**63 - 1),
        }
        for name, (low, high) in limits.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise UsageError(
                    _("{name} is {value}; a number from {low} to {high} is wanted.").format(
                        name=name, value=value, low=low, high=high
                    )
                )
        if self.side % 32:
            raise UsageError(
                _("side is {side}; a multiple of 32 is wanted.").format(side=self.side),
                hint=_("The nearest is {side}.").format(side=round(self.side / 32) * 32),
            )


def epochs_for(pictures: int) -> int:
    """Return how often a detector sees each of so many training pictures; small sets are seen more often."""
    return min(MOST_EPOCHS, max(FEWEST_EPOCHS, round(EPOCHS_OF_ONE / math.sqrt(max(pictures, 1)))))
