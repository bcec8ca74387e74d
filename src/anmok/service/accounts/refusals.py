"""What is said to who may not, or not now: as a page, to htmx as a part of one, and to programs as a problem."""

from __future__ import annotations

import logging

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse

from anmok.i18n import _, ngettext
from anmok.service.refusals import cannot_keep, refused

#: How RFC 6750 names the place that a token is for.
_REALM = 'Bearer realm="Anmok"'


def too_many(request: HttpRequest, seconds: int) -> HttpResponse:
    """429: more than the owner allows; says when to come again."""
    words = ngettext(
        "That was too much in a short time. Try again in {seconds} second.",
        "That was too much in a short time. Try again in {seconds} seconds.",
        seconds,
    ).format(seconds=seconds)
    response = refused(request, 429, _("One moment, please"), words)
    response.headers["Retry-After"] = str(seconds)
    return response


def cannot_count(request: HttpRequest, error: DatabaseError) -> HttpResponse:
    """507 before a page is asked: the database does not say whether it may be; the log has the reason."""
    logging.getLogger(__name__).error("cannot tell who may ask: %s", error, exc_info=error)
    return cannot_keep(request)


def unauthenticated(request: HttpRequest, *, shown: bool) -> HttpResponse:
    """401, for programs: a token is needed; or the one that was shown does not let in, whatever the reason."""
    if shown:
        words = _("The token that was shown does not let in: it is wrong, revoked or too old.")
    else:
        words = _("A token is needed: send the header `Authorization: Bearer TOKEN`.")
    response = refused(request, 401, _("Not logged in"), words)
    response.headers["WWW-Authenticate"] = f'{_REALM}, error="invalid_token"' if shown else _REALM
    return response


def without_scope(request: HttpRequest, scope: str) -> HttpResponse:
    """403, for programs: the token is good, but not for that."""
    words = _("That needs a token with the scope {scope}, and an account that may do it.").format(scope=scope)
    response = refused(request, 403, _("Not allowed"), words)
    response.headers["WWW-Authenticate"] = f'{_REALM}, error="insufficient_scope", scope="{scope}"'
    return response
