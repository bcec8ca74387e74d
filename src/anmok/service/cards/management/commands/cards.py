"""``anmok manage cards``: cards from a file, into a file, and held against the model's classes."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from anmok.errors import SourceNotFound, UsageError
from anmok.i18n import _
from anmok.service.cards.classes import classes_of_files
from anmok.service.cards.coverage import compare
from anmok.service.cards.models import Card
from anmok.service.cards.transfer.content import stored_cards
from anmok.service.cards.transfer.exporting import WRITERS, export_cards, missing_cards
from anmok.service.cards.transfer.importing import import_cards
from anmok.service.cards.transfer.pictures import Pictures
from anmok.storage import explained

#: Bytes of a file of cards.
MOST_BYTES = 64 * 2**20


class Command(BaseCommand):
    """Imports, exports and checks cards."""

    @property
    def help(self) -> str:
        """What ``anmok manage help cards`` says."""
        return _("Cards from a CSV or JSON file, into one, and whether each class of the model has one.")

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the three ways and their options."""
        ways = parser.add_subparsers(dest="way", required=True, metavar="import|export|check")
        way = ways.add_parser("import", help=_("take cards from a file, whole or not at all"))
        way.add_argument("file", type=Path)
        way.add_argument("--dry-run", action="store_true", help=_("say what would change, and change nothing"))
        way.add_argument("--replace", action="store_true", help=_("remove what the file does not name"))
        way = ways.add_parser("export", help=_("write all cards into a file"))
        way.add_argument("file", type=Path)
        way.add_argument("--photos", action="store_true", help=_("and their photos into a folder beside it"))
        way.add_argument("--missing", action="store_true", help=_("add a card to fill in for each class that has none"))
        ways.add_parser(
            "check", help=_("which classes have no card, which cards no class; exit code 1 if there are any")
        )

    def handle(self, *_words: Any, way: str, **options: Any) -> None:
        """Do what is asked."""
        if way == "import":
            self._import(options["file"], replace=options["replace"], dry_run=options["dry_run"])
        elif way == "export":
            self._export(options["file"], photos=options["photos"], missing=options["missing"])
        else:
            self._check()

    def _import(self, path: Path, *, replace: bool, dry_run: bool) -> None:
        if path.suffix.lower() not in WRITERS:
            raise UsageError(
                _("{name} is neither CSV nor JSON.").format(name=path.name),
                hint=_("Name the file cards.csv or cards.json."),
            )
        if not path.is_file():
            raise SourceNotFound(
                _("There is no file {path}.").format(path=path), hint=_("Check the name and the folder.")
            )
        if path.stat().st_size > MOST_BYTES:
            raise UsageError(
                _("{path} has {size:,} bytes; at most {limit:,} are accepted.").format(
                    path=path, size=path.stat().st_size, limit=MOST_BYTES
                )
            )
        with explained(path):
            data = path.read_bytes()
        plan = import_cards(
            data, path.name, pictures=Pictures(path.parent, path.stem), replace=replace, dry_run=dry_run
        )
        for line in plan.lines():
            self.stdout.write(line)
        self.stdout.write(plan.summary(done=not dry_run))

    def _export(self, path: Path, *, photos: bool, missing: bool) -> None:
        cards = stored_cards()
        added = missing_cards(cards, classes_of_files()) if missing else ()
        written = export_cards((*cards, *added), path, photos=photos)
        text = _("Written to {path}: {cards} cards, {missing} to fill in, {photos} photos.")
        self.stdout.write(text.format(path=path, cards=len(cards), missing=len(added), photos=written))

    def _check(self) -> None:
        labels = classes_of_files()
        coverage = compare(labels, Card.objects.values_list("label", flat=True))
        for sentence in coverage.sentences():
            self.stdout.write(sentence)
        if coverage.is_complete:
            text = _("Each of {count} classes has a card, and each card a class.")
            self.stdout.write(text.format(count=coverage.classes))
            return
        if coverage.without_card:
            self.stdout.write(
                _("To fill them in: `anmok manage cards export cards.csv --missing`, then import the file.")
            )
        sys.exit(1)
