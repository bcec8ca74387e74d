"""Cards as CSV, for spreadsheets: a row per card, per photo, per place near a card; the column ``kind`` tells which.

Text that a spreadsheet would take for a formula is written with an apostrophe in front and read without it.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence

from anmok.i18n import _
from anmok.service.cards.transfer.checking import KINDS, MOST_RECORDS, CardsRefused, Problem, Record, Where
from anmok.service.cards.transfer.content import CardContent
from anmok.service.cards.wording import came, shown

COLUMNS = (
    "kind",
    "class",
    "number",
    "name_en",
    "name_ko",
    "description_en",
    "description_ko",
    "latitude",
    "longitude",
    "link",
    "photo",
    "credit",
)
#: What spreadsheets take for the beginning of a formula, also in its wide forms; apostrophes may stand before it, so
#: that what was written with one more is told from what had them of its own.
_FORMULA = re.compile(r"'*[=+\-@\t\r＝＋－＠]")
#: Characters of a cell.
csv.field_size_limit(2**20)


def write_table(cards: Iterable[CardContent]) -> str:
    """Return cards as CSV; a byte order mark in front of it makes spreadsheets read Hangul."""
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, COLUMNS, restval="", lineterminator="\r\n")
    writer.writeheader()
    for card in cards:
        writer.writerows(_rows(card))
    return "\ufeff" + stream.getvalue()


def read_table(data: bytes, name: str, problems: list[Problem]) -> Iterator[Record]:
    """Yield the records of a CSV file.

    Args:
        name: of the file, for messages.
        problems: gets what is wrong with single rows, which are left out.

    Raises:
        CardsRefused: it is no CSV in UTF-8, or its columns are others.
    """
    text = _decoded(data, name)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    begin = 1
    columns: tuple[str, ...] = ()
    try:
        for count, cells in enumerate(reader):
            line, begin = begin, reader.line_num + 1
            if not columns:
                columns = _columns(cells, name)
                continue
            if count > MOST_RECORDS:
                wanted = _("At most {most:,} rows are wanted.").format(most=MOST_RECORDS)
                raise CardsRefused(name, [Problem(Where(line), _("More rows came."), wanted)])
            if not any(cell.strip() for cell in cells):
                continue
            record = _record(cells, columns, line, problems)
            if record is not None:
                yield record
    except csv.Error as error:
        wanted = _("Cells in quotes, each ended by one, are wanted.")
        problems.append(Problem(Where(begin), _("The row cannot be read ({reason}).").format(reason=error), wanted))
    if not columns:
        problems.append(Problem(Where(1), _("Nothing came."), _columns_wanted()))


def guarded(text: str) -> str:
    """Return text as a cell that no spreadsheet takes for a formula."""
    return "'" + text if _FORMULA.match(text) else text


def unguarded(cell: str) -> str:
    """Return the text of a cell that ``guarded`` made; others stay as they are."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell[1:]) else cell


def _rows(card: CardContent) -> Iterator[dict[str, str]]:
    named = {"class": guarded(card.label), "number": str(card.number)}
    yield {
        **named,
        "kind": "card",
        **_words(card, "name_en", "name_ko", "description_en", "description_ko", "link"),
        **_position(card.latitude, card.longitude),
    }
    for photo in card.photos:
        words = _words(photo, "description_en", "description_ko", "credit")
        yield {**named, "kind": "photo", "photo": photo.picture, **words}
    for place in card.nearby:
        words = _words(place, "name_en", "name_ko", "link")
        yield {**named, "kind": place.category, **words, **_position(place.latitude, place.longitude)}


def _words(content: object, *names: str) -> dict[str, str]:
    return {name: guarded(getattr(content, name)) for name in names}


def _position(latitude: float | None, longitude: float | None) -> dict[str, str]:
    # The shortest figures that give the same number again.
    pair = {"latitude": latitude, "longitude": longitude}
    return {name: "" if value is None else repr(value) for name, value in pair.items()}


def _decoded(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise CardsRefused(
            name,
            [
                Problem(
                    Where(line),
                    _("Bytes came that are no UTF-8."),
                    _("UTF-8 is wanted: in Excel, save as “CSV UTF-8”."),
                )
            ],
        ) from error


def _delimiter(text: str) -> str:
    """Return what separates cells: spreadsheets of some countries write semicolons."""
    head = text.split("\n", 1)[0]
    return max(",;\t", key=head.count)


def _columns(cells: Sequence[str], name: str) -> tuple[str, ...]:
    columns = tuple(cell.strip().lower() for cell in cells)
    problems = []
    for number, column in enumerate(columns):
        where = Where(1, _letters(number))
        if column not in COLUMNS:
            problems.append(Problem(where, came(column), _columns_wanted()))
        elif column in columns[:number]:
            problems.append(Problem(where, _("{value} came twice.").format(value=shown(column)), _columns_wanted()))
    if "class" not in columns:
        problems.append(Problem(Where(1), _("No column named “class” came."), _columns_wanted()))
    if problems:
        raise CardsRefused(name, problems)
    return columns


def _record(cells: Sequence[str], columns: Sequence[str], line: int, problems: list[Problem]) -> Record | None:
    if len(cells) != len(columns):
        text, wanted = _("{count} cells came."), _("As many as there are columns are wanted: {count}.")
        problems.append(Problem(Where(line), text.format(count=len(cells)), wanted.format(count=len(columns))))
        return None

    def where(column: str) -> Where:
        if column not in columns:
            return Where(line, column)
        return Where(line, f"{column} ({_letters(columns.index(column))})")

    values = {column: unguarded(cell) for column, cell in zip(columns, cells, strict=True)}
    kind = values.pop("kind", "card").strip().lower() or "card"
    if kind not in KINDS:
        wanted = _("One of these is wanted: {names}.").format(names=", ".join(KINDS))
        problems.append(Problem(where("kind"), came(kind), wanted))
        return None
    return Record(kind, values, where)


def _letters(number: int) -> str:
    """Return what spreadsheets call the column of that number, counted from 0."""
    letters = ""
    number += 1
    while number:
        number, digit = divmod(number - 1, 26)
        letters = chr(ord("A") + digit) + letters
    return letters


def _columns_wanted() -> str:
    return _("The first row must name columns; there are: {names}.").format(names=", ".join(COLUMNS))
