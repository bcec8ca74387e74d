"""``findings.csv``: what the checks found, for a person to decide in a spreadsheet, an editor or the review page.

The file is UTF-8 with a byte order mark, so that Excel shows Hangul, and separated by commas. It is read as people
send it back: saved by Excel with semicolons or tabs, as UTF-16 or in the Korean code page 949, with columns moved or
added. A cell that a spreadsheet would run as a formula, or would turn into a number or a date, has an apostrophe in
front, which reading takes away. ``report/templates/review.js`` writes the same form from the browser.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NoReturn, cast

from anmok.clean.decisions import UNREADABLE, Accept, Decision, certainty
from anmok.clean.registry import all_checks
from anmok.data.cells import guard, unguard
from anmok.data.names import escape
from anmok.errors import SourceNotFound, UsageError
from anmok.i18n import _
from anmok.models.registry import suggest
from anmok.records import ACTIONS, Action, Finding
from anmok.storage import atomic_write, explained

COLUMNS = ("path", "check", "score", "certainty", "action", "accept", "other", "label", "suggested", "reason")
REQUIRED = ("path", "check", "action", "accept")
#: Bytes; a million rows take about 250 MB.
MAX_BYTES = 512 * 2**20

_YES = frozenset({"yes", "y", "true", "t", "1", "1.0", "x", "o", "✓", "✔", "예", "네", "참"})
_NO = frozenset({"no", "n", "false", "f", "0", "0.0", "아니오", "아니요", "거짓"})


def cells(row: Decision) -> tuple[str, ...]:
    """Return one row of the file, in the order of ``COLUMNS``."""
    finding = row.finding
    return (
        guard(finding.path),
        finding.check,
        f"{finding.score:.6g}",
        f"{row.certainty:.6g}",
        finding.action,
        row.accept,
        guard(finding.other),
        guard(finding.label),
        guard(finding.suggested),
        guard(finding.reason),
    )


def write_findings(path: Path, rows: Iterable[Decision]) -> None:
    """Write the file; it appears whole or not at all.

    Raises:
        StorageError: disk full, no permission.
    """
    with atomic_write(path, binary=False) as stream:
        stream.write("\ufeff")
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(cells(row) for row in rows)


def read_findings(path: Path) -> tuple[Decision, ...]:
    """Read what ``write_findings`` or the review page wrote, as people and spreadsheets send it back.

    Whether its pictures and classes exist is for ``apply.match`` to say.

    Raises:
        SourceNotFound: there is no such file.
        UsageError: it is no such table; names the file, the line, the column and what was wanted.
        StorageError: it cannot be read.
    """
    if not path.is_file():
        raise SourceNotFound(
            _("There is no file {path}.").format(path=escape(str(path))),
            hint=_("Make one with: anmok clean SOURCE"),
        )
    with explained(path), path.open("rb") as stream:
        data = stream.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise UsageError(
            _("{path} is larger than {limit} MiB, which is no list of findings.").format(
                path=escape(str(path)), limit=MAX_BYTES // 2**20
            )
        )
    return _Reader(path).read(_text(data, path))


def _text(data: bytes, path: Path) -> str:
    """Return the file's text: by its byte order mark, else UTF-8, else the code page of Korean Windows."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encodings: tuple[str, ...] = ("utf-16",)
    elif data.startswith(codecs.BOM_UTF8):
        encodings = ("utf-8-sig",)
    else:
        encodings = ("utf-8", "cp949")
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise UsageError(
        _("{path} is no text in UTF-8, UTF-16 or code page 949.").format(path=escape(str(path))),
        hint=_("Save it as CSV UTF-8."),
    )


