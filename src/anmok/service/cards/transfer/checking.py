"""From records of a file to wanted cards: every value is checked, and every problem named with its place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from anmok.errors import UsageError
from anmok.i18n import _
from anmok.service.cards.models import Nearby
from anmok.service.cards.transfer.content import (
    CARD_FIELDS,
    PHOTO_FIELDS,
    PLACE_FIELDS,
    PhotoContent,
    PlaceContent,
)
from anmok.service.cards.wording import (
    MOST_DESCRIPTION,
    MOST_NAME,
    Unwanted,
    as_latitude,
    as_link,
    as_longitude,
    as_number,
    as_text,
    came,
    pair_problem,
    shown,
)

CATEGORIES: tuple[str, ...] = tuple(Nearby.Category.values)
#: Kinds of records: a card, its photos, what lies near it by category.
KINDS = ("card", "photo", *CATEGORIES)
#: Problems that one message lists, and records that one file may have.
MOST_PROBLEMS, MOST_RECORDS = 20, 200_000


@dataclass(frozen=True, slots=True)
class Where:
    """A place in a file: line and column; lines count from 1, columns have the file's own names."""

    line: int
    column: str = ""

    def __str__(self) -> str:
        if not self.column:
            return _("line {line}").format(line=self.line)
        return _("line {line}, column {column}").format(line=self.line, column=self.column)


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong at a place of a file: what came, and what was wanted."""

    where: Where
    came: str
    wanted: str


class CardsRefused(UsageError):
    """A file of cards has mistakes; nothing of it was taken."""

    def __init__(self, name: str, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda one: one.where.line))
        lines = [f"{name}, {one.where}: {one.came} {one.wanted}" for one in self.problems[:MOST_PROBLEMS]]
        if len(self.problems) > MOST_PROBLEMS:
            lines.append(_("… and {count} more.").format(count=len(self.problems) - MOST_PROBLEMS))
        super().__init__("\n".join(lines), hint=_("Nothing was changed. Correct the file and try again."))


@dataclass(frozen=True, slots=True)
class Record:
    """One row or object of a file.

    Attributes:
        kind: one of ``KINDS``.
        values: by the names of the file's columns or keys; text, or what JSON has.
        where: tells where a value stands.
    """

    kind: str
    values: Mapping[str, Any]
    where: Callable[[str], Where]


@dataclass(slots=True)
class WantedCard:
    """What a file says of one card: the fields that it names, by the model's names.

    ``nearby`` and ``photos`` are None where the file says nothing of them. ``is_told``: the file has the card itself,
    not only what belongs to it.
    """

    label: str
    where: Callable[[str], Where]
    fields: dict[str, Any] = field(default_factory=dict)
    nearby: list[PlaceContent] | None = None
    photos: list[tuple[PhotoContent, Where]] | None = None
    is_told: bool = False


def name_text(value: Any) -> str:
    """Check a name, a label, a credit: one line."""
    return as_text(_text(value), most=MOST_NAME)


def label_text(value: Any) -> str:
    """Check a class's name, which must be there."""
    label = name_text(value)
    if not label:
        raise Unwanted(_("Nothing came."), _("The name of a class is wanted, as the model has it."))
    return label


def _description(value: Any) -> str:
    return as_text(_text(value), most=MOST_DESCRIPTION, lines=True)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Unwanted(came(value), _("Text is wanted."))
    return value


#: How each value of a card or place is checked; photos have short descriptions.
CHECKS: dict[str, Callable[[Any], Any]] = {
    "number": as_number,
    "name_en": name_text,
    "name_ko": name_text,
    "description_en": _description,
    "description_ko": _description,
    "latitude": as_latitude,
    "longitude": as_longitude,
    "link": lambda value: as_link(_text(value)),
    "credit": name_text,
}


