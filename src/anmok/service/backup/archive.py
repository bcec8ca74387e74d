"""The file of a backup: a zip whose list names every other entry with its size and SHA-256.

backup.json             the list, written last: a file that was cut off has none
rows/APP.MODEL.jsonl    the rows of a table, one object a line
uploads/HASH.jpg        photos that visitors gave
cards/HASH.jpg          photos of cards, HASH.small.jpg the small ones
secret-key              signs sessions, and the keys with which visitors delete their photos
"""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from anmok.errors import StorageError
from anmok.i18n import _
from anmok.storage import explained

LIST, KEY = "backup.json", "secret-key"
#: The version of this layout.
FORMAT = 1
#: Names that an entry may have; whatever else stands in a file is no backup of ours.
ROWS = re.compile(r"rows/([a-z_]{1,100}\.[a-z_]{1,100})\.jsonl")
PHOTO = re.compile(r"(uploads|cards)/([0-9a-f]{64})(\.small)?\.jpg")
#: Bytes of the list: room for some million photos. Bytes that are read at a time.
_MOST_LIST, _PIECE = 2**30, 2**20
#: What a damaged zip or list makes Python raise.
_MISREAD = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    RuntimeError,
    RecursionError,
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A file in a backup."""

    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Contents:
    """What a backup says of itself.

    Attributes:
        anmok: the version that made it; made: when, ISO 8601.
        migrations: those that had been applied, ``APP.NAME``.
        rows: how many each table has, by ``APP.MODEL``.
        gone: uploads that were left out because their photo was deleted meanwhile, or missing.
        entries: every other file.
    """

    anmok: str
    made: str
    migrations: tuple[str, ...]
    rows: dict[str, int]
    gone: int
    entries: dict[str, Entry] = field(default_factory=dict)
    format: int = FORMAT


class Writer:
    """Adds entries and remembers their hashes."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self.entries: dict[str, Entry] = {}

    @contextmanager
    def entry(self, name: str, *, compress: bool = False) -> Iterator[_Hashed]:
        """Open an entry for writing."""
        info = zipfile.ZipInfo(name)
        info.compress_type = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
        with self._archive.open(info, "w", force_zip64=True) as stream:
            hashed = _Hashed(stream)
            yield hashed
        self.entries[name] = Entry(hashed.sha256.hexdigest(), hashed.size)

    def add(self, name: str, data: bytes) -> None:
        """Write a whole entry."""
        with self.entry(name) as stream:
            stream.write(data)

    def finish(self, contents: Contents) -> None:
        """Write the list."""
        text = json.dumps(asdict(contents), ensure_ascii=False, allow_nan=False)
        self._archive.writestr(LIST, text.encode(), compress_type=zipfile.ZIP_DEFLATED)


class _Hashed:
    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self.sha256, self.size = stream, hashlib.sha256(), 0

    def write(self, data: bytes) -> None:
        """Write some bytes."""
        self._stream.write(data)
        self.sha256.update(data)
        self.size += len(data)


class Reader:
    """A backup that was looked through in whole: it is as it was made.

    Raises:
        StorageError: it cannot be read, is no backup, or is damaged.
    """

    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        self._path, self._archive = path, archive
        with self._understood():
            self.contents = self._read_list()
            self._verify()

    def read(self, name: str) -> bytes:
        """Return a whole entry."""
        with self._understood(), self._archive.open(name) as stream:
            data = stream.read(self.contents.entries[name].size + 1)
        # The file may have been changed since it was verified.
        if hashlib.sha256(data).hexdigest() != self.contents.entries[name].sha256:
            raise self._damaged(name)
        return data

    def lines(self, name: str) -> Iterator[dict[str, Any]]:
        """Yield the rows of a table."""
        sha256 = hashlib.sha256()
        with self._understood(), self._archive.open(name) as stream:
            for line in stream:
                sha256.update(line)
                yield json.loads(line)
        if sha256.hexdigest() != self.contents.entries[name].sha256:
            raise self._damaged(name)

    def _read_list(self) -> Contents:
        if self._archive.getinfo(LIST).file_size > _MOST_LIST:
            raise ValueError(LIST)
        values = json.loads(self._archive.read(LIST))
        if values["format"] != FORMAT:
            raise StorageError(
                _("{path} is a backup of format {given}; this Anmok reads format {wanted}.").format(
                    path=self._path, given=values["format"], wanted=FORMAT
                ),
                hint=_("Restore it with the version of Anmok that made it, or a newer one."),
            )
        entries = {name: Entry(str(one["sha256"]), int(one["size"])) for name, one in values.pop("entries").items()}
        values["migrations"] = tuple(map(str, values["migrations"]))
        values["rows"] = {str(name): int(number) for name, number in values["rows"].items()}
        return Contents(**values, entries=entries)

    def _verify(self) -> None:
        listed = self.contents.entries
        names = self._archive.namelist()
        if len(names) != len(listed) + 1 or set(names) != {LIST, *listed}:
            raise self._damaged(LIST)
        for name, entry in listed.items():
            photo = PHOTO.fullmatch(name)
            if (
                not (photo or ROWS.fullmatch(name) or name == KEY)
                or self._archive.getinfo(name).file_size != entry.size
            ):
                raise self._damaged(name)
            sha256 = hashlib.sha256()
            with self._archive.open(name) as stream:
                while piece := stream.read(_PIECE):
                    sha256.update(piece)
            # Photos are named by their hash, but for the small ones.
            if sha256.hexdigest() != entry.sha256 or (photo and not photo[3] and photo[2] != entry.sha256):
                raise self._damaged(name)

    @contextmanager
    def _understood(self) -> Iterator[None]:
        try:
            with explained(self._path):
                yield
        except _MISREAD as error:
            raise self._damaged(str(error) or type(error).__name__) from error

    def _damaged(self, what: str) -> StorageError:
        return StorageError(
            _("{path} is no whole backup: {what} is missing, changed, or not as it should be.").format(
                path=self._path, what=what
            ),
            hint=_("Nothing was restored from it. Take another backup."),
        )


@contextmanager
def opened(path: Path) -> Iterator[Reader]:
    """Open a backup and verify all of it.

    Raises:
        StorageError: it cannot be read, is no backup, or is damaged.
    """
    try:
        with explained(path):
            archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, ValueError) as error:
        raise StorageError(
            _("{path} is no backup, or it was cut off.").format(path=path),
            hint=_("Nothing was restored from it. Take another backup."),
        ) from error
    with archive:
        yield Reader(path, archive)
