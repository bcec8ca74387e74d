"""Lets observers watch the training loop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from anmok.training.hooks import Hook
from anmok.training.observer import Observer

if TYPE_CHECKING:
    from anmok.training.loop import Loop
    from anmok.training.run import Run


class Observed(Hook):
    """Tells observers of each epoch of a run."""

    def __init__(self, run: Run, observers: Sequence[Observer]) -> None:
        self._run, self._observers = run, tuple(observers)

    def on_train_begin(self, loop: Loop) -> None:
        """Tell what is done already."""
        for observer in self._observers:
            observer.begins(self._run, loop.history)

    def on_epoch_end(self, loop: Loop, row: Mapping[str, float]) -> None:
        """Tell of the epoch."""
        for observer in self._observers:
            observer.epoch_ended(self._run, row)
