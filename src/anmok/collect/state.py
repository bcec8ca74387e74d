"""What a collection knows of itself, in one SQLite file: the lists under way and every picture that was ever named.

It is the queue of the engine, too. Each step is one transaction, so a kill loses at most what was under way: a page is
stored together with the call for the next one, a picture after its bytes. Nothing in it holds a key.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from anmok.collect.found import Call, Found
from anmok.collect.licences import Licence
from anmok.data.scancache import Facts
from anmok.errors import StorageError
from anmok.i18n import _

FORMAT = 1
#: The folder inside the collection that holds what people need not see.
FOLDER = ".anmok-collect"
#: What stands in it: this file, the bytes that wait to be judged, what is to be done, Scrapy's log, and the
#: pictures elsewhere that are avoided.
STATE, STAGED, JOB, LOG, APART = "state.sqlite", "staged", "job.json", "log.txt", "apart.json"

#: Among the HTTP facts of a picture whose source was not yet told of the download; see ``Found.ping``.
OWED = "owed"
#: There, too: the right by which it was fetched, where its source demands one; a later plan may not state it again.
RIGHT = "right"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS lists (
    id INTEGER PRIMARY KEY, class TEXT NOT NULL, source TEXT NOT NULL, query TEXT NOT NULL, licences TEXT NOT NULL,
    call TEXT NOT NULL, pages INTEGER NOT NULL DEFAULT 0, total INTEGER, state TEXT NOT NULL DEFAULT 'open',
    reason TEXT NOT NULL DEFAULT '', until REAL NOT NULL DEFAULT 0, UNIQUE (class, source, query, licences));
CREATE TABLE IF NOT EXISTS pictures (
    id INTEGER PRIMARY KEY, class TEXT NOT NULL, source TEXT NOT NULL, query TEXT NOT NULL, image_url TEXT NOT NULL,
    found TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'new', code TEXT NOT NULL DEFAULT '',
    reason TEXT NOT NULL DEFAULT '', path TEXT NOT NULL DEFAULT '', sha256 TEXT NOT NULL DEFAULT '',
    facts TEXT NOT NULL DEFAULT '', http TEXT NOT NULL DEFAULT '', UNIQUE (class, image_url));
CREATE INDEX IF NOT EXISTS pictures_by_state ON pictures (class, state, id);
CREATE INDEX IF NOT EXISTS pictures_by_url ON pictures (image_url);
CREATE INDEX IF NOT EXISTS pictures_by_sha ON pictures (sha256);
"""

_COLUMNS = "id, class, source, query, found, state, code, reason, path, sha256, facts, http"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRow:
    """A query of a class at one source. ``state``: ``open``, ``done``, ``stopped``, ``waiting`` (``until``, POSIX)."""

    id: int
    label: str
    source: str
    query: str
    licences: str
    call: Call
    pages: int
    total: int | None
    state: str
    reason: str
    until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureRow:
    """A picture that a source named.

    Attributes:
        state: ``new``; ``fetched``: its bytes are staged and not yet judged; ``kept``; ``refused``.
        code, reason: of a refusal. path: of a kept one, in the collection. http: what the server said.
    """

    id: int
    label: str
    source: str
    query: str
    found: Found
    state: str
    code: str
    reason: str
    path: str
    sha256: str
    facts: Facts | None
    http: dict[str, Any]