class _Reader:
    """Reads one file; knows its name and where it stands, for messages."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._checks = [*(check.name for check in all_checks()), UNREADABLE]
        self._places: dict[str, int] = {}

    def read(self, text: str) -> tuple[Decision, ...]:
        lines = self._records(text)
        self._columns(*next(lines, (1, [])))
        return tuple(self._row(number, row) for number, row in lines if any(cell.strip() for cell in row))

    def _records(self, text: str) -> Iterator[tuple[int, list[str]]]:
        """Yield rows with the numbers of the lines on which they begin."""
        told = re.match(r"sep=([,;\t])\r?\n", text, re.IGNORECASE)  # a first line by which Excel knows
        text = text[told.end() :] if told else text
        separator = told.group(1) if told else max(",;\t", key=text.partition("\n")[0].count)
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
        while True:
            number = rows.line_num + (2 if told else 1)
            try:
                row = next(rows, None)
            except csv.Error as error:
                self._refuse(number, "", _("this is no CSV: {reason}").format(reason=error))
            if row is None:
                return
            yield number, row

    def _columns(self, number: int, header: list[str]) -> None:
        names = [unicodedata.normalize("NFKC", cell).strip().lower() for cell in header]
        for name in COLUMNS:
            if names.count(name) > 1:
                self._refuse(number, name, _("the column stands there twice; one is wanted"))
            if name in names:
                self._places[name] = names.index(name)
            elif name in REQUIRED:
                wanted = ", ".join(REQUIRED)
                self._refuse(number, name, _("the column is missing; wanted are {columns}").format(columns=wanted))
        self._width = len(header)

    def _row(self, number: int, row: list[str]) -> Decision:
        if any(cell.strip() for cell in row[self._width :]):
            message = _("the row has {cells} cells, the heading {columns}; a name with a comma wants quotation marks")
            self._refuse(number, "", message.format(cells=len(row), columns=self._width))
        path = self._cell(row, "path")
        if not path:
            self._refuse(number, "path", _("it is empty; the path of a picture is wanted"))
        check = self._one_of(number, row, "check", self._checks)
        action = cast("Action", self._one_of(number, row, "action", list(ACTIONS)))
        suggested = self._cell(row, "suggested")
        accept = self._accept(number, row)
        if action == "relabel" and accept == "yes" and not suggested:
            self._refuse(number, "suggested", _("it is empty; to relabel, the new class is wanted"))
        finding = Finding(
            path=path,
            check=check,
            score=self._score(number, row),
            flag=True,
            other=self._cell(row, "other"),
            reason=self._cell(row, "reason"),
            action=action,
            label=self._cell(row, "label"),
            suggested=suggested,
        )
        return Decision(finding=finding, accept=accept, line=number)

    def _cell(self, row: list[str], column: str) -> str:
        place = self._places.get(column, len(row))
        return unguard(row[place]) if place < len(row) else ""

    def _one_of(self, number: int, row: list[str], column: str, names: list[str]) -> str:
        value = self._cell(row, column).strip().lower()
        if value not in names:
            hint = suggest(value, names, otherwise=_("Known are: {names}."))
            self._refuse(number, column, _("{value} is not known").format(value=repr(value)), hint=hint)
        return value

    def _accept(self, number: int, row: list[str]) -> Accept:
        value = unicodedata.normalize("NFC", self._cell(row, "accept")).strip().lower()
        if value in _YES:
            return "yes"
        if value in _NO:
            return "no"
        if value:
            message = _("{value} is neither yes nor no; yes, no or nothing is wanted")
            self._refuse(number, "accept", message.format(value=repr(value)))
        return ""

    def _score(self, number: int, row: list[str]) -> float:
        """Return the score, also where only the certainty stands; 0 where somebody added a row without either."""
        readings: tuple[tuple[str, Callable[[float], float]], ...] = (("score", float), ("certainty", certainty))
        for column, reading in readings:
            text = self._cell(row, column).strip()
            if not text:
                continue
            try:
                # Spreadsheets in many languages write a comma before the decimals.
                value = float(text.replace(",", "."))
            except ValueError:
                value = -1.0
            if not 0 <= value <= 1:
                message = _("{value} is no number between 0 and 1").format(value=repr(text))
                self._refuse(number, column, message)
            return reading(value)
        return 0.0

    def _refuse(self, number: int, column: str, message: str, *, hint: str = "") -> NoReturn:
        raise refusal(self._path, number, column, message, hint=hint)


def refusal(path: Path, line: int, column: str, message: str, *, hint: str = "") -> UsageError:
    """Return the error about one place in a file of findings."""
    name = escape(str(path))
    if not column:
        return UsageError(_("{path}, line {line}: {message}.").format(path=name, line=line, message=message), hint=hint)
    text = _("{path}, line {line}, column {column}: {message}.")
    return UsageError(text.format(path=name, line=line, column=column, message=message), hint=hint)
