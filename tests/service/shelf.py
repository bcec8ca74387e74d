"""The cards of a running service, filled and read by its own commands, and put back as they were."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.service.staffed import Staffed


@dataclass(frozen=True)
class Shelf:
    """Cards of a service; ``folder`` is for files of the test."""

    staffed: Staffed
    folder: Path

    def take(self, data: str | bytes, name: str = "cards.csv", **options: bool) -> str:
        """Import a file; return the summary, or what was refused."""
        path = self.folder / name
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return self._told(
            f"import_cards(path.read_bytes(), path.name, pictures=Pictures(path.parent, path.stem), **{options!r})",
            path,
        )

    def give(self, name: str = "cards.json", *, photos: bool = False) -> bytes:
        """Export all cards into a file of that name."""
        path = self.folder / name
        self._told(f"export_cards(stored_cards(), path, photos={photos})", path)
        return path.read_bytes()

    def card(self, label: str) -> dict[str, Any] | None:
        """Return what is stored of a card, as JSON has it."""
        cards = json.loads(self.give())["cards"]
        return next((card for card in cards if card["class"] == label), None)

    def files(self) -> set[str]:
        """Return the names of the photos that are kept."""
        return {path.name for path in self.staffed.served.folder.glob("cards/*/*.jpg")}

    def _told(self, call: str, path: Path) -> str:
        code = f"""
from pathlib import Path
from anmok.errors import AnmokError
from anmok.service.cards.transfer.content import stored_cards
from anmok.service.cards.transfer.exporting import export_cards
from anmok.service.cards.transfer.importing import import_cards
from anmok.service.cards.transfer.pictures import Pictures
path = Path({str(path)!r})
try:
    done = {call}
    answer = "\\n".join((*done.lines(), done.summary(done=True))) if hasattr(done, "lines") else str(done)
except AnmokError as error:
    answer = f"refused: {{error.message}}"
"""
        return str(self.staffed.shell(code))


@contextmanager
def kept_as_they_are(staffed: Staffed, folder: Path) -> Iterator[Shelf]:
    """Give the cards of a service to a test, and put back what was there."""
    shelf = Shelf(staffed, folder)
    before = shelf.give("before.json", photos=True)
    try:
        yield shelf
    finally:
        assert not shelf.take(before, "before.json", replace=True).startswith("refused")


def rows(*cards: Mapping[str, object]) -> str:
    """Return a table of cards with the columns that they name."""
    columns = list(dict.fromkeys(name for card in cards for name in card))
    lines = [columns, *([str(card.get(name, "")) for name in columns] for card in cards)]
    return "\n".join(",".join('"' + cell.replace('"', '""') + '"' for cell in line) for line in lines) + "\n"
