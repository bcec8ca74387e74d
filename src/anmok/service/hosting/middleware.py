"""Every request is counted with its time; who finds the queue full is told when to come again."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from anmok.i18n import _
from anmok.service.hosting import metrics
from anmok.service.hosting.admission import Busy
from anmok.service.refusals import refused

#: What is asked of a service; others are counted as one.
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Measured:
    """Middleware: counts."""

    def __init__(self, respond: Callable[[HttpRequest], HttpResponse]) -> None:
        self._respond = respond

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer a request."""
        began = time.perf_counter()
        response = self._respond(request)
        method = request.method if request.method in _METHODS else "other"
        metrics.count_request(endpoint(request), method, response.status_code, time.perf_counter() - began)
        return response


class QueueWords:
    """Middleware: a full queue is said in words, on a page or as a problem."""

    def __init__(self, respond: Callable[[HttpRequest], HttpResponse]) -> None:
        self._respond = respond

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer a request."""
        return self._respond(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer where a view found the queue full."""
        if not isinstance(exception, Busy):
            return None
        metrics.count_refused()
        words = _("Many photos are waiting just now. Try again in some seconds.")
        response = refused(request, 503, _("One moment, please"), words)
        response.headers["Retry-After"] = str(exception.retry_after)
        return response


def endpoint(request: HttpRequest) -> str:
    """Return the pattern that a request's address fits; addresses without one are counted together."""
    match = request.resolver_match
    if match is not None:
        return "/" + str(match.route)
    return "static" if request.path.startswith(f"/{settings.STATIC_URL.lstrip('/')}") else "none"
