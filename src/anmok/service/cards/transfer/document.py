"""Cards as JSON, for programs: an object per card, with what lies near it and its photos inside."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from json.decoder import JSONArray, JSONObject  # type: ignore[attr-defined]
from json.scanner import py_make_scanner  # type: ignore[attr-defined]
from typing import Any

from anmok.i18n import _
from anmok.service.cards.transfer.checking import (
    CATEGORIES,
    MOST_RECORDS,
    CardsRefused,
    Problem,
    Record,
    Where,
)
from anmok.service.cards.transfer.content import CARD_FIELDS, PHOTO_FIELDS, PLACE_FIELDS, CardContent
from anmok.service.cards.wording import came, shown

#: What a file calls itself.
FORMAT = "anmok-cards 1"
_CARD_KEYS = ("class", *CARD_FIELDS, "nearby", "photos")
_PLACE_KEYS = ("category", *PLACE_FIELDS)
_PHOTO_KEYS = ("photo", *PHOTO_FIELDS)


class _Located(dict[str, Any]):
    """A JSON object that knows where it and each of its values begin: offsets into the text."""

    def __init__(self, pairs: list[tuple[str, Any]], begin: int, starts: list[int]) -> None:
        super().__init__(pairs)
        self.begin = begin
        self.starts = dict(zip((key for key, _value in pairs), starts, strict=True))
        counts = Counter(key for key, _value in pairs)
        self.twice = next((key for key, count in counts.items() if count > 1), None)


class _Reader(json.JSONDecoder):
    """Python's own decoder, which is told by nobody where a value stands, made to note it."""

    def __init__(self) -> None:
        # Figures and words that JSON does not have come out as text, which no check takes for a number.
        super().__init__(parse_constant=str, parse_int=lambda digits: int(digits) if len(digits) < 19 else digits)
        self.parse_object = self._object
        self.parse_array = JSONArray
        self.scan_once = py_make_scanner(self)

    def _object(
        self, text_and_end: tuple[str, int], strict: bool, scan_once: Callable[[str, int], Any], *rest: Any
    ) -> tuple[_Located, int]:
        starts: list[int] = []

        def noting(text: str, index: int) -> Any:
            starts.append(index)
            return scan_once(text, index)

        pairs, end = JSONObject(text_and_end, strict, noting, None, list, *rest[2:])
        return _Located(pairs, text_and_end[1] - 1, starts), end


def write_document(cards: Iterable[CardContent]) -> str:
    """Return cards as JSON."""
    values = [
        {
            "class": card.label,
            **{name: getattr(card, name) for name in CARD_FIELDS},
            "nearby": [{name: getattr(place, name) for name in _PLACE_KEYS} for place in card.nearby],
            "photos": [
                {"photo": photo.picture, **{name: getattr(photo, name) for name in PHOTO_FIELDS}}
                for photo in card.photos
            ],
        }
        for card in cards
    ]
    return json.dumps({"format": FORMAT, "cards": values}, ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def read_document(data: bytes, name: str, problems: list[Problem]) -> Iterator[Record]:
    """Yield the records of a JSON file: ``{"cards": [...]}``, or the list alone.

    Args:
        name: of the file, for messages.
        problems: gets what has another shape, which is left out.

    Raises:
        CardsRefused: it is no JSON.
    """
    text, value = _parsed(data, name)
    read = _Shape(text, problems)
    if isinstance(value, _Located):
        read.keys(value, ("format", "cards"))
        if value.get("format", FORMAT) != FORMAT:
            read.problem(value, "format", came(value["format"]), _("{value} is wanted.").format(value=shown(FORMAT)))
        value = value.get("cards")
    if not isinstance(value, list):
        problems.append(Problem(Where(1), came(value), _("A list named “cards” is wanted.")))
        value = []
    records = [record for card in value for record in read.card(card)]
    if len(records) > MOST_RECORDS:
        wanted = _("At most {most:,} rows are wanted.").format(most=MOST_RECORDS)
        raise CardsRefused(name, [Problem(Where(1), _("More rows came."), wanted)])
    yield from records


class _Shape:
    """Makes records of objects and notes where an object is of another shape."""

    def __init__(self, text: str, problems: list[Problem]) -> None:
        self._text, self._problems = text, problems
        self._lines = [0, *(index + 1 for index, sign in enumerate(text) if sign == "\n")]

    def card(self, value: Any) -> Iterator[Record]:
        """Yield the record of a card and those of what belongs to it."""
        if not self._is_object(value) or not self.keys(value, _CARD_KEYS):
            return
        yield Record("card", value, self._of(value))
        for one in self._parts(value, "nearby", _PLACE_KEYS):
            category = one.get("category")
            if category in CATEGORIES:
                yield Record(category, {**one, "class": value.get("class")}, self._of(one))
            else:
                wanted = _("One of these is wanted: {names}.").format(names=", ".join(CATEGORIES))
                self.problem(one, "category", came(category), wanted)
        for one in self._parts(value, "photos", _PHOTO_KEYS):
            yield Record("photo", {**one, "class": value.get("class")}, self._of(one))

    def keys(self, value: _Located, known: tuple[str, ...]) -> bool:
        """Return whether an object has only keys that are known, each once."""
        before = len(self._problems)
        for key in value:
            if key not in known:
                wanted = _("One of these is wanted: {names}.").format(names=", ".join(known))
                self.problem(value, key, _("The key {value} came.").format(value=shown(key)), wanted)
        if value.twice is not None:
            twice = _("{value} came twice.").format(value=shown(value.twice))
            self.problem(value, value.twice, twice, _("Each key may stand once."))
        return len(self._problems) == before

    def problem(self, value: _Located, key: str, what_came: str, wanted: str) -> None:
        """Note a problem with a value of an object."""
        self._problems.append(Problem(self._of(value)(key), what_came, wanted))

    def _parts(self, card: _Located, key: str, known: tuple[str, ...]) -> Iterator[_Located]:
        parts = card.get(key)
        if parts is not None and not isinstance(parts, list):
            self.problem(card, key, came(parts), _("A list is wanted."))
            return
        for one in parts or []:
            if self._is_object(one, card, key) and self.keys(one, known):
                yield one

    def _is_object(self, value: Any, around: _Located | None = None, key: str = "") -> bool:
        if isinstance(value, _Located):
            return True
        where = Where(1) if around is None else self._of(around)(key)
        self._problems.append(Problem(where, came(value), _("An object in braces is wanted.")))
        return False

    def _of(self, value: _Located) -> Callable[[str], Where]:
        def where(key: str) -> Where:
            offset = value.starts.get(key, value.begin)
            line = bisect_right(self._lines, offset)
            return Where(line, f"{offset - self._lines[line - 1] + 1} ({key})" if key else "")

        return where


def _parsed(data: bytes, name: str) -> tuple[str, Any]:
    try:
        text = data.decode("utf-8-sig")
        return text, _Reader().decode(text)
    except UnicodeDecodeError as error:
        where = Where(data.count(b"\n", 0, error.start) + 1)
        raise CardsRefused(name, [Problem(where, _("Bytes came that are no UTF-8."), _("UTF-8 is wanted."))]) from error
    except json.JSONDecodeError as error:
        where = Where(error.lineno, str(error.colno))
        reason = _("What came there is no JSON ({reason}).").format(reason=error.msg)
        raise CardsRefused(name, [Problem(where, reason, _("JSON is wanted."))]) from error
    except RecursionError as error:
        problem = Problem(Where(1), _("Lists in lists in lists came."), _("A list named “cards” is wanted."))
        raise CardsRefused(name, [problem]) from error
