"""``collect``: checks what is asked for, lets a process of its own crawl, shows its progress, writes the outcome."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from anmok.collect.collected import Collected
from anmok.collect.keys import keys_file, read_keys
from anmok.collect.plan import Plan
from anmok.collect.sources import Source, get_source
from anmok.collect.state import APART, FOLDER, JOB, LOG, STATE, State
from anmok.errors import AnmokError, MissingExtra, UsageError
from anmok.i18n import _
from anmok.progress import Progress, SilentProgress, Task
from anmok.storage import explained, write_json


def collect(
    plan: Plan, into: Path, *, dry_run: bool = False, topics: bool = True, progress: Progress | None = None
) -> Collected:
    """Fill the folder ``into`` with pictures, one folder for each class.

    Run again, it goes on where it was: nothing is fetched twice.

    Args:
        dry_run: ask each source for one page and count; nothing is downloaded or written.
        topics: flag pictures that look off topic in the manifest, where the weights for it are at hand.

    Returns:
        What the collection has now; it may be less than was wanted (``is_complete``).

    Raises:
        UsageError: a key or a right is missing; see ``check``.
        MissingExtra: Scrapy is not installed.
        StorageError: the folder cannot be written, or its state is damaged.
        AnmokError: the crawl ended before its time; what it has is kept.
    """
    progress = progress or SilentProgress()
    check(plan)
    for name in plan.sources:
        if get_source(name).notice:
            progress.say(_(get_source(name).notice))
    if dry_run:
        with tempfile.TemporaryDirectory() as folder:
            counts = _crawl(Path(folder), plan, progress, dry=True)
        nothing = {one.name: 0 for one in plan.classes}
        return Collected(folder=into, kept=nothing, wanted=plan.wanted, counts=tuple(counts))
    hidden = into / FOLDER
    with explained(hidden):
        hidden.mkdir(parents=True, exist_ok=True)
    with _alone(hidden):
        _write_apart(plan, hidden, progress)
        state, finished = State(hidden / STATE), False
        try:
            state.reopen()
            _crawl(hidden, plan, progress, dry=False)
            finished = True
        finally:
            # Also after Ctrl-C: what is there can be used. Tables are loaded only now, and not by the crawl.
            from anmok.collect.outcome import write_outcome

            collected = write_outcome(plan, state, into, progress=progress, topics=topics and finished)
            state.close()
    return collected


def check(plan: Plan) -> None:
    """Make sure that every source of a plan may and can be asked.

    Raises:
        MissingExtra: Scrapy is not installed.
        UsageError: a source needs keys that are not there, or its terms demand a right that was not stated.
    """
    if importlib.util.find_spec("scrapy") is None:
        raise MissingExtra(
            _("Collecting needs Scrapy, which is not installed."), hint=_("Install it: pip install 'anmok[collect]'")
        )
    for name in plan.sources:
        source = get_source(name)
        _check_right(source, plan)
        missing = source.missing(read_keys((*source.keys, *source.other_keys)))
        if missing:
            raise UsageError(
                _("{source} needs a key: {names}.").format(source=source.title, names=", ".join(missing)),
                hint=_("Set it in the environment, or write NAME=value into {file} (mode 600). See {home}").format(
                    file=keys_file(), home=source.home
                ),
            )
        if plan.random and not source.has_random:
            raise UsageError(
                _("{source} cannot draw pictures at random.").format(source=source.title),
                hint=_("Leave out --random, or collect a test set with test_per_class, which is drawn here."),
            )


def _check_right(source: type[Source], plan: Plan) -> None:
    if source.duty and not plan.right.get(source.name, "").strip():
        raise UsageError(
            _(source.duty) + " " + _("(This is what its rules say, and no legal advice.)"),
            hint=_(
                'If you may all the same, say why: --right {name}="why I may". It is written beside every picture. '
                "Rules: {home}"
            ).format(name=source.name, home=source.home),
        )


def _write_apart(plan: Plan, hidden: Path, progress: Progress) -> None:
    """Write which pictures elsewhere are avoided; scanned here, for the process that crawls loads no tables."""
    if not plan.apart_from:
        return
    from anmok.data.scan import scan

    rows = []
    for place in plan.apart_from:
        manifest = scan(place, progress=progress)
        names = zip(*(manifest.table[name].tolist() for name in ("id", "phash", "path")), strict=True)
        rows.append({"source": manifest.source, "pictures": list(names)})
    write_json(hidden / APART, rows)


def _crawl(hidden: Path, plan: Plan, progress: Progress, *, dry: bool) -> list[dict[str, Any]]:
    """Run the crawl in a process of its own and show what it tells; return what it counted."""
    write_json(hidden / JOB, {"plan": plan.to_json(), "dry": dry})
    counts: list[dict[str, Any]] = []
    failed = True
    command = [sys.executable, "-m", "anmok.collect.child", os.fspath(hidden)]
    with (
        (hidden / LOG).open("ab") as log,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log) as child,  # noqa: S603
    ):
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            with _Shown(progress) as shown:
                for line in child.stdout:
                    event = json.loads(line)
                    if event["event"] == "count":
                        counts.append({key: value for key, value in event.items() if key != "event"})
                    elif event["event"] == "end":
                        failed = event["failed"]
                    else:
                        shown.tell(event)
        finally:
            # It ends at once when its standard input does; what it stored is whole at any moment.
            child.stdin.close()
    if failed:
        raise AnmokError(
            _("The collection stopped before its end: {reason}").format(reason=_last_line(hidden / LOG)),
            hint=_("What was collected is kept: the same command goes on from there. The log is {log}.").format(
                log=hidden / LOG
            ),
        )
    return counts


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1][:300] if lines else ""


class _Shown:
    """Draws the events of a crawl: one bar for each class."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._stack = contextlib.ExitStack()
        self._task: Task | None = None
        self._refused = 0

    def __enter__(self) -> _Shown:
        return self

    def __exit__(self, *_error: object) -> None:
        self._stack.close()

    def tell(self, event: dict[str, Any]) -> None:
        """Show one event."""
        kind = event["event"]
        if kind == "class":
            self._stack.close()
            self._stack = contextlib.ExitStack()
            self._refused = 0
            self._task = self._stack.enter_context(
                self._progress.task(event["label"], event["wanted"], unit=_("pictures"))
            )
            self._task.advance(event["kept"])
        elif kind == "kept" and self._task is not None:
            self._task.advance()
        elif kind == "refused" and self._task is not None:
            self._refused += 1
            self._task.note(_("{count} refused, the last: {reason}").format(count=self._refused, reason=event["code"]))
        elif kind == "trouble":
            self._progress.say(
                _("{source}, “{query}”: {reason}").format(
                    source=event["source"], query=event["query"], reason=event["reason"]
                )
            )


@contextlib.contextmanager
def _alone(hidden: Path) -> Iterator[None]:
    """Keep a second process out of the collection."""
    file = hidden / "lock"
    with explained(file), file.open("w") as stream:
        try:
            import fcntl
        except ImportError:  # Windows: SQLite's own locks keep the state whole
            yield
            return
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UsageError(
                _("Another process collects into {folder}.").format(folder=hidden.parent),
                hint=_("Wait until it is done, or choose another folder."),
            ) from error
        yield
