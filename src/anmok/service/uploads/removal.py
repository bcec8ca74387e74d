"""A photo goes with the last row that names it, whoever deleted that row."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import transaction

from anmok.service.uploads.keeping import discard, place
from anmok.service.uploads.models import Upload


def remove_picture(instance: Upload, **_signal: Any) -> None:
    """Remove the photo of a deleted row once the deletion is certain, unless other rows name it too."""
    transaction.on_commit(lambda: remove_unnamed(instance.picture))


def remove_unnamed(picture: str) -> bool:
    """Remove the photo of that hash unless a row names it; return whether it was removed."""
    path = place(picture, settings.FOLDER.uploads)
    return discard(path, lambda: Upload.objects.filter(picture=picture).exists())
