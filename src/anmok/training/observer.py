"""Who watches a training from outside, epoch by epoch: logs for TensorBoard, a search that stops what leads nowhere.

Light: no PyTorch, so that heads on vectors are watched the same way as networks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from anmok.training.run import Run


class Observer:
    """Base of all observers: every method does nothing unless an observer says otherwise.

    An observer changes nothing of what is learned. An error that it raises ends the training and goes to the caller;
    the run then is unfinished and can be gone on with.
    """

    def begins(self, run: Run, history: Sequence[Mapping[str, float]]) -> None:
        """Called before the first epoch, or before the first one after a resumption.

        Args:
            run: its folder and configuration are there.
            history: rows (``run.HISTORY_COLUMNS``) of the epochs that are done.
        """

    def epoch_ended(self, run: Run, row: Mapping[str, float]) -> None:
        """Called with the row of each epoch when it ended, before it is written to disk."""

    def finished(self, run: Run) -> None:
        """Called with a finished run; also with one that was finished before, or has no epochs at all."""
