"""The app's name for Django."""

from __future__ import annotations

from django.apps import AppConfig


class HostingConfig(AppConfig):
    """The bundles that answer. It has no tables; Django looks here for its command."""

    name = "anmok.service.hosting"
    label = "hosting"
