"""The token for /metrics: made on first start, kept in the service's folder, readable by its owner alone.

A token and not "from this machine only": behind a proxy the whole world comes from this machine.
"""

from __future__ import annotations

import contextlib
import secrets
from pathlib import Path

from anmok.service.folder import make_secret

_LETTERS = 43


def token_file(folder: Path) -> Path:
    """Return where the token of a service lies."""
    return folder / "metrics-token"


def make_token(folder: Path) -> None:
    """Make the token where there is none.

    Raises:
        StorageError: no permission, disk full.
    """
    make_secret(token_file(folder), _LETTERS)


def read_token(folder: Path) -> str:
    """Return the token; where it is missing or empty, one that nobody knows."""
    with contextlib.suppress(OSError):
        token = token_file(folder).read_text(encoding="ascii", errors="ignore").strip()
        if len(token) >= 16:
            return token
    return secrets.token_urlsafe(32)
