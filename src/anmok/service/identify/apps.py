"""The app's name for Django."""

from __future__ import annotations

from django.apps import AppConfig


class IdentifyConfig(AppConfig):
    """The pages."""

    name = "anmok.service.identify"
    label = "identify"
