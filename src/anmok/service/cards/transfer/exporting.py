"""Cards from the database into a file, from which ``importing`` makes the same again."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from anmok.errors import UsageError
from anmok.i18n import _
from anmok.service.cards.photos import where
from anmok.service.cards.transfer.content import CardContent
from anmok.service.cards.transfer.document import write_document
from anmok.service.cards.transfer.table import write_table
from anmok.service.cards.wording import MOST_NAME, MOST_NUMBER
from anmok.storage import atomic_write, write_bytes

WRITERS = {".csv": write_table, ".json": write_document}


def file_of(cards: Sequence[CardContent], name: str) -> bytes:
    """Return a file of cards; its ending tells whether it is JSON or CSV.

    Raises:
        UsageError: the name has another ending.
    """
    ending = Path(name).suffix.lower()
    if ending not in WRITERS:
        raise UsageError(
            _("{name} is neither CSV nor JSON.").format(name=name),
            hint=_("Name the file cards.csv or cards.json."),
        )
    return WRITERS[ending](cards).encode()


def export_cards(cards: Sequence[CardContent], path: Path, *, photos: bool = False) -> int:
    """Write cards to a file, and return how many photos were written beside it.

    Args:
        photos: write them into the folder ``<name>-photos``, where an import finds them.

    Raises:
        UsageError: the name's ending is neither ``.csv`` nor ``.json``.
        StorageError: disk full, no permission.
    """
    write_bytes(path, file_of(cards, path.name))
    written = 0
    if photos:
        for picture in dict.fromkeys(photo.picture for card in cards for photo in card.photos):
            source = where(picture)
            if source.is_file():
                with (
                    atomic_write(path.with_name(f"{path.stem}-photos") / source.name) as stream,
                    source.open("rb") as kept,
                ):
                    shutil.copyfileobj(kept, stream)
                written += 1
    return written


def missing_cards(cards: Sequence[CardContent], labels: Sequence[str]) -> tuple[CardContent, ...]:
    """Return cards to fill in, for the classes of a model that have none: with the class's name and a free number.

    A class's number is its place among the model's, where no card has that number yet.
    """
    known = {card.label for card in cards}
    taken = {card.number for card in cards}
    free = (number for number in range(MOST_NUMBER + 1) if number not in taken and number >= len(labels))
    made = []
    for index, label in enumerate(labels):
        if label in known or len(label) > MOST_NAME:
            continue
        number = index if index not in taken else next(free)
        made.append(CardContent(label, number, label, "", "", "", None, None, ""))
    return tuple(made)