class State:
    """The file. One process at a time; see ``collect``.

    Raises:
        StorageError: it is damaged, or of another version.
    """

    def __init__(self, path: Path | str) -> None:
        self._path = path
        try:
            self._base = sqlite3.connect(path, isolation_level=None, timeout=30, check_same_thread=False)
            (number,) = self._base.execute("PRAGMA user_version").fetchone()
            if number not in (0, FORMAT):
                raise StorageError(
                    _("{path} was written by another version of Anmok.").format(path=path),
                    hint=_("Collect into another folder."),
                )
            # A kill of the process loses nothing; a loss of power may lose the last steps, and they are done again.
            self._base.execute("PRAGMA journal_mode = WAL")
            self._base.execute("PRAGMA synchronous = NORMAL")
            self._base.executescript(_SCHEMA)
            self._base.execute(f"PRAGMA user_version = {FORMAT}")
        except sqlite3.Error as error:
            raise StorageError(
                _("{path} cannot be used: {reason}.").format(path=path, reason=error),
                hint=_("Collect into another folder, or remove this one."),
            ) from error

    def close(self) -> None:
        """Close the file."""
        self._base.close()

    # -- lists ----------------------------------------------------------------------------------------------------

    def add_list(self, label: str, source: str, query: str, licences: str, first: Call) -> None:
        """Begin a list, unless it is there already: then it goes on where it was."""
        self._base.execute(
            "INSERT OR IGNORE INTO lists (class, source, query, licences, call) VALUES (?, ?, ?, ?, ?)",
            (label, source, query, licences, first.to_text()),
        )

    def lists(self, label: str | None = None) -> list[ListRow]:
        """Return the lists, of one class or of all."""
        rows = self._base.execute(
            "SELECT id, class, source, query, licences, call, pages, total, state, reason, until FROM lists "
            "WHERE ?1 IS NULL OR class = ?1 ORDER BY id",
            (label,),
        )
        return [
            ListRow(
                id=row[0],
                label=row[1],
                source=row[2],
                query=row[3],
                licences=row[4],
                call=Call.from_text(row[5]),
                pages=row[6],
                total=row[7],
                state=row[8],
                reason=row[9],
                until=row[10],
            )
            for row in rows
        ]

    def add_page(
        self, row: ListRow, found: Iterable[tuple[Found, str, str]], following: Call | None, total: int | None
    ) -> int:
        """Store a page and where the list goes on, together.

        Args:
            found: pictures, each with code and reason of its refusal, or with two empty texts.

        Returns:
            How many of the pictures are new to the class and not refused.
        """
        new = 0
        with self._transaction():
            for one, code, reason in found:
                done = self._base.execute(
                    "INSERT OR IGNORE INTO pictures (class, source, query, image_url, found, state, code, reason) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    (
                        row.label,
                        row.source,
                        row.query,
                        one.image_url,
                        json.dumps(asdict(one), ensure_ascii=False),
                        "refused" if code else "new",
                        code,
                        reason,
                    ),
                )
                new += done.rowcount if not code else 0
            self._base.execute(
                "UPDATE lists SET call = ?, pages = pages + 1, total = ?, state = ?, reason = '' WHERE id = ?",
                ((following or row.call).to_text(), total, "open" if following else "done", row.id),
            )
        return new

    def end_list(self, row: ListRow, state: str, reason: str = "", until: float = 0.0) -> None:
        """Set the state of a list."""
        self._base.execute(
            "UPDATE lists SET state = ?, reason = ?, until = ? WHERE id = ?", (state, reason, until, row.id)
        )

    def reopen(self) -> None:
        """Let lists that waited or were stopped be tried again: a new run may find another day, or a mended key."""
        self._base.execute("UPDATE lists SET state = 'open' WHERE state IN ('waiting', 'stopped')")

    # -- pictures -------------------------------------------------------------------------------------------------

    def pictures(
        self, *, label: str | None = None, states: tuple[str, ...] = (), after: int = 0, most: int = -1
    ) -> Iterator[PictureRow]:
        """Go through pictures in the order in which they were named."""
        marks = ",".join("?" * len(states)) or "state"
        rows = self._base.execute(
            f"SELECT {_COLUMNS} FROM pictures WHERE id > ? AND (? IS NULL OR class = ?) AND state IN ({marks}) "  # noqa: S608
            "ORDER BY id LIMIT ?",
            (after, label, label, *states, most),
        )
        for row in rows:
            yield _picture(row)

    def same_address(self, picture: PictureRow) -> PictureRow | None:
        """Return a kept or refused picture of another class with the same address."""
        row = self._base.execute(
            f"SELECT {_COLUMNS} FROM pictures WHERE image_url = ? AND id < ? AND state IN ('kept', 'refused') "  # noqa: S608
            "ORDER BY id LIMIT 1",
            (picture.found.image_url, picture.id),
        ).fetchone()
        return _picture(row) if row else None

    def set_fetched(self, number: int, facts: Facts, http: dict[str, Any]) -> None:
        """Remember that the bytes of a picture are staged."""
        self._base.execute(
            "UPDATE pictures SET state = 'fetched', sha256 = ?, facts = ?, http = ? WHERE id = ?",
            (facts.id, json.dumps(facts), json.dumps(http, ensure_ascii=False), number),
        )

    def set_refused(self, number: int, code: str, reason: str, http: dict[str, Any] | None = None) -> None:
        """Remember that a picture is not wanted, and why."""
        self._base.execute(
            "UPDATE pictures SET state = 'refused', code = ?, reason = ?, http = CASE ? WHEN '' THEN http ELSE ? END "
            "WHERE id = ?",
            (code, reason, *[json.dumps(http, ensure_ascii=False) if http else ""] * 2, number),
        )

    def set_kept(self, number: int, path: str) -> None:
        """Remember that a picture stands in the collection."""
        self._base.execute("UPDATE pictures SET state = 'kept', path = ? WHERE id = ?", (path, number))

    def set_new(self, number: int) -> None:
        """Let a picture be fetched again."""
        self._base.execute(
            "UPDATE pictures SET state = 'new', code = '', reason = '', path = '', facts = '' WHERE id = ?", (number,)
        )

    def owed(self) -> list[PictureRow]:
        """Return pictures whose sources were not yet told of the download."""
        return [row for row in self.pictures(states=("fetched", "kept")) if row.http.get(OWED)]

    def set_settled(self, row: PictureRow) -> None:
        """Remember that the source of a picture was told."""
        http = {name: value for name, value in row.http.items() if name != OWED}
        self._base.execute("UPDATE pictures SET http = ? WHERE id = ?", (json.dumps(http, ensure_ascii=False), row.id))

    def _transaction(self) -> sqlite3.Connection:
        self._base.execute("BEGIN IMMEDIATE")
        return self._base


def _picture(row: tuple[Any, ...]) -> PictureRow:
    found = json.loads(row[4])
    found["licence"] = Licence(**found["licence"])
    return PictureRow(
        id=row[0],
        label=row[1],
        source=row[2],
        query=row[3],
        found=Found(**found),
        state=row[5],
        code=row[6],
        reason=row[7],
        path=row[8],
        sha256=row[9],
        facts=Facts._make(json.loads(row[10])) if row[10] else None,
        http=json.loads(row[11]) if row[11] else {},
    )
