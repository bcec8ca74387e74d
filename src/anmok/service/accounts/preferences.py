"""The owner's preferences, as every request needs them."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, fields
from typing import Any

from django.db import DatabaseError

#: Seconds after which a process looks again what the owner set.
_FRESH = 1.0


@dataclass(frozen=True, slots=True)
class Preferences:
    """What the owner set in the admin; the defaults are those of a new service.

    Attributes:
        visitors: whether photos may be identified without an account.
        photos_per_address, photos_per_token: a minute; 0: any number.
        requests_per_address, requests_per_token: of programs for something else, a minute; 0: any number.
        log_days: how long the log of what was done is kept; 0: for ever.
    """

    visitors: bool = True
    photos_per_address: int = 120
    photos_per_token: int = 1200
    requests_per_address: int = 600
    requests_per_token: int = 3000
    log_days: int = 365


class _Known:
    """What this process knows of them, and since when."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values, self._until, self._known = Preferences(), 0.0, False

    def values(self) -> Preferences:
        if time.monotonic() >= self._until:
            with self._lock:
                if time.monotonic() >= self._until:
                    self._look()
                    self._until = time.monotonic() + _FRESH
        return self._values

    def forget(self, **_signal: Any) -> None:
        self._until = 0.0

    def _look(self) -> None:
        try:
            self._values, self._known = _read(), True
        except DatabaseError:
            # While the database is away what it said before holds; who was never told asks in vain.
            if not self._known:
                raise
            logging.getLogger(__name__).warning("the owner's preferences cannot be read; the last known ones hold")


_known = _Known()


def preferences() -> Preferences:
    """Return what the owner set; no older than a second, so that a request does not ask the database each time."""
    return _known.values()


def forget(**signal: Any) -> None:
    """Look again at the next request: what was set has changed (Django calls it after a save)."""
    _known.forget(**signal)


def _read() -> Preferences:
    from anmok.service.accounts.models import OwnerPreferences

    names = [field.name for field in fields(Preferences)]
    row = OwnerPreferences.objects.values(*names).first()
    return Preferences() if row is None else Preferences(**row)
