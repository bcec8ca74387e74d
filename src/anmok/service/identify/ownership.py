"""Whose photo it is, without an account: whoever gave it holds a key, and the key lets them delete it.

The key is a signature of the upload's identifier, so nothing of it is stored here. A browser keeps it in a cookie that
it sends to that answer's pages alone; a program gets it as the secret address of its upload. As each upload has its
own, requests that come at once cannot lose each other's, as they would in one list.
"""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.core.signing import Signer
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.crypto import constant_time_compare

from anmok.images import Position
from anmok.service.uploads.models import Upload

#: The cookie that holds the key, and for how many seconds. Browsers keep none longer than 400 days.
GIVEN, GIVEN_SECONDS = "anmok_given", 365 * 24 * 3600
#: The cookie that tells the page of an answer where the photo was taken, and for how many seconds.
POSITION, POSITION_SECONDS = "anmok_position", 3600
_SALT = "anmok.service.identify.ownership"


def deletion_key(number: UUID) -> str:
    """Return the key of an upload; whoever shows it may delete the upload."""
    return Signer(salt=_SALT).signature(str(number))


def is_key(number: UUID, key: str) -> bool:
    """Tell whether that is the key of an upload; takes as long for a wrong one as for the right one."""
    return constant_time_compare(key, deletion_key(number))


def gave(request: HttpRequest, number: UUID) -> bool:
    """Tell whether the request comes from the browser that gave the photo."""
    return is_key(number, request.COOKIES.get(_of(number, GIVEN), ""))


def may_delete(request: HttpRequest, upload: Upload) -> bool:
    """Tell whether a visitor may delete an upload: whoever gave it, and staff that may delete any."""
    return gave(request, upload.id) or request.user.has_perm("uploads.delete_upload")


def remember(response: HttpResponse, number: UUID, position: Position | None) -> None:
    """Let the visitor's browser keep the key and, for a while, the photo's position; both for that answer's pages.

    So the position stays with the visitor.
    """
    path = reverse("result", args=[number])
    response.set_cookie(
        _of(number, GIVEN),
        deletion_key(number),
        max_age=GIVEN_SECONDS,
        path=path,
        secure=settings.HTTPS,
        httponly=True,
        samesite="Lax",
    )
    if position is not None:
        response.set_signed_cookie(
            _of(number, POSITION),
            f"{position.latitude} {position.longitude}",
            salt=_SALT,
            max_age=POSITION_SECONDS,
            path=path,
            secure=settings.HTTPS,
            httponly=True,
            samesite="Lax",
        )


def forget(response: HttpResponse, number: UUID) -> None:
    """Let the visitor's browser forget both."""
    for name in (GIVEN, POSITION):
        response.delete_cookie(_of(number, name), path=reverse("result", args=[number]), samesite="Lax")


def position_given(request: HttpRequest, number: UUID) -> Position | None:
    """Return where a photo was taken, if the request comes from the browser that gave it."""
    kept = request.get_signed_cookie(_of(number, POSITION), default=None, salt=_SALT, max_age=POSITION_SECONDS)
    return None if kept is None else Position(*map(float, kept.split()))


def _of(number: UUID, name: str) -> str:
    # Their paths would tell them apart, but of several in one response Django sends one of each name.
    return f"{name}_{number.hex}"
