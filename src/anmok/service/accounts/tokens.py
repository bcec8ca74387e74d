"""Making tokens, and finding the one that a program shows."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone

from anmok.i18n import _
from anmok.service.accounts.models import Token
from anmok.service.accounts.scopes import NEEDED, Scope

#: How each token begins, so that people and scanners for lost secrets recognise one, and what is kept of it to show.
PREFIX, SHOWN = "anmok_", 12
#: Random bytes of a token, 256 bits: too many to guess, so that a plain hash is enough.
_BYTES = 32
#: How old "last used" may be: not every request shall write.
_USED_EVERY = timedelta(minutes=1)


def make_token(
    name: str, scopes: Iterable[Scope], *, account: Any = None, expires: datetime | None = None
) -> tuple[Token, str]:
    """Make a token; return its row and the token itself, which is shown once and kept nowhere.

    Args:
        account: whom it acts for, a user; None: nobody, so that its scopes alone count.
    """
    token = Token(name=name, scopes=sorted(scopes), account=account, expires=expires)
    secret = fill(token)
    token.save(force_insert=True)
    return token, secret


def scopes_problem(scopes: Iterable[str], account: Any) -> str:
    """Return words for scopes that an account does not have itself, where a token would let nobody in; else empty."""
    beyond = [scope for scope in scopes if not account.has_perms(NEEDED[scope])]
    words = _("The account {name} may not do that itself: {scopes}.")
    return words.format(name=account, scopes=", ".join(beyond)) if beyond else ""


def fill(token: Token) -> str:
    """Draw a new token, note its hash in a row that is not yet written, and return the token."""
    secret = PREFIX + secrets.token_urlsafe(_BYTES)
    token.beginning, token.digest = secret[:SHOWN], _digest(secret)
    return secret


def find_token(secret: str) -> Token | None:
    """Return the token that was shown, with its account, if it lets in; note that it was used."""
    if not secret.startswith(PREFIX):
        return None
    token = Token.objects.select_related("account").filter(digest=_digest(secret)).first()
    if token is None or not token.holds:
        return None
    now = timezone.now()
    if token.used is None or token.used < now - _USED_EVERY:
        Token.objects.filter(Q(used=None) | Q(used__lt=now), pk=token.pk).update(used=now)
    return token


def revoke(token: Token) -> bool:
    """End a token; return whether it was not ended before."""
    if token.revoked is not None:
        return False
    token.revoked = timezone.now()
    token.save(update_fields=["revoked"])
    return True


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
