"""Writing so that nothing is ever half-written: a temporary sibling, flushed, then renamed over the target."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from anmok.errors import StorageError
from anmok.i18n import _

#: Names of the temporary files of ``atomic_write``.
PART = re.compile(r"\.[0-9a-f]{16}\.part")


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn an ``OSError`` about ``path`` into a ``StorageError`` that says what to do."""
    try:
        yield
    except OSError as error:
        raise storage_error(error, path) from error


def storage_error(error: OSError, path: Path) -> StorageError:
    """Return the ``StorageError`` that explains ``error`` to a person."""
    where = Path(os.fsdecode(error.filename)) if isinstance(error.filename, str | bytes) else path
    if where.suffix == ".part":  # our own temporary file, whose name tells a person nothing
        where = path
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageError(
            _("The disk is full: {path} could not be written.").format(path=where),
            hint=_("Free some space, or choose another folder, and run the same command again: what is done is kept."),
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return StorageError(
            _("No permission for {path}.").format(path=where),
            hint=_(
                "Choose a folder that you may write to (--out for results, ANMOK_CACHE for the cache), "
                "or change the permissions."
            ),
        )
    return StorageError(
        _("{path}: {reason}.").format(path=where, reason=error.strerror or error),
        hint=_("Check that path; results go where --out says, and what can be computed again where ANMOK_CACHE says."),
    )


@contextlib.contextmanager
def atomic_write(path: Path, *, binary: bool = True) -> Iterator[IO[Any]]:
    """Open a file that becomes ``path`` only when the block ends well; else nothing is left behind.

    Text is UTF-8 with ``\\n`` line ends. Raises ``StorageError`` (disk full, no permission, ...).
    """
    # Not the target's own name: with a suffix it could be longer than a file system takes.
    temporary = path.parent / f".{secrets.token_hex(8)}.part"
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        with explained(path):
            if binary:
                stream: IO[Any] = os.fdopen(descriptor, "wb")
            else:
                stream = os.fdopen(descriptor, "w", encoding="utf-8", newline="\n")
            with stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def sweep(folder: Path) -> None:
    """Remove temporary files below ``folder`` that killed processes left; only those older than a day."""
    too_old = time.time() - 24 * 3600
    for path in folder.rglob(".*.part"):
        with contextlib.suppress(OSError):  # another process may be faster; next time is early enough
            if PART.fullmatch(path.name) and path.lstat().st_mtime < too_old:
                path.unlink()


def write_bytes(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path`` atomically."""
    with atomic_write(path) as stream:
        stream.write(data)


def write_text(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` atomically, UTF-8."""
    with atomic_write(path, binary=False) as stream:
        stream.write(text)


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` to ``path`` as indented JSON, atomically; NaN and infinity are refused."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file; raises ``StorageError`` where it cannot be read or is no JSON."""
    with explained(path):
        data = path.read_bytes()
    try:
        return json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise StorageError(_("{path} is not readable JSON: {reason}.").format(path=path, reason=error)) from error
