"""A store of bytes under (space, key) in one SQLite file: what can be computed again, but not quickly. Light.

Several processes may share a file, and each may be killed at any time: SQLite's write-ahead log keeps what was put.
A cache must never stop the work: a damaged file is set aside and begun anew, and where the disk is full or may not be
written, the work goes on without, with one warning.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import logging
import os
import sqlite3
import threading
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
#: Bytes: vectors have some 5 kB; in SQLite's usual pages of 4 kB each would waste half of a second one.
PAGE_SIZE = 16384
_LOG_BYTES = 16 * 2**20
_CHUNK = 500
# The number is a hash of space and key: one tree without a second index, so that the two can never disagree.
_TABLE = """
CREATE TABLE IF NOT EXISTS entries (number INTEGER PRIMARY KEY, checksum INTEGER NOT NULL, value BLOB NOT NULL)
"""

logger = logging.getLogger(__name__)
ResultT = TypeVar("ResultT")


class ByteCache:
    """Bytes under (space, key), on disk. A context manager; ``get`` and ``put`` may be called from several threads.

    A key may have two parts with a NUL between them. Values whose keys have the same first part are written beside each
    other, which is much faster; of these there should be thousands at most.

    Args:
        path: the file; made, with its folder, where it is missing.
        warn: is told, once, in a sentence for people, that the cache is not used and why; by default it is logged.
        page_size: bytes, of SQLite's pages. Writing a value writes at least one page, so for small values let them be
            small; a value a little over the half of one wastes nearly as much. Counts only where the file is made.
    """

    def __init__(self, path: Path, *, warn: Callable[[str], None] | None = None, page_size: int = PAGE_SIZE) -> None:
        self._path = path
        self._page_size = page_size
        self._warn = warn or logger.warning
        self._connection: sqlite3.Connection | None = None
        self._writes = True
        self._lock = threading.RLock()
        self._inode = 0
        self._guarded(self._open)

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
        self.put_together({space: values})

    def put_together(
        self, spaces: Mapping[str, Mapping[str, bytes]], *, before: Callable[[], object] | None = None
    ) -> None:
        """Store values of several spaces at once: all of them, or none.

        Args:
            before: is called first, maybe twice. Where it raises ``OSError`` nothing is stored, as where this file
                itself cannot be written.
        """
        if not self._writes or not any(spaces.values()):
            return
        rows = [
            (_number(space, key), _checksum(space, key, value), value)
            for space, values in spaces.items()
            for key, value in values.items()
        ]
        self._guarded(lambda: self._insert(rows, before))

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
        for start in range(0, len(keys), _CHUNK):
            if self._connection is None:
                return
            part = {_number(space, key): key for key in keys[start : start + _CHUNK]}
            marks = ",".join("?" * len(part))
            query = f"SELECT number, checksum, value FROM entries WHERE number IN ({marks})"  # noqa: S608 - only "?"
            for number, checksum, value in self._connection.execute(query, list(part)):
                # SQLite notices broken pages, but not a flipped bit inside a row.
                if isinstance(value, bytes) and _checksum(space, part[number], value) == checksum:
                    yield part[number], value

    def _insert(self, rows: list[tuple[int, int, bytes]], before: Callable[[], object] | None) -> None:
        if before is not None:
            before()
        if self._connection is not None and self._is_elsewhere():
            self.close()
            self._open()
        if self._connection is not None:
            with self._connection:
                self._connection.executemany("INSERT OR REPLACE INTO entries VALUES (?, ?, ?)", rows)

    def _is_elsewhere(self) -> bool:
        """Tell whether another process has set aside the file that is open here."""
        try:
            return self._path.stat().st_ino != self._inode
        except FileNotFoundError:
            return True

    def _open(self) -> None:
        if self._connection is None:
            self._connection = self._connect()
            self._inode = self._path.stat().st_ino

    def _connect(self) -> sqlite3.Connection:
        """Open the file; where another process is just making it, wait: SQLite itself does not wait for the mode."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return self._connect_once()
            except sqlite3.OperationalError as error:
                if _primary(error) not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) or time.monotonic() > deadline:
                    raise
            time.sleep(0.02)

    def _connect_once(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self._path, timeout=PATIENCE, isolation_level="IMMEDIATE", check_same_thread=False)
        try:
            connection.execute(f"PRAGMA page_size = {self._page_size:d}")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(f"PRAGMA wal_autocheckpoint = {_LOG_BYTES // self._page_size:d}")
            # NORMAL: a kill loses nothing; a power cut may lose the last entries but not the file.
            connection.execute("PRAGMA synchronous = NORMAL")
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version not in (0, VERSION):
                raise _Damaged(f"version {version}")
            if version == 0:
                with connection:
                    connection.execute(_TABLE)
                    connection.execute(f"PRAGMA user_version = {VERSION}")
        except BaseException:
            connection.close()
            raise
        return connection

    def _guarded(self, work: Callable[[], ResultT]) -> ResultT | None:
        """Do ``work``; where the file is damaged, once more on a new one; where that fails too, go on without."""
        with self._lock:
            for attempt in (1, 2):
                try:
                    return work()
                except (sqlite3.Error, OSError) as error:
                    if attempt == 1 and _is_damage(error):
                        self._begin_anew(error)
                    else:
                        self._give_up(error)
                        break
        return None

    def _begin_anew(self, error: Exception) -> None:
        self.close()
        try:
            with _only_one(self._path):
                # Another process may have begun anew while this one waited.
                if not self._is_sound():
                    self._set_aside()
                    logger.warning(
                        "the cache %s was damaged (%s), is kept as *.damaged, and begun anew", self._path, error
                    )
                self._open()
        except (sqlite3.Error, OSError) as again:
            self._give_up(again)

    def _is_sound(self) -> bool:
        try:
            with contextlib.closing(self._connect()) as connection:
                (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        except sqlite3.Error as error:
            if _is_damage(error):
                return False
            raise
        return bool(verdict == "ok")

    def _set_aside(self) -> None:
        for ending in ("", "-wal", "-shm"):
            file = Path(f"{self._path}{ending}")
            if file.exists():
                # An earlier one is replaced, so that a bad disk does not fill up with them.
                file.replace(f"{self._path}.damaged{ending}")

    def _give_up(self, error: Exception) -> None:
        """Go on without writing; where that is no cure, without the cache."""
        code = _primary(error)
        if code not in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR) or not self._writes:
            self.close()
        if not self._writes:
            return
        self._writes = False
        full = code == sqlite3.SQLITE_FULL or getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT)
        reason = _("the disk is full") if full else str(error)
        text = _("The cache {path} is not used ({reason}). The work goes on, but what is computed now is not kept.")
        self._warn(text.format(path=self._path, reason=reason))


def _number(space: str, key: str) -> int:
    near, _nul, rest = key.partition("\0")
    digest = hashlib.blake2b(f"{space}\0{near}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    if rest:
        # Rows of one part lie on few pages.
        digest = digest[:4] + hashlib.blake2b(rest.encode("utf-8", "surrogatepass"), digest_size=4).digest()
    return int.from_bytes(digest, "big", signed=True)


def _checksum(space: str, key: str, value: bytes) -> int:
    """Return a checksum that also tells two keys apart whose numbers happen to be equal."""
    return zlib.crc32(value, zlib.crc32(f"{space}\0{key}\0".encode("utf-8", "surrogatepass")))


class _Damaged(sqlite3.DatabaseError):
    """The file is of another version."""


def _is_damage(error: Exception) -> bool:
    if isinstance(error, _Damaged):
        return True
    # A missing table or column is damage too: nobody else writes this file. DBMOVED: another process set it aside.
    return (
        _primary(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR)
        or getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_READONLY_DBMOVED
    )


def _primary(error: Exception) -> int | None:
    """Return SQLite's primary result code, which is the lowest byte of the extended one."""
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


@contextlib.contextmanager
def _only_one(path: Path) -> Iterator[None]:
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
