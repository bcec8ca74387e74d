"""Who may ask what: every route names the scope that it needs, and here alone it is decided who has it.

A program shows a token that was made for that scope; for what visitors may do (``OF_VISITORS``) none is needed while
the owner lets them in. Cookies count for nothing here, so that no other page can use a visitor's. Whoever has a photo's
key may delete it besides (``identify.ownership``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.security.base import AuthBase

from anmok.service.accounts.models import Token
from anmok.service.accounts.preferences import preferences
from anmok.service.accounts.refusals import too_many, unauthenticated, without_scope
from anmok.service.accounts.scopes import OF_VISITORS, Scope
from anmok.service.accounts.tokens import find_token
from anmok.service.limits.buckets import LimitReached
from anmok.service.limits.rates import PHOTOS, REQUESTS, charge

#: What a route finds as ``request.auth`` where no token was shown and none is needed.
VISITOR = "visitor"


class NotAuthenticated(Exception):
    """No token was shown where one is needed, or one that does not let in. ``shown``: the latter."""

    def __init__(self, *, shown: bool) -> None:
        super().__init__("no token that lets in")
        self.shown = shown


class ScopeMissing(Exception):
    """The token, or the account that it acts for, may not do that."""

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope)
        self.scope = scope


class Bearer(AuthBase):
    """What django-ninja calls before a route: who asks must have a scope, and may not ask too often.

    ``request.auth`` is the ``Token`` then, or ``VISITOR``; ``request.token`` the same, or None.
    """

    openapi_type = "http"
    openapi_scheme = "bearer"

    def __init__(self, scope: str) -> None:
        super().__init__()
        self.scope = Scope(scope)

    def __call__(self, request: HttpRequest) -> Token | str:
        """Return who asks.

        Raises:
            NotAuthenticated, ScopeMissing: they may not.
            LimitReached: they ask too often; wrong tokens count, too.
        """
        request.token = None
        shown = request.headers.get("Authorization", "")
        token = _token(shown)
        if token is not None and token.allows(self.scope):
            request.token = token
        charge(request, PHOTOS if self.scope == Scope.IDENTIFY else REQUESTS)
        if request.token is not None:
            return request.token
        if token is not None:
            raise ScopeMissing(self.scope)
        if shown or not visitors_may(self.scope):
            raise NotAuthenticated(shown=bool(shown))
        return VISITOR


#: As routes say it: ``auth=Needs("read")``.
Needs = Bearer


def visitors_may(scope: Scope) -> bool:
    """Tell whether nobody needs a token for that."""
    return scope in OF_VISITORS and preferences().visitors


def may_delete_any(request: HttpRequest) -> bool:
    """Tell whether who asks may delete what others gave."""
    token: Token | None = getattr(request, "token", None)
    return token is not None and token.allows(Scope.UPLOADS_WRITE)


def handle_refusals(api: NinjaAPI) -> None:
    """Let an API answer 401, 403 and 429 as RFC 9457, RFC 6750 and RFC 9110 have it."""
    handlers: dict[type[Exception], Callable[[HttpRequest, Any], HttpResponse]] = {
        NotAuthenticated: lambda request, error: unauthenticated(request, shown=error.shown),
        ScopeMissing: lambda request, error: without_scope(request, str(error.scope)),
        LimitReached: lambda request, error: too_many(request, error.seconds),
    }
    for kind, handler in handlers.items():
        api.add_exception_handler(kind, handler)


def _token(shown: str) -> Token | None:
    """Return the token of a header, if it lets in."""
    kind, _space, secret = shown.partition(" ")
    return find_token(secret.strip()) if kind.lower() == "bearer" else None
