"""The app's name for Django."""

from __future__ import annotations

from django.apps import AppConfig


class BackupConfig(AppConfig):
    """Backup and restore."""

    name = "anmok.service.backup"
    label = "backup"
