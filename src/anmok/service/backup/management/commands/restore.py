"""``anmok manage restore FILE``."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from anmok.i18n import _
from anmok.service.backup.restoring import restore


class Command(BaseCommand):
    """Puts a backup into the folder and the database."""

    @property
    def help(self) -> str:
        """What ``anmok manage help restore`` says."""
        return _(
            "Put a backup into an empty folder and database, or in place of what is there. Stop the service first."
        )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the file and ``--replace``."""
        parser.add_argument("file", type=Path, help=_("What `anmok manage backup` wrote."))
        parser.add_argument("--replace", action="store_true", help=_("Replace what is there; it is then lost."))

    def handle(self, *_words: Any, file: Path, replace: bool = False, **_options: Any) -> None:
        """Do it, and say what was restored."""
        contents = restore(file, replace=replace)
        photos = sum(name.endswith(".jpg") and not name.endswith(".small.jpg") for name in contents.entries)
        self.stdout.write(
            _("Restored from {when}: {rows} rows, {photos} photos.").format(
                when=contents.made, rows=sum(contents.rows.values()), photos=photos
            )
        )
