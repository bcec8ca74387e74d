"""The app's name for Django."""

from __future__ import annotations

from django.apps import AppConfig


class UploadsConfig(AppConfig):
    """Kept photos."""

    name = "anmok.service.uploads"
    label = "uploads"

    def ready(self) -> None:
        """Django calls it once all models are known."""
        from django.db.models.signals import post_delete

        from anmok.service.uploads.models import Upload
        from anmok.service.uploads.removal import remove_picture

        # Rows are deleted by their giver, by staff one by one or many at once: the photo goes with the last of them.
        post_delete.connect(remove_picture, sender=Upload, dispatch_uid="remove_picture")
