"""``anmok manage prune``: for a nightly timer."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from anmok.i18n import _
from anmok.service.accounts.pruning import prune_log
from anmok.service.uploads.models import KeepingRules
from anmok.service.uploads.pruning import prune


class Command(BaseCommand):
    """Removes old uploads and log entries, photos without a row, leftovers of killed processes, and ended sessions."""

    @property
    def help(self) -> str:
        """What ``anmok manage help prune`` says."""
        return _("Remove uploads that are too old, photos that nothing names, and sessions that have ended.")

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add ``--days``."""
        parser.add_argument(
            "--days",
            type=float,
            help=_("Days that uploads are kept, instead of those that the rules in the admin say."),
        )

    def handle(self, *_words: Any, days: float | None = None, **_options: Any) -> None:
        """Do it, and say how much was removed."""
        if days is not None and not 0 <= days < 100_000:
            raise CommandError(_("--days is {days}; 0 or more is wanted.").format(days=days))
        done = prune(KeepingRules.current().days if days is None else days)
        call_command("clearsessions")
        entries = prune_log()
        text = _(
            "Removed: uploads {uploads}, photos that nothing named {photos}, files left behind {files}, "
            "log entries {entries}."
        )
        self.stdout.write(text.format(uploads=done.uploads, photos=done.photos, files=done.files, entries=entries))
