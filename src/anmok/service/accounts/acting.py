"""Who does what is being done: known for the time of a request, and else the command line."""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from django.db.models import TextChoices
from django.http import HttpRequest, HttpResponse

from anmok.service.accounts.models import Entry
from anmok.service.limits.address import client_address
from anmok.service.problems import API

#: Below it staff works.
ADMIN = "/admin/"
#: How the log calls someone without an account.
VISITOR = "visitor"
_request: ContextVar[HttpRequest | None] = ContextVar("anmok_request", default=None)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a name, an account's number where there is one, how, and from where."""

    name: str
    account: int | None
    via: TextChoices
    address: str = ""


class Acting:
    """Middleware: what is done in this request is done by whoever asks."""

    def __init__(self, respond: Callable[[HttpRequest], HttpResponse]) -> None:
        self._respond = respond

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer a request."""
        before = _request.set(request)
        try:
            return self._respond(request)
        finally:
            _request.reset(before)


def actor() -> Actor:
    """Return who acts now."""
    request = _request.get()
    if request is None:
        return Actor(f"command line ({_system_user()})", None, Entry.Via.COMMAND)
    address = str(client_address(request) or "")
    if request.path.startswith(API):
        return _program(getattr(request, "token", None), address)
    via = Entry.Via.ADMIN if request.path.startswith(ADMIN) else Entry.Via.PAGE
    user = request.user
    if user.is_authenticated:
        return Actor(user.get_username(), user.pk, via, address)
    return Actor(VISITOR, None, via, address)


def in_request() -> bool:
    """Tell whether someone's request is being answered."""
    return _request.get() is not None


def _program(token: Any, address: str) -> Actor:
    if token is None:
        return Actor(VISITOR, None, Entry.Via.API, address)
    name = f"{token.account.get_username()}, token {token}" if token.account else f"token {token}"
    return Actor(name[:200], token.account_id, Entry.Via.API, address)


def _system_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # Containers run under numbers that have no name.
        return str(os.getuid())
