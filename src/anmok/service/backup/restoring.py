"""A backup becomes a service again. Killed at any moment, what was there before is whole, or what comes is.

Photos are put in place first, which disturbs nothing: they are named by their hash. Then the rows change in one
transaction. What nobody names any more goes last.
"""

from __future__ import annotations

import os
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, connection

from anmok.errors import StorageError, UsageError
from anmok.i18n import _
from anmok.service.backup.archive import KEY, PHOTO, Contents, Reader, opened
from anmok.service.backup.rows import migrate_to, replace_rows, tables
from anmok.service.uploads.keeping import place
from anmok.service.uploads.pruning import prune
from anmok.storage import atomic_write, explained


def restore(path: Path, *, replace: bool = False) -> Contents:
    """Restore a backup into the service's folder and database, and return what it holds. The service must not run.

    Args:
        replace: whether what is there may be replaced.

    Raises:
        StorageError: the backup is damaged or of a newer Anmok; disk full, no permission; the database refuses.
        UsageError: something is there already, or the database is newer than the backup.
    """
    with opened(path) as reader:
        if not replace and (found := _what_is_there()):
            raise UsageError(
                _("{what} is there already.").format(what=found),
                hint=_("Restore into an empty folder and database, or say --replace: all that is there is then lost."),
            )
        # Before anything is changed: does this Anmok know what the backup holds?
        tables(reader.contents.migrations)
        try:
            migrate_to(reader.contents.migrations)
            _put_photos(reader)
            replace_rows(reader)
            _put_key(reader)
            call_command("migrate", interactive=False, verbosity=0)
        except DatabaseError as error:
            raise StorageError(
                _("The database refused the backup: {reason}.").format(reason=error),
                hint=_("Nothing of its rows was restored. Check the database server, or restore into an empty one."),
            ) from error
        prune(None, patience=0)
        return reader.contents


def _what_is_there() -> str:
    """Return what a restore would replace, in words; empty where there is nothing."""
    for folder in (settings.FOLDER.uploads, settings.FOLDER.cards):
        with explained(folder):
            if any(path.is_file() for path in folder.rglob("*.jpg")):
                return _("{folder} with photos").format(folder=folder)
    if connection.introspection.table_names():
        return _("A database with tables")
    return ""


def _put_photos(reader: Reader) -> None:
    for name in reader.contents.entries:
        photo = PHOTO.fullmatch(name)
        if photo is None:
            continue
        path = place(photo[2], settings.FOLDER.path / photo[1])
        if photo[3]:
            path = path.with_suffix(".small.jpg")
        with explained(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        # Also over one of that name: it may be damaged.
        with atomic_write(path) as stream:
            stream.write(reader.read(name))


def _put_key(reader: Reader) -> None:
    if KEY not in reader.contents.entries:
        return
    with atomic_write(settings.FOLDER.key_file) as stream:
        os.fchmod(stream.fileno(), 0o600)
        stream.write(reader.read(KEY))
