"""One command at a time works in a folder for results; a second one is told who does."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

from anmok.data.names import escape
from anmok.errors import StorageError
from anmok.i18n import _
from anmok.storage import explained

#: Lies in the folder while somebody works there.
LOCK = ".anmok.lock"
#: Characters of a command that are told.
_LONGEST = 200


@contextlib.contextmanager
def alone_in(folder: Path, command: str = "") -> Iterator[None]:
    """Let nobody else into the block for the same folder, on this machine and where the disk is shared by locks.

    The folder is made where it is missing, and goes again if nothing was left in it. A killed process holds nothing.

    Args:
        command: the command line, told to who comes second.

    Raises:
        StorageError: another process or thread works there, or the folder cannot be written to.
    """
    with explained(folder):
        lock = _taken(folder / LOCK)
    try:
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        with explained(folder):
            os.ftruncate(lock, 0)
            os.write(lock, json.dumps({"command": command, "process": os.getpid(), "since": now}).encode())
        yield
    finally:
        # First the name, then the lock: who comes next finds none, or sees that the file it opened has gone.
        with contextlib.suppress(OSError):
            (folder / LOCK).unlink()
        os.close(lock)
        with contextlib.suppress(OSError):  # something lies in it
            folder.rmdir()


def _taken(path: Path) -> int:
    """Return the descriptor of the lock file, locked."""
    while True:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except (FileExistsError, FileNotFoundError):
            if _is_other_than_folder(path.parent):
                raise
            continue  # whoever worked there left nothing, and has just removed the folder
        try:
            _lock(descriptor)
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(descriptor), path.stat()):
                    return descriptor
        except BlockingIOError:
            error = _held(path, descriptor)
            os.close(descriptor)
            raise error from None
        except BaseException:
            os.close(descriptor)
            raise
        # Whoever held it has just ended, and its file has gone: once more, with a new one.
        os.close(descriptor)


def _is_other_than_folder(path: Path) -> bool:
    """Tell whether something lies there that is no folder; asked once, since it may go at any moment."""
    try:
        return not stat.S_ISDIR(path.stat().st_mode)
    except FileNotFoundError:
        return False


def _lock(descriptor: int) -> None:
    if sys.platform == "win32":  # no such locks there: two commands in one folder are not told apart
        return
    import fcntl

    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _held(path: Path, descriptor: int) -> StorageError:
    """Return the error for who comes second."""
    try:
        told = json.loads(os.pread(descriptor, 65536, 0))
        who = escape(str(told["command"]))[:_LONGEST] or "anmok"
        text = _("Another command works in the folder {path}: {command} (process {process}, since {since}).").format(
            path=path.parent, command=who, process=int(told["process"]), since=escape(str(told["since"]))[:40]
        )
    except (OSError, KeyError, TypeError, ValueError):  # it has not written yet who it is
        text = _("Another command works in the folder {path}.").format(path=path.parent)
    return StorageError(text, hint=_("Let it end and run this command again, or name another folder with --out."))
