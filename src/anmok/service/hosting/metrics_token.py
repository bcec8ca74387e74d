"""The token for /metrics: made on first start, kept in the service's folder, readable by its owner alone.

A token and not "from this machine only": behind a proxy the whole world comes from this machine.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from anmok.storage import explained

_LETTERS = 43


def token_file(folder: Path) -> Path:
    """Return where the token of a service lies."""
    return folder / "metrics-token"


def make_token(folder: Path) -> None:
    """Make the token where there is none.

    Raises:
        StorageError: no permission, disk full.
    """
    path = token_file(folder)
    if path.exists():
        return
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    with explained(path):
        # Written beside and linked into place: of two processes that start at once one token wins, and both read it.
        try:
            with os.fdopen(
                os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii"
            ) as stream:
                stream.write(secrets.token_urlsafe(32)[:_LETTERS] + "\n")
                stream.flush()
                os.fsync(stream.fileno())
            with contextlib.suppress(FileExistsError):
                os.link(beside, path)
        finally:
            beside.unlink(missing_ok=True)


def read_token(folder: Path) -> str:
    """Return the token; where it is missing or empty, one that nobody knows."""
    with contextlib.suppress(OSError):
        token = token_file(folder).read_text(encoding="ascii", errors="ignore").strip()
        if len(token) >= 16:
            return token
    return secrets.token_urlsafe(32)
