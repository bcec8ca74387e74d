"""What a route raises becomes a problem as RFC 9457 has it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from anmok.errors import AnmokError, StorageError
from anmok.i18n import _
from anmok.service.problems import problem
from anmok.service.refusals import no_room

logger = logging.getLogger(__name__)


def handle_errors(api: NinjaAPI) -> None:
    """Let the API answer every error that its routes raise on purpose; others are faults of the program (500)."""
    handlers: dict[type[Exception], Callable[[HttpRequest, Any], HttpResponse]] = {
        HttpError: _refused,
        ValidationError: _invalid,
        Http404: _missing,
        PermissionDenied: _forbidden,
        AnmokError: _failed,
    }
    for kind, handler in handlers.items():
        api.add_exception_handler(kind, handler)


def _refused(request: HttpRequest, error: HttpError) -> HttpResponse:
    response = problem(error.status_code, str(error))
    if error.status_code == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    """Values of the wrong kind: which, and what is wrong with each."""
    words = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors)
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, words)


def _missing(request: HttpRequest, error: Http404) -> HttpResponse:
    return problem(HTTPStatus.NOT_FOUND, _("Nothing has that number; perhaps it was deleted."))


def _forbidden(request: HttpRequest, error: PermissionDenied) -> HttpResponse:
    return problem(HTTPStatus.FORBIDDEN, _("Only whoever gave this photo may do that."))


def _failed(request: HttpRequest, error: AnmokError) -> HttpResponse:
    """The service cannot answer now: a full disk, a damaged bundle."""
    if isinstance(error, StorageError):
        # Its message names a path of the server.
        logger.error("%s", error.message)
        return problem(HTTPStatus.INSUFFICIENT_STORAGE, no_room())
    return problem(HTTPStatus.SERVICE_UNAVAILABLE, error.message)
