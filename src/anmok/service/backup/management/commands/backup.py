"""``anmok manage backup FILE``."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from anmok.i18n import _
from anmok.service.backup.making import back_up


class Command(BaseCommand):
    """Writes database, photos and key into one file while the service answers."""

    @property
    def help(self) -> str:
        """What ``anmok manage help backup`` says."""
        return _("Write the database, all photos and the secret key into one file; the service may go on answering.")

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the file and ``--without-key``."""
        parser.add_argument("file", type=Path, help=_("The file to write, for example anmok-backup.zip."))
        parser.add_argument("--without-key", action="store_true", help=_("Leave the secret key out."))

    def handle(self, *_words: Any, file: Path, without_key: bool = False, **_options: Any) -> None:
        """Do it, and say what the file holds."""
        made = back_up(file, with_key=not without_key)
        self.stdout.write(
            _("{path}: {rows} rows, {photos} photos, written and read again.").format(
                path=file, rows=made.rows, photos=made.photos
            )
        )
        if made.gone:
            self.stdout.write(
                _("Left out, because their photo is missing or damaged: {count} rows.").format(count=made.gone)
            )
