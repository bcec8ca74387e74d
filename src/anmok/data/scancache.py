"""What was measured in a file, kept under the SHA-256 of its bytes, so that a second scan only reads and hashes.

One SQLite file in the cache folder. Whatever happens to it - killed writers, two processes, damage, a full disk -
a scan goes on and its results are the same; at worst pictures are decoded again.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from anmok.i18n import _
from anmok.locations import cache_dir
from anmok.progress import Progress

SCAN_VERSION = 2
"""Raised whenever a scan would give other values for the same bytes."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS pictures (
    id BLOB NOT NULL, version INTEGER NOT NULL, facts BLOB NOT NULL, checksum INTEGER NOT NULL,
    PRIMARY KEY (id, version)
) WITHOUT ROWID
"""
_BATCH, _SECONDS = 500, 5.0
_WAIT_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the bytes of a picture alone decide; see ``ImageRecord``."""

    id: str
    width: int
    height: int
    mode: str
    format: str
    bytes: int
    brightness: float
    contrast: float
    mean_r: float
    mean_g: float
    mean_b: float
    saturation: float
    sharpness: float
    entropy: float
    phash: str


class ScanCache:
    """The cache file; ``get`` and ``put`` may be called from several threads. A context manager that writes the rest.

    A damaged file is set aside; other trouble turns the cache off for this scan; the user is told in one line.
    """

    def __init__(self, path: Path, progress: Progress) -> None:
        self._path = path
        self._progress = progress
        self._lock = threading.Lock()
        self._waiting: dict[str, Facts] = {}
        self._written = time.monotonic()
        self._database: sqlite3.Connection | None = None
        self._inode = -1
        self._began_anew = False
        self._connect()

    @classmethod
    def open(cls, progress: Progress) -> ScanCache:
        """Open the user's own cache."""
        return cls(cache_dir() / "scan.sqlite", progress)

    def get(self, digest: str) -> Facts | None:
        """Return what is known of the file with that SHA-256, or None."""
        with self._lock:
            if digest in self._waiting:
                return self._waiting[digest]
            if self._database is None:
                return None
            try:
                row = self._database.execute(
                    "SELECT facts, checksum FROM pictures WHERE id = ? AND version = ?",
                    (bytes.fromhex(digest), SCAN_VERSION),
                ).fetchone()
            except sqlite3.Error as error:
                self._trouble(error)
                return None
        return None if row is None else _unpacked(digest, *row)

    def put(self, facts: Facts) -> None:
        """Remember; written in batches."""
        with self._lock:
            if self._database is None:
                return
            self._waiting[facts.id] = facts
            if len(self._waiting) >= _BATCH or time.monotonic() - self._written > _SECONDS:
                self._write()

    def _write(self) -> None:
        self._written = time.monotonic()
        if self._database is None or not self._waiting:
            return
        rows = [(bytes.fromhex(digest), SCAN_VERSION, *_packed(facts)) for digest, facts in self._waiting.items()]
        try:
            with self._database:
                self._database.executemany("INSERT OR REPLACE INTO pictures VALUES (?, ?, ?, ?)", rows)
        except sqlite3.Error as error:
            self._trouble(error)
        else:
            self._waiting.clear()

    def _connect(self) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            # The lock of this object keeps threads apart.
            self._database = sqlite3.connect(self._path, timeout=_WAIT_SECONDS, check_same_thread=False)
            self._inode = self._path.stat().st_ino
            self._database.execute("PRAGMA journal_mode = WAL")
            # With WAL, a power cut may lose the last batches but never damages the file.
            self._database.execute("PRAGMA synchronous = NORMAL")
            with self._database:
                self._database.execute(_SCHEMA)
        except (sqlite3.Error, OSError) as error:
            self._trouble(error)

    def _trouble(self, error: Exception) -> None:
        """Set a damaged file aside and begin a new one; with any other trouble go on without the cache."""
        self._close()
        # OperationalError is a subclass, but stands for locks, permission and full disks: the file itself is sound.
        damaged = isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError)
        if damaged and not self._began_anew:
            self._began_anew = True
            text = _("The cache {path} is damaged ({reason}); it was set aside, and a new one begun.")
            self._progress.say(text.format(path=self._path, reason=error))
            self._set_aside()
            self._connect()
        else:
            self._waiting.clear()
            text = _("The cache {path} cannot be used ({reason}); the scan goes on without it.")
            self._progress.say(text.format(path=self._path, reason=error))

    def _set_aside(self) -> None:
        try:
            # Unless another process did it already: its new file is sound.
            if self._path.stat().st_ino == self._inode:
                self._path.replace(self._path.with_suffix(".damaged"))
                for ending in ("-wal", "-shm"):
                    self._path.with_name(self._path.name + ending).unlink(missing_ok=True)
        except FileNotFoundError:
            return
        except OSError as error:
            self._progress.say(str(error))

    def _close(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        with self._lock:
            # Also after Ctrl-C: what was measured is kept.
            self._write()
            self._close()


def _packed(facts: Facts) -> tuple[bytes, int]:
    data = json.dumps(asdict(facts), allow_nan=False).encode()
    return data, zlib.crc32(data)


def _unpacked(digest: str, data: bytes, checksum: int) -> Facts | None:
    """Return the facts, or None where the row is not what was written."""
    if not isinstance(data, bytes) or zlib.crc32(data) != checksum:
        return None
    facts = Facts(**json.loads(data))
    return facts if facts.id == digest else None
