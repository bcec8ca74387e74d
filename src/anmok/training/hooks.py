"""Where other strategies reach into the training loop: every method does nothing unless a hook says otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from torch import Tensor

if TYPE_CHECKING:
    from anmok.training.loop import Loop


class Hook:
    """Base of all hooks. The loop calls the hooks in the order in which it was given them."""

    def on_train_begin(self, loop: Loop) -> None:
        """Called once, before the first epoch or before the first one after a resumption."""

    def on_epoch_begin(self, loop: Loop) -> None:
        """Called before each epoch, with the network in training mode: the place to freeze or thaw layers."""

    def on_batch(self, loop: Loop, pictures: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Change a batch after augmentation, for example by mixing pictures.

        Args:
            pictures: uint8 ``(N, S, S, 3)``.
            targets: float32 ``(N, K)``, rows sum to 1.
        """
        return pictures, targets

    def on_step_end(self, loop: Loop) -> None:
        """Called after each step of the optimiser, for example to average weights."""

    def on_validation_begin(self, loop: Loop) -> None:
        """Called before the network is measured; weights set here are the ones that are measured and kept."""

    def on_validation_end(self, loop: Loop) -> None:
        """Called after the network was measured, and kept if it was the best: the place to set weights back."""

    def on_epoch_end(self, loop: Loop, row: Mapping[str, float]) -> None:
        """Called with the epoch's row of the history, before the checkpoint is written."""

    def on_train_end(self, loop: Loop) -> None:
        """Called once, after the last epoch and with the best weights in place."""

    def tensors(self) -> Mapping[str, Tensor]:
        """Return what the hook must remember between epochs; it goes into the checkpoint."""
        return {}

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Take back what ``tensors`` returned."""
