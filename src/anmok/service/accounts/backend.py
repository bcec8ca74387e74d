"""The only place where passwords are checked: at most so often for an account, and so often from an address.

An attempt is counted before its password is looked at, and given back if it was right: so guesses that come at once
cannot pass each other by, and nobody can clear the count with an account of their own.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

from anmok.service.accounts.browsers import known_browser
from anmok.service.limits.address import client_address, network_of
from anmok.service.limits.buckets import Limit, LimitReached, give_back, spend

#: Wrong passwords for one account, and from one address; a class of pupils has one address.
PER_ACCOUNT, PER_ADDRESS = Limit(10, 15 * 60), Limit(50, 15 * 60)
#: The limits' names.
_ACCOUNT, _ADDRESS = "login account", "login address"


class ThrottledBackend(ModelBackend):
    """Django's own check of name and password, behind two limits."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **_more: Any
    ) -> Any:
        """Return the account of that name and password, or None.

        Args:
            request: None: from the command line, which has no address.

        Raises:
            LimitReached: too many wrong passwords came; this one was not looked at.
        """
        if username is None or password is None:
            return None
        counted = [(_ACCOUNT, _account(request, username), PER_ACCOUNT)]
        if request is not None:
            counted.append((_ADDRESS, network_of(client_address(request)), PER_ADDRESS))
        taken: list[tuple[str, str, Limit]] = []
        try:
            for one in counted:
                spend(*one)
                taken.append(one)
        except LimitReached:
            for one in taken:
                give_back(*one)
            raise
        user = super().authenticate(request, username=username, password=password)
        if user is not None:
            for one in taken:
                give_back(*one)
        return user


def _account(request: HttpRequest | None, username: str) -> str:
    """Return what stands for the account that a name means.

    MariaDB takes ``Admin`` and ``àdmin`` for the same name: an account that exists is counted by its number.
    """
    user = get_user_model()._default_manager.filter(username=username).only("pk").first()
    if user is None:
        return f"name {username.strip().casefold()}"
    browser = known_browser(request, user.pk)
    return f"account {user.pk}" if browser is None else f"account {user.pk} in {browser}"
