"""The two consoles of the command line, and the progress bars on the second one."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from rich.console import Console, RenderableType
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
from rich.table import Column
from rich.text import Text

from anmok.i18n import _
from anmok.progress import Task


class _Terminal(Console):
    """Lets a reader that has left be told apart from an error; rich itself would leave with exit code 1."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def harmless(text: str) -> str:
    """Return ``text`` without control characters but line ends: names from outside must not steer the terminal."""
    return "".join(letter if letter == "\n" or letter.isprintable() else "�" for letter in text)


def stdout() -> Console:
    """Return a console for results."""
    # A file or pipe has no width; tables then take what their columns need.
    shown = sys.stdout.isatty()
    return _Terminal(highlight=False, soft_wrap=not shown, width=None if shown else 120)


def stderr() -> Console:
    """Return a console for progress and errors."""
    return _Terminal(stderr=True, highlight=False, soft_wrap=not sys.stderr.isatty())


#: From so many characters on there is room for a remark beside the bar.
WIDE = 120
#: Seconds; what took less was found in a cache, and its rate would mean nothing.
SHORTEST_RATED = 0.5


def print_titled(console: Console, title: str, text: str) -> None:
    """Print a line such as "Page: out/report.html": the text as it is, and never broken, so that it can be copied."""
    console.print(f"[bold]{title}[/]: ", end="")
    console.print(harmless(text), markup=False, soft_wrap=True)


class _RateColumn(ProgressColumn):
    """Steps a second, in the unit of the task."""

    max_refresh = 0.5

    def render(self, task: RichTask) -> Text:
        # Over the whole task once it is finished; what took no time was found in a cache and has no rate.
        speed = task.completed / task.elapsed if task.finished and task.elapsed else task.speed
        if not speed or (task.elapsed or 0) < SHORTEST_RATED:
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
        shown = next(one for one in self._bars.tasks if one.id == self._task)
        if kind is None and shown.total is None:
            # What never knew its length is finished by its end; else its spinner would turn for ever.
            steps = max(shown.completed, 1)
            self._bars.update(self._task, total=steps, completed=steps)
        self._bars.stop_task(self._task)
        self._bars.refresh()


class _NarrowBars(RichProgress):
    """Bars whose remarks stand in lines of their own below them, for want of room beside them."""

    def get_renderables(self) -> Iterable[RenderableType]:
        """Return the bars, then the remarks of those that are not finished."""
        yield from super().get_renderables()
        for task in self.tasks:
            if not task.finished and task.fields.get("note"):
                yield Text(f"  {task.fields['note']}", style="dim", no_wrap=True, overflow="ellipsis")


class TerminalProgress:
    """Bars with rate and time left for people; plain lines where standard error is no terminal.

    A context manager; the bars stand on standard error, so results can be piped.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or stderr()
        self._shown = self._console.is_terminal
        wide = self._console.width >= WIDE
        columns: list[ProgressColumn] = [
            SpinnerColumn(finished_text="[green]✓[/]"),
            TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True, ratio=2)),
            BarColumn(bar_width=24 if wide else 10),
            MofNCompleteColumn(table_column=Column(no_wrap=True)),
            _RateColumn(table_column=Column(no_wrap=True)),
            TimeRemainingColumn(compact=True, elapsed_when_finished=True, table_column=Column(no_wrap=True)),
        ]
        if wide:
            note = Column(no_wrap=True, overflow="ellipsis", ratio=3)
            columns.append(TextColumn("{task.fields[note]}", style="dim", markup=False, table_column=note))
        kind = RichProgress if wide else _NarrowBars
        self._bars = kind(*columns, console=self._console, disable=not self._shown, expand=wide)

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
