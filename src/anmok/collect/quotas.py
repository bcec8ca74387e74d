"""Calls that were made to each source, kept across runs and folders, so that a daily quota is not overrun."""

from __future__ import annotations

import hashlib
import sqlite3
import time
from pathlib import Path

from anmok.locations import cache_dir

_OLDEST = 31 * 86400.0


class Quotas:
    """Counts calls in a window that slides. A call is counted before it is sent, so a kill cannot hide one."""

    def __init__(self, path: Path | None = None) -> None:
        path = path or cache_dir() / "collect-calls.sqlite"
        path.parent.mkdir(parents=True, exist_ok=True)
        self._base = sqlite3.connect(path, isolation_level=None, timeout=30)
        self._base.execute("PRAGMA journal_mode = WAL")
        self._base.execute("CREATE TABLE IF NOT EXISTS calls (account TEXT NOT NULL, at REAL NOT NULL)")
        self._base.execute("CREATE INDEX IF NOT EXISTS calls_by_account ON calls (account, at)")
        self._base.execute("DELETE FROM calls WHERE at < ?", (time.time() - _OLDEST,))

    def take(self, account: str, calls: int, seconds: float) -> float:
        """Count one call, if the window has room for it.

        Args:
            account: see ``account``. calls, seconds: the quota.

        Returns:
            0 where the call may be made; else how many seconds it takes until there is room, and nothing is counted.
        """
        now = time.time()
        self._base.execute("BEGIN IMMEDIATE")
        with self._base:
            made = self._base.execute(
                "SELECT COUNT(*) FROM calls WHERE account = ? AND at > ?", (account, now - seconds)
            ).fetchone()[0]
            if made < calls:
                self._base.execute("INSERT INTO calls VALUES (?, ?)", (account, now))
                return 0.0
            # The call whose leaving makes room again.
            (at,) = self._base.execute(
                "SELECT at FROM calls WHERE account = ? AND at > ? ORDER BY at LIMIT 1 OFFSET ?",
                (account, now - seconds, made - calls),
            ).fetchone()
        return max(float(at) + seconds - now, 0.001)

    def made(self, account: str, seconds: float = 86400.0) -> int:
        """Return how many calls were made in the last ``seconds``."""
        query = "SELECT COUNT(*) FROM calls WHERE account = ? AND at > ?"
        count: int = self._base.execute(query, (account, time.time() - seconds)).fetchone()[0]
        return count

    def close(self) -> None:
        """Close the file."""
        self._base.close()


def account(source: str, endpoint: str, secrets: list[str]) -> str:
    """Return a name under which calls are counted: of one key at one place. The key cannot be read from it."""
    digest = hashlib.sha256("\0".join([endpoint, *sorted(secrets)]).encode()).hexdigest()
    return f"{source}:{digest[:16]}"
