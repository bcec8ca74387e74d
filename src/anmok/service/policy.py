"""What every request and answer must obey: how large it may be, and what a page may load."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, UnreadablePostError

from anmok.errors import StorageError
from anmok.service.connections import NO_ROOM, REFUSAL
from anmok.service.refusals import broken_off, cannot_keep, too_large

Respond = Callable[[HttpRequest], HttpResponse]

#: Scripts and styles are files of our own; htmx is told to evaluate nothing.
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "connect-src 'self'",
        "font-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)


class ContentSecurityPolicy:
    """Middleware: a page may load nothing from elsewhere and run no script inside of it."""

    def __init__(self, respond: Respond) -> None:
        self._respond = respond

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer a request."""
        response = self._respond(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        return response


class LimitedBody:
    """Middleware: a request that says that it is too large is refused before its body is read."""

    def __init__(self, respond: Respond) -> None:
        self._respond = respond

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer a request."""
        try:
            length = int(request.headers.get("Content-Length") or 0)
        except ValueError:
            length = 0
        if length > settings.MOST_REQUEST_BYTES:
            return too_large(request)
        if request.META.get(REFUSAL) == NO_ROOM:
            return cannot_keep(request)
        return self._respond(request)


class ExplainedStorage:
    """Middleware: a full disk or a database that takes nothing is said in words, and logged."""

    def __init__(self, respond: Respond) -> None:
        self._respond = respond

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer a request."""
        return self._respond(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer where a view raised what it cannot help; other errors are faults of the program."""
        if isinstance(exception, UnreadablePostError):
            return broken_off(request)
        if not isinstance(exception, StorageError | DatabaseError | OSError):
            return None
        logging.getLogger(__name__).error("cannot keep what came: %s", exception, exc_info=exception)
        return cannot_keep(request)


class LimitedUpload(TemporaryFileUploadHandler):
    """Takes photos into temporary files, and stops where one is larger than a photo may be."""

    def new_file(self, *args: object, **kwargs: object) -> None:
        """Begin a file."""
        super().new_file(*args, **kwargs)
        self._received = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Take a piece."""
        self._received += len(raw_data)
        if self._received > settings.MOST_PHOTO_BYTES:
            raise RequestDataTooBig
        super().receive_data_chunk(raw_data, start)