def wanted_cards(
    records: Iterable[Record], name: str, numbers: Mapping[int, str], problems: list[Problem]
) -> tuple[WantedCard, ...]:
    """Return what records say of cards, in the file's order.

    Args:
        name: of the file.
        numbers: labels of stored cards by number, for records that name their card so.
        problems: what was found wrong before; more is added.

    Raises:
        CardsRefused: something cannot be taken.
    """
    cards: dict[str, WantedCard] = {}
    rest = []
    for record in records:
        if record.kind == "card":
            _take_card(record, cards, problems)
        else:
            rest.append(record)
    by_number = {**numbers, **{card.fields["number"]: card.label for card in cards.values() if "number" in card.fields}}
    for record in rest:
        _take_part(record, cards, by_number, problems)
    if problems:
        raise CardsRefused(name, problems)
    return tuple(cards.values())


def _take_card(record: Record, cards: dict[str, WantedCard], problems: list[Problem]) -> None:
    label = _checked(record, "class", label_text, problems)
    fields: dict[str, Any] = {}
    for column in CARD_FIELDS:
        # An empty number is none; other empty values are wanted to be empty.
        if column in record.values and not (column == "number" and record.values[column] in ("", None)):
            fields[column] = _checked(record, column, CHECKS[column], problems)
    if label is None:
        return
    if label in cards:
        text = _("The class {label} came a second time; it stands in line {line} too.")
        first = text.format(label=shown(label), line=cards[label].where("class").line)
        problems.append(Problem(record.where("class"), first, _("Each class may have one card.")))
        return
    # JSON says "none" with an empty list; a table without rows of a kind says nothing of it.
    cards[label] = card = WantedCard(label, record.where, fields, is_told=True)
    if isinstance(record.values.get("nearby"), list):
        card.nearby = []
    if isinstance(record.values.get("photos"), list):
        card.photos = []


def _take_part(
    record: Record, cards: dict[str, WantedCard], numbers: Mapping[int, str], problems: list[Problem]
) -> None:
    """Take a photo, or a place near a card."""
    before = len(problems)
    label = _card_of(record, numbers, problems)
    is_photo = record.kind == "photo"
    names = PHOTO_FIELDS if is_photo else PLACE_FIELDS
    check = {**CHECKS, "description_en": name_text, "description_ko": name_text} if is_photo else CHECKS
    values = {column: _checked(record, column, check[column], problems) for column in names}
    picture = _checked(record, "photo", _picture, problems) if is_photo else ""
    if not is_photo and len(problems) == before:
        problem = pair_problem(*(values[column] for column in ("name_en", "name_ko", "latitude", "longitude")))
        if problem is not None:
            problems.append(Problem(record.where(problem.field), problem.came, problem.wanted))
    if label is None or len(problems) > before:
        return
    card = cards.setdefault(label, WantedCard(label, record.where))
    if is_photo:
        card.photos = card.photos or []
        card.photos.append((PhotoContent(picture, **values), record.where("photo")))
    else:
        card.nearby = card.nearby or []
        card.nearby.append(PlaceContent(record.kind, **values))


def _card_of(record: Record, numbers: Mapping[int, str], problems: list[Problem]) -> str | None:
    """Return the label of the card that a record belongs to; it may be named by number instead."""
    if record.values.get("class") not in ("", None):
        return _checked(record, "class", label_text, problems)
    number = _checked(record, "number", as_number, problems)
    if number is not None and number not in numbers:
        problems.append(
            Problem(record.where("number"), came(number), _("The number of a card is wanted, of this file or stored."))
        )
        return None
    return None if number is None else numbers[number]


def _picture(value: Any) -> str:
    text = as_text(_text(value), most=1000)
    if not text:
        raise Unwanted(_("Nothing came."), _("A photo is wanted: a file beside this one, or the hash of a kept one."))
    return text


def _checked(record: Record, column: str, check: Callable[[Any], Any], problems: list[Problem]) -> Any:
    """Return a checked value; None, and a problem noted, where it cannot be taken."""
    try:
        return check(record.values.get(column, ""))
    except Unwanted as unwanted:
        problems.append(Problem(record.where(column), unwanted.came, unwanted.wanted))
        return None
