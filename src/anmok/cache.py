"""A store of bytes under (space, key) in one SQLite file: what can be computed again, but not quickly. Light.

Several processes may share a file, and each may be killed at any time: SQLite's write-ahead log keeps what was put.
A cache must never stop the work: a damaged file is set aside and begun anew, and where the disk is full or may not be
written, the work goes on without, with one warning.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from anmok.i18n import _

#: Rises when the tables change; a file of another version is begun anew.
VERSION = 1
#: Seconds to wait for another process that is writing.
PATIENCE = 30.0
_CHUNK = 500
_BESIDE = ("", "-wal", "-shm")

logger = logging.getLogger(__name__)
ResultT = TypeVar("ResultT")


class ByteCache:
    """Bytes under (space, key), on disk. A context manager; to be used from one thread.

    Args:
        path: the file; made, with its folder, where it is missing.
        warn: is told, once, in a sentence for people, that the cache is not used and why; by default it is logged.
    """

    def __init__(self, path: Path, *, warn: Callable[[str], None] | None = None) -> None:
        self._path = path
        self._warn = warn or logger.warning
        self._connection: sqlite3.Connection | None = None
        self._writes = True
        self._connection = self._guarded(self._connect)

    @property
    def is_used(self) -> bool:
        """Tell whether the cache can be read at present."""
        return self._connection is not None

    def get(self, space: str, keys: Iterable[str]) -> dict[str, bytes]:
        """Return what is there of ``keys``."""
        wanted = list(dict.fromkeys(keys))
        return self._guarded(lambda: dict(self._rows(space, wanted))) or {}

    def put(self, space: str, values: Mapping[str, bytes]) -> None:
        """Store values; what is there under the same key is replaced. Once this returns, they survive a kill."""
        if not self._writes or not values:
            return
        rows = [(space, key, value, zlib.crc32(value)) for key, value in values.items()]
        self._guarded(lambda: self._insert(rows))

    def close(self) -> None:
        """Give the file back; closing twice is fine."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):  # all that was put is committed; there is nothing to lose
                connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self.close()

    def _rows(self, space: str, keys: list[str]) -> Iterator[tuple[str, bytes]]:
        if self._connection is None:
            return
        for start in range(0, len(keys), _CHUNK):
            part = keys[start : start + _CHUNK]
            marks = ",".join("?" * len(part))
            query = f"SELECT key, value, crc FROM entries WHERE space = ? AND key IN ({marks})"  # noqa: S608 - marks are "?"
            for key, value, crc in self._connection.execute(query, (space, *part)):
                # SQLite notices broken pages of its own, but not a flipped bit inside a value.
                if isinstance(value, bytes) and zlib.crc32(value) == crc:
                    yield key, value

    def _insert(self, rows: list[tuple[str, str, bytes, int]]) -> None:
        if self._connection is not None:
            with self._connection:
                self._connection.executemany("INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?)", rows)

    def _connect(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self._path, timeout=PATIENCE, isolation_level="IMMEDIATE")
        try:
            # Vectors have some 5 kB; in SQLite's usual pages of 4 kB each would waste half of a second one.
            connection.execute("PRAGMA page_size = 16384")
            connection.execute("PRAGMA journal_mode = WAL")
            # NORMAL: a kill loses nothing; a power cut may lose the last entries but not the file.
            connection.execute("PRAGMA synchronous = NORMAL")
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version not in (0, VERSION):
                raise _Damaged(f"version {version}")
            if version == 0:
                with connection:
                    connection.execute(
                        "CREATE TABLE IF NOT EXISTS entries "
                        "(space TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, crc INTEGER NOT NULL, "
                        "PRIMARY KEY (space, key))"
                    )
                    connection.execute(f"PRAGMA user_version = {VERSION}")
        except BaseException:
            connection.close()
            raise
        return connection

    def _guarded(self, work: Callable[[], ResultT]) -> ResultT | None:
        """Do ``work``; where the file is damaged, once more on a new one; where that fails too, go on without."""
        for attempt in (1, 2):
            try:
                return work()
            except (sqlite3.Error, OSError) as error:
                if attempt == 1 and _is_damage(error):
                    self._begin_anew(error)
                    continue
                self._give_up(error)
        return None

    def _begin_anew(self, error: Exception) -> None:
        self.close()
        try:
            with _lock(self._path):
                # Another process may have begun anew while this one waited for the lock.
                try:
                    self._connection = self._connect()
                    if self._connection.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok":
                        return
                except sqlite3.Error as found:
                    if not _is_damage(found):
                        raise
                self.close()
                aside = self._set_aside()
                logger.warning("cache %s was damaged (%s) and is kept as %s", self._path, error, aside.name)
                self._connection = self._connect()
        except (sqlite3.Error, OSError) as again:
            self._give_up(again)

    def _set_aside(self) -> Path:
        aside = self._path.with_name(f"{self._path.name}.damaged")
        for ending in _BESIDE:
            file = Path(f"{self._path}{ending}")
            if file.exists():
                # An earlier damaged file is replaced, so that damaged disks do not fill up.
                file.replace(f"{aside}{ending}")
        return aside

    def _give_up(self, error: Exception) -> None:
        """Go on without writing, or without the cache where it cannot even be read."""
        if not self._writes:
            self.close()
            return
        self._writes = False
        if _is_about_writing(error):
            reason = _("the disk is full or the folder may not be written")
        else:
            self.close()
            reason = str(error)
        self._warn(
            _(
                "The cache {path} is not used ({reason}). The work goes on, but what is computed now is not kept."
            ).format(path=self._path, reason=reason)
        )


class _Damaged(sqlite3.DatabaseError):
    """The file is of another version."""


def _is_damage(error: Exception) -> bool:
    if isinstance(error, _Damaged):
        return True
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        # Python itself raises OperationalError without a code where bytes that should be text are none.
        return isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.ProgrammingError)
    # The lowest byte is the primary code. A missing table or column is damage too: nobody else writes this file.
    return code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR)


def _is_about_writing(error: Exception) -> bool:
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in (
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_BUSY,
    )


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Hold a lock file, so that of several processes only one sets a damaged file aside."""
    lock = path.with_name(f"{path.name}.lock")
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            descriptor = os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
            break
        except FileExistsError:
            # Who made it may have been killed; setting aside takes no time, so an old lock is a dead one.
            with contextlib.suppress(OSError):
                if time.time() - lock.stat().st_mtime > PATIENCE / 2:
                    lock.unlink()
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
    try:
        os.close(descriptor)
        yield
    finally:
        lock.unlink(missing_ok=True)
