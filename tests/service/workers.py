"""The processes of a running service."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from tests.service.served import Served


def workers(served: Served) -> list[int]:
    """Return the numbers of the processes that answer: children of the one that was started, which names the folder."""
    parents = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:  # it has ended meanwhile
            continue
        if str(served.folder).encode() in words and b"serve" in words:
            parents[int(entry.name)] = parent
    return sorted(number for number, parent in parents.items() if parent in parents)


def wait(reached: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not reached():
        assert time.monotonic() < end
        time.sleep(0.1)
