"""What a search sees of a trial while it trains: its epochs, which may end it, and its progress, as remarks."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Self

from anmok.progress import Progress, Task
from anmok.training.observer import Observer
from anmok.training.run import Run

if TYPE_CHECKING:
    import optuna


class OutOfTime(Exception):
    """The minutes are over in the middle of a trial."""


class TrialWatcher(Observer):
    """Reports each epoch to the search, which may end the training."""

    def __init__(self, trial: optuna.trial.Trial, deadline: float) -> None:
        self._trial, self._deadline = trial, deadline

    def begins(self, run: Run, history: Sequence[Mapping[str, float]]) -> None:
        """Report the epochs that were made before an interruption."""
        for row in history:
            self._trial.report(row["valid_loss"], int(row["epoch"]))
        self._trial.set_user_attr("seconds", sum(row["seconds"] for row in history))

    def epoch_ended(self, run: Run, row: Mapping[str, float]) -> None:
        """Report; end a training that others were better than, or one that has no time left."""
        from optuna import TrialPruned

        self._trial.report(row["valid_loss"], int(row["epoch"]))
        self._trial.set_user_attr("accuracy", row["valid_accuracy"])
        self._trial.set_user_attr("seconds", float(self._trial.user_attrs.get("seconds", 0.0)) + row["seconds"])
        if self._trial.should_prune():
            raise TrialPruned
        if time.monotonic() >= self._deadline:
            raise OutOfTime


class TrialProgress:
    """Shows what a trial does as a remark beside the bar of the search: many bars would bury it."""

    def __init__(self, bar: Task, progress: Progress) -> None:
        self._bar, self._progress, self.name = bar, progress, ""

    def task(self, title: str, total: int | None = None, *, unit: str = "") -> Task:
        """Begin a part; its remarks stand beside the bar of the search."""
        self._bar.note(f"{self.name}: {title}")
        return _Remarks(self._bar, self.name)

    def say(self, text: str) -> None:
        """Tell what goes on in the trial, beside the bar."""
        self._bar.note(text)


class _Remarks:
    def __init__(self, bar: Task, name: str) -> None:
        self._bar, self._name = bar, name

    def advance(self, steps: int = 1, /) -> None:
        pass

    def note(self, text: str, /) -> None:
        self._bar.note(f"{self._name}: {text}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        pass
