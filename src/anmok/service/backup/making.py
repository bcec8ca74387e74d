"""A backup is taken while the service answers: one state of the database, and the photos that it names."""

from __future__ import annotations

import hashlib
import os
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.db.models import Model

import anmok
from anmok.errors import UsageError
from anmok.i18n import _
from anmok.service.backup.archive import KEY, Contents, Writer, opened
from anmok.service.backup.rows import applied_migrations, rows_of, snapshot, tables, to_line
from anmok.service.uploads.keeping import place
from anmok.storage import atomic_write, explained

#: The tables whose rows name a photo in ``picture``, and the folder in which it lies.
PHOTO_FOLDERS = {"uploads.upload": "uploads", "cards.cardphoto": "cards"}


@dataclass(frozen=True, slots=True)
class Made:
    """What a backup holds: rows, photos, and rows that were left out because their photo is not there."""

    rows: int
    photos: int
    gone: int


def back_up(path: Path, *, with_key: bool = True) -> Made:
    """Write a backup, read it again and compare. Where that fails there is no file.

    Args:
        with_key: whether the secret key goes along, without which nobody stays logged in and no visitor can delete.

    Raises:
        UsageError: the file is there already, or the database is of a kind that is not known.
        StorageError: disk full, no permission, the database has no tables.
    """
    if path.exists():
        raise UsageError(
            _("{path} is there already.").format(path=path), hint=_("Name another file; a backup replaces none.")
        )
    with atomic_write(path) as stream:
        # It holds what the folder holds: accounts, photos, the key.
        os.fchmod(stream.fileno(), 0o600)
        with zipfile.ZipFile(stream, "w", allowZip64=True) as archive, snapshot():
            contents = _write(Writer(archive), with_key=with_key)
    try:
        with opened(path):
            pass
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    photos = sum(name.endswith(".jpg") and not name.endswith(".small.jpg") for name in contents.entries)
    return Made(sum(contents.rows.values()), photos, contents.gone)


def _write(writer: Writer, *, with_key: bool) -> Contents:
    migrations = applied_migrations()
    models = tables(migrations)
    if not models:
        raise UsageError(
            _("There is nothing to back up: the database has no tables."),
            hint=_("Name the folder that `anmok serve` was given: anmok manage --data FOLDER backup FILE"),
        )
    # Photos first: one that is deleted while the backup is taken takes its row along.
    gone = {label: _write_photos(writer, models[label], folder) for label, folder in PHOTO_FOLDERS.items()}
    numbers = {}
    for label, model in models.items():
        left_out = gone.get(label, set())
        numbers[label] = 0
        with writer.entry(f"rows/{label}.jsonl", compress=True) as stream:
            for row in rows_of(model):
                if row.pk not in left_out:
                    stream.write(to_line(row))
                    numbers[label] += 1
    if with_key:
        with explained(settings.FOLDER.key_file):
            writer.add(KEY, settings.FOLDER.key_file.read_bytes())
    contents = Contents(
        anmok=anmok.__version__,
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        migrations=migrations,
        rows=numbers,
        gone=sum(map(len, gone.values())),
        entries=writer.entries,
    )
    writer.finish(contents)
    return contents


def _write_photos(writer: Writer, model: type[Model], name: str) -> set[object]:
    """Write the photos of a table, each once; return the rows whose photo is missing or not what its name says."""
    folder = settings.FOLDER.path / name
    gone: set[object] = set()
    for row in rows_of(model):
        picture = row.picture
        entry = f"{name}/{picture}.jpg"
        if entry in writer.entries:
            continue
        path = place(picture, folder)
        data = _read(path)
        if data is None or hashlib.sha256(data).hexdigest() != picture:
            gone.add(row.pk)
            continue
        writer.add(entry, data)
        small = _read(path.with_suffix(".small.jpg"))
        if small is not None:
            writer.add(f"{name}/{picture}.small.jpg", small)
    return gone


def _read(path: Path) -> bytes | None:
    with explained(path):
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None
