"""Which pages are open: all of them while the owner lets visitors in, else those that are named here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from anmok.service.accounts.acting import ADMIN
from anmok.service.accounts.preferences import preferences
from anmok.service.accounts.refusals import cannot_count
from anmok.service.problems import API

#: Pages that are open whatever the owner says: those of one answer, whose address nobody can guess and its giver may
#: share, with the photos of its card; and the language. The admin and the API look for themselves.
OPEN = frozenset(
    {"result", "photo", "heat_map", "delete", "card_photo", "card_photo_small", "language", "login", "logout"}
)


def logged_in(request: HttpRequest) -> Any:
    """Return the account that is logged in, for pages; None where nobody is, or the database does not say."""
    if settings.SESSION_COOKIE_NAME not in request.COOKIES or not hasattr(request, "user"):
        return None
    try:
        return request.user if request.user.is_authenticated else None
    except DatabaseError:
        # The page that says so must not fail in turn.
        return None


class VisitorsOrLogin(LoginRequiredMiddleware):
    """Middleware: leads to the login where the owner lets no visitors in; new pages are closed then, too."""

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], words: Any, values: Any
    ) -> HttpResponse | None:
        """Let a request through, or lead it to the login."""
        name = request.resolver_match.view_name
        if name in OPEN or request.path.startswith((API, ADMIN)):
            return None
        try:
            return None if preferences().visitors else super().process_view(request, view, words, values)
        except DatabaseError as error:
            return cannot_count(request, error)

    def handle_no_permission(self, request: HttpRequest, view: Callable[..., Any]) -> HttpResponse:
        """Lead to the login, and back to where they were."""
        if request.headers.get("HX-Request"):
            # A part of a page was asked for; the page itself shall change.
            return HttpResponse(headers={"HX-Redirect": f"{reverse('login')}?next=/"})
        if request.method != "GET":
            return HttpResponse(status=303, headers={"Location": f"{reverse('login')}?next=/"})
        return super().handle_no_permission(request, view)
