"""What is limited, and by how much: the owner's numbers, for each address and for each token."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse

from anmok.service.accounts.preferences import preferences
from anmok.service.accounts.refusals import cannot_count, too_many
from anmok.service.limits.address import client_address, network_of
from anmok.service.limits.buckets import Limit, LimitReached, spend

#: Seconds that the owner's numbers are for.
PERIOD = 60
View = TypeVar("View", bound=Callable[..., HttpResponse])


@dataclass(frozen=True, slots=True)
class Rate:
    """Something that is limited, and the owner's preferences that say by how much (``accounts.preferences``)."""

    name: str
    per_address: str
    per_token: str


#: Photos that are asked about, and what is as dear: drawing where the model looked.
PHOTOS = Rate("photos", "photos_per_address", "photos_per_token")
#: Requests of programs that ask for something else.
REQUESTS = Rate("requests", "requests_per_address", "requests_per_token")


def charge(request: HttpRequest, rate: Rate, count: int = 1) -> None:
    """Count something for whoever asks: the token that a program showed, else the address.

    Raises:
        LimitReached: that is more than the owner allows; nothing is counted then.
    """
    if not settings.LIMITED or count < 1:
        return
    token = getattr(request, "token", None)
    most = getattr(preferences(), rate.per_address if token is None else rate.per_token)
    if most:
        who = f"address {network_of(client_address(request))}" if token is None else f"token {token.pk}"
        spend(rate.name, who, Limit(most, PERIOD), count)


def limited(rate: Rate) -> Callable[[View], View]:
    """Mark a page as limited: ``Limits`` counts 1 for each request, before anything of its body is looked at."""

    def mark(view: View) -> View:
        view.rate = rate  # type: ignore[attr-defined] # as Django's own decorators mark views
        return view

    return mark


class Limits:
    """Middleware: counts what marked pages are asked for, and says in words that it is too much."""

    def __init__(self, respond: Callable[[HttpRequest], HttpResponse]) -> None:
        self._respond = respond

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer a request."""
        return self._respond(request)

    def process_view(self, request: HttpRequest, view: Callable[..., Any], *_found: Any) -> HttpResponse | None:
        """Count a request for a marked page."""
        rate = getattr(view, "rate", None)
        try:
            if rate is not None:
                charge(request, rate)
        except LimitReached as reached:
            return too_many(request, reached.seconds)
        except DatabaseError as error:
            return cannot_count(request, error)
        return None

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer where a page counted more by itself, or a login was one too many."""
        return too_many(request, exception.seconds) if isinstance(exception, LimitReached) else None
