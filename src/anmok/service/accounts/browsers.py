"""Browsers in which someone has logged in before: guesses from elsewhere do not lock their owner out.

Such a browser keeps a signed cookie that names the account, and is counted by itself (OWASP's "device cookies").
"""

from __future__ import annotations

import secrets
from typing import Any

from django.conf import settings
from django.core.signing import BadSignature, SignatureExpired, dumps, loads
from django.http import HttpRequest, HttpResponse

#: The cookie, and for how many seconds.
KNOWN, SECONDS = "anmok_known", 180 * 24 * 3600
_SALT = "anmok.service.accounts.browsers"


def know(response: HttpResponse, account: int) -> None:
    """Let the visitor's browser remember that this account logged in there."""
    response.set_cookie(
        KNOWN,
        dumps([account, secrets.token_hex(8)], salt=_SALT),
        max_age=SECONDS,
        secure=settings.HTTPS,
        httponly=True,
        samesite="Lax",
    )


def known_browser(request: HttpRequest | None, account: int) -> str | None:
    """Return the name of the browser that a request comes from if this account has logged in there, else None."""
    kept = "" if request is None else request.COOKIES.get(KNOWN, "")
    try:
        value: Any = loads(kept, salt=_SALT, max_age=SECONDS)
    except (BadSignature, SignatureExpired):
        return None
    return str(value[1]) if value[0] == account else None
