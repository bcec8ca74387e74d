"""The folder in which the processes of one service count together. Imports nothing that counts: it comes first."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from anmok.storage import explained

#: Where the library looks for it, when it is imported.
FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
_LOCK = ".lock"


@contextlib.contextmanager
def share_between_processes(service: Path) -> Iterator[None]:
    """Let this process and those that it starts count in one new folder, which goes when the block ends.

    Below the service's folder, not in /tmp: what lies there for weeks is swept away on many machines.

    Raises:
        StorageError: no permission, disk full.
    """
    owner, parent = os.getpid(), service / "counts"
    with explained(parent):
        parent.mkdir(parents=True, exist_ok=True)
        _sweep(parent)
        folder = Path(tempfile.mkdtemp(dir=parent))
        # Held by all processes of the service, for as long as one of them lives.
        lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
    os.environ[FOLDER_VARIABLE] = str(folder.resolve())
    try:
        yield
    finally:
        # The processes leave this block too when they end.
        if os.getpid() == owner:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(lock)


def forget_process(number: int) -> None:
    """Take a process that has ended out of what is told of the present; what it counted stays."""
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(number)  # type: ignore[no-untyped-call]


def _sweep(parent: Path) -> None:
    """Remove folders of services that were killed: nobody holds their lock."""
    for lock in parent.glob(f"*/{_LOCK}"):
        with contextlib.suppress(OSError), lock.open("rb") as stream:
            # Held by a service that runs beside this one: it is left alone.
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(lock.parent, ignore_errors=True)
