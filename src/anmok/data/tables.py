"""A CSV that names pictures and their classes: columns path, label, and if wanted split and group. Light."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from anmok.config import Limits
from anmok.data.folders import FolderSource
from anmok.data.names import escape
from anmok.data.source import Entry, quarantine, too_many
from anmok.errors import DataError, PictureError, UnknownSource
from anmok.i18n import _
from anmok.records import TEST, TRAIN, VALID, Quarantined
from anmok.storage import explained

MAX_BYTES = 2**30
"""Larger CSV files are refused."""

COLUMNS = ("path", "label", "split", "group")

SPLIT_WORDS = {
    "train": TRAIN,
    "training": TRAIN,
    "valid": VALID,
    "val": VALID,
    "validation": VALID,
    "dev": VALID,
    "test": TEST,
    "testing": TEST,
}
"""What people call the three splits, lower case; used for CSV columns and for folders."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a CSV; ``line`` is its number in the file, the header's is 1. ``path`` is escaped."""

    line: int
    path: str
    label: str
    split: str
    group: str


class TableSource(FolderSource):
    """The pictures that a CSV names, read from the CSV's own folder.

    Attributes:
        rows: one for each line.

    Raises:
        UnknownSource: the file is no such CSV.
        DataError: a line is wrong; it is named by its number.
    """

    def __init__(self, file: Path, *, limits: Limits) -> None:
        super().__init__(file.absolute().parent, limits=limits, location=file.absolute(), name=escape(file.name))
        rows = read_rows(file, max_rows=limits.max_files)
        self.rows = tuple(replace(row, path=self._spelling(row.path)) for row in rows)

    def _spelling(self, path: str) -> str:
        """Return the path as the disk spells it: a file from a Mac may be NFD where the CSV is NFC, or the reverse."""
        spellings = (path, unicodedata.normalize("NFC", path), unicodedata.normalize("NFD", path))
        return next(filter(self.exists, spellings), path)

    def entries(self) -> Iterator[Entry | Quarantined]:
        """Go through the files that the CSV names, in its order, each once."""
        for path in dict.fromkeys(row.path for row in self.rows):
            try:
                yield Entry(path, self.size(path))
            except PictureError as error:
                yield quarantine(error, path)


def read_rows(file: Path, *, max_rows: int) -> tuple[Row, ...]:
    """Read the CSV. Encodings: UTF-8 with or without byte order mark, else CP949.

    Raises:
        UnknownSource, DataError, StorageError: as ``TableSource``.
    """
    with explained(file):
        if file.stat().st_size > MAX_BYTES:
            raise UnknownSource(
                _("{file} is larger than {limit:,} bytes; a CSV of paths and labels is wanted.").format(
                    file=escape(file.name), limit=MAX_BYTES
                )
            )
        data = file.read_bytes()
    return parse_rows(_text(data, escape(file.name)), name=escape(file.name), max_rows=max_rows)


def _text(data: bytes, name: str) -> str:
    for encoding in ("utf-8-sig", "cp949"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise UnknownSource(
        _("{name} is neither UTF-8 nor CP949 text.").format(name=name),
        hint=_("Save it again as “CSV UTF-8”."),
    )


def parse_rows(text: str, *, name: str, max_rows: int) -> tuple[Row, ...]:
    """Read the text of a CSV; ``name`` is what errors call the file."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[Row] = []
    columns: dict[str, int] = {}
    try:
        for fields in reader:
            if not any(field.strip() for field in fields):
                continue
            if not columns:
                columns = _columns(fields, name)
                width = len(fields)
                continue
            if len(fields) != width:
                raise _wrong(
                    name,
                    reader.line_num,
                    _("has {got} fields; the header has {wanted}").format(got=len(fields), wanted=width),
                )
            if len(rows) >= max_rows:
                raise too_many(name, max_rows)
            rows.append(_row({column: fields[at] for column, at in columns.items()}, reader.line_num, name))
    except csv.Error as error:
        raise _wrong(name, reader.line_num, _("is no CSV ({reason})").format(reason=error)) from error
    if not columns:
        raise UnknownSource(_("{name} is empty; a CSV with the columns path and label is wanted.").format(name=name))
    return tuple(rows)


def _columns(fields: list[str], name: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for at, field in enumerate(fields):
        word = field.strip().lower()
        if word in found:
            raise UnknownSource(_("{name} has the column {column} twice.").format(name=name, column=word))
        if word in COLUMNS:
            found[word] = at
    lacking = [column for column in ("path", "label") if column not in found]
    if lacking:
        raise UnknownSource(
            _("{name} has no column {column}; its first line is: {line}").format(
                name=name, column=lacking[0], line=escape(", ".join(fields))[:200]
            ),
            hint=_("The first line names the columns: path,label and, if wanted, split,group."),
        )
    return found


def _row(fields: dict[str, str], line: int, name: str) -> Row:
    # Windows programs write "cats\1.jpg".
    path = escape(fields["path"].strip().replace("\\", "/")).removeprefix("./")
    if not path:
        raise _wrong(name, line, _("names no path"))
    word = fields.get("split", "").strip().lower()
    if word and word not in SPLIT_WORDS:
        raise _wrong(
            name, line, _("has the split {word}; train, valid, test or nothing is wanted").format(word=repr(word[:40]))
        )
    label, group = escape(fields["label"].strip()), escape(fields.get("group", "").strip())
    return Row(line, path, label, SPLIT_WORDS.get(word, ""), group)


def _wrong(name: str, line: int, what: str) -> DataError:
    return DataError(_("{name}, line {line} {what}.").format(name=name, line=line, what=what))
