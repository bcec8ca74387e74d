"""The app's name for Django."""

from __future__ import annotations

from django.apps import AppConfig


class LimitsConfig(AppConfig):
    """What visitors and programs have used of their limits."""

    name = "anmok.service.limits"
    label = "limits"
