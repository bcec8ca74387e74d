"""How long work tells how far it is: a protocol that computing code calls and that the command line draws."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol, Self


class Task(Protocol):
    """One piece of work under way; a context manager that ends the task."""

    def advance(self, steps: int = 1, /) -> None:
        """Count ``steps`` more as done."""

    def note(self, text: str, /) -> None:
        """Show a short remark beside the bar, for example the loss of the last epoch."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...


class Progress(Protocol):
    """Something that shows tasks."""

    def task(self, title: str, total: int | None = None, *, unit: str = "") -> Task:
        """Begin a task of ``total`` steps (None: unknown) that are counted in ``unit`` (already translated)."""

    def say(self, text: str) -> None:
        """Tell a person one line that stays on the screen."""


class _SilentTask:
    def advance(self, steps: int = 1, /) -> None:
        pass

    def note(self, text: str, /) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        pass


class SilentProgress:
    """Shows nothing: the default of the Python API."""

    def task(self, title: str, total: int | None = None, *, unit: str = "") -> Task:
        """Return a task that shows nothing."""
        return _SilentTask()

    def say(self, text: str) -> None:
        """Say nothing."""
