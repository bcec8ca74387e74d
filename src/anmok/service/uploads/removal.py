"""A photo goes with the last row that names it, whoever deleted that row."""

from __future__ import annotations

import contextlib
import uuid
from typing import Any

from django.conf import settings
from django.db import transaction

from anmok.service.uploads.keeping import place
from anmok.service.uploads.models import Upload


def remove_picture(instance: Upload, **_signal: Any) -> None:
    """Remove the photo of a deleted row once the deletion is certain, unless other rows name it too."""
    transaction.on_commit(lambda: remove_unnamed(instance.picture))


def remove_unnamed(picture: str) -> bool:
    """Remove the photo of that hash unless a row names it; return whether it was removed."""
    if Upload.objects.filter(picture=picture).exists():
        return False
    path = place(picture, settings.FOLDER.uploads)
    # Someone may give the very same photo just now. It is moved aside before the second look, and whoever gives it
    # stores it again after their row is written: one of the two always sees the other.
    aside = path.with_name(f".{uuid.uuid4().hex}.removed")
    with contextlib.suppress(FileNotFoundError):
        path.rename(aside)
        if Upload.objects.filter(picture=picture).exists():
            aside.rename(path)
            return False
        aside.unlink()
        return True
    return False
