"""The two consoles of the command line, and the progress bars on the second one."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    ProgressColumn,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as RichProgress
from rich.progress import Task as RichTask
from rich.text import Text

from anmok.i18n import _
from anmok.progress import Task


def stdout() -> Console:
    """Return a console for results."""
    # A file or pipe has no width; tables then take what their columns need.
    shown = sys.stdout.isatty()
    return Console(highlight=False, soft_wrap=not shown, width=None if shown else 120)


def stderr() -> Console:
    """Return a console for progress and errors."""
    return Console(stderr=True, highlight=False, soft_wrap=not sys.stderr.isatty())


class _RateColumn(ProgressColumn):
    """Steps a second, in the unit of the task."""

    def render(self, task: RichTask) -> Text:
        speed = task.finished_speed or task.speed
        if not speed:
            return Text("")
        unit = task.fields.get("unit", "")
        return Text(f"{speed:,.0f} {unit}/s" if speed >= 10 else f"{speed:.1f} {unit}/s", style="cyan")


class _ShownTask:
    def __init__(self, bars: RichProgress, task: TaskID) -> None:
        self._bars, self._task = bars, task

    def advance(self, steps: int = 1, /) -> None:
        self._bars.advance(self._task, steps)

    def note(self, text: str, /) -> None:
        self._bars.update(self._task, note=text)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self._bars.stop_task(self._task)
        self._bars.refresh()


class TerminalProgress:
    """Bars with rate and time left for people; plain lines where standard error is no terminal.

    A context manager; the bars stand on standard error, so results can be piped.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or stderr()
        self._shown = self._console.is_terminal
        self._bars = RichProgress(
            SpinnerColumn(finished_text="[green]✓[/]"),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            _RateColumn(),
            TimeRemainingColumn(compact=True, elapsed_when_finished=True),
            TextColumn("{task.fields[note]}", style="dim", markup=False),
            console=self._console,
            disable=not self._shown,
        )

    def task(self, title: str, total: int | None = None, *, unit: str = "") -> Task:
        """Begin a bar."""
        number = self._bars.add_task(title, total=total, unit=unit or _("steps"), note="")
        return _ShownTask(self._bars, number)

    def say(self, text: str) -> None:
        """Print a line above the bars."""
        self._console.print(text, markup=False)

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()
