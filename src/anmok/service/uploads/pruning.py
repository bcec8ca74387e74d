"""What is swept away at night: photos older than they may be kept, and what killed processes left behind."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from anmok.service.cards import photos as card_photos
from anmok.service.cards.models import CardPhoto
from anmok.service.uploads.keeping import place
from anmok.service.uploads.models import Upload
from anmok.service.uploads.removal import remove_unnamed

#: Seconds that a file without a row is left alone: its row may be about to be written.
PATIENCE = 3600
#: Names of photos, and of what a killed process leaves (``storage``, ``removal``).
PHOTO, SMALL = re.compile(r"([0-9a-f]{64})\.jpg"), re.compile(r"([0-9a-f]{64})\.small\.jpg")
LEFT_BEHIND = re.compile(r"\.[0-9a-f]+\.(part|removed)")


@dataclass(frozen=True, slots=True)
class Pruned:
    """How much was removed: uploads that were too old, photos without a row, files that were left behind."""

    uploads: int
    photos: int
    files: int


def prune(days: float | None, *, patience: float = PATIENCE) -> Pruned:
    """Remove what need not be kept. Safe beside a service that runs; what was done stays done when it is stopped.

    Args:
        days: how long uploads are kept; None: for ever.
        patience: seconds that a file is left alone after its last change.
    """
    uploads = 0
    if days is not None:
        too_old = Upload.objects.filter(created__lt=timezone.now() - timedelta(days=days))
        # One by one, so that each photo goes with its row (``removal`` is told of every deletion).
        for upload in too_old.iterator(chunk_size=500):
            upload.delete()
            uploads += 1
    photos = files = 0
    folder = settings.FOLDER
    for path in _still(folder.uploads, patience):
        photo = PHOTO.fullmatch(path.name)
        if LEFT_BEHIND.fullmatch(path.name):
            path.unlink(missing_ok=True)
            files += 1
        elif photo is not None and path == place(photo[1], folder.uploads):
            photos += remove_unnamed(photo[1])
    for path in _still(folder.cards, patience):
        photo, small = PHOTO.fullmatch(path.name), SMALL.fullmatch(path.name)
        if LEFT_BEHIND.fullmatch(path.name) or (small and not CardPhoto.objects.filter(picture=small[1]).exists()):
            path.unlink(missing_ok=True)
            files += 1
        elif photo is not None and path == place(photo[1], folder.cards):
            photos += card_photos.remove_unnamed(photo[1])
    return Pruned(uploads, photos, files + sweep_incoming(patience=patience))


def sweep_incoming(*, patience: float = PATIENCE) -> int:
    """Remove what killed processes left of requests that were coming in, and return how many files that were."""
    left = tuple(_still(settings.FOLDER.incoming, patience, "*"))
    for path in left:
        path.unlink(missing_ok=True)
    return len(left)


def _still(folder: Path, patience: float, pattern: str = "*/*") -> Iterator[Path]:
    """Yield files that nobody has changed for ``patience`` seconds."""
    before = time.time() - patience
    for path in sorted(folder.glob(pattern)):
        try:
            changed = path.lstat().st_mtime
        except FileNotFoundError:
            continue
        if changed < before:
            yield path
