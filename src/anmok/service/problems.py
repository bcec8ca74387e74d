"""Errors for programs, as RFC 9457 has them: below /api/ every refusal is one, whoever made it."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, JsonResponse

from anmok.i18n import _

#: Below it programs ask.
API = "/api/"
#: The pages for people below it.
DOCS = ("/docs", "/docs/try")
MEDIA_TYPE = "application/problem+json"


def problem(status: int, detail: str) -> JsonResponse:
    """Return an error as ``application/problem+json``."""
    values = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": int(status), "detail": detail}
    return JsonResponse(values, status=status, content_type=MEDIA_TYPE)


class Problems:
    """Middleware: programs are refused in JSON whatever refuses them, and before any work where they take no JSON."""

    def __init__(self, respond: Callable[[HttpRequest], HttpResponse]) -> None:
        self._respond = respond

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer a request."""
        if not request.path.startswith(API):
            return self._respond(request)
        if not request.accepts("application/json") and not request.path.endswith(DOCS):
            return problem(
                HTTPStatus.NOT_ACCEPTABLE,
                _("The answer would be {given}, which your Accept header leaves out.").format(given="application/json"),
            )
        response = self._respond(request)
        if response.status_code < 400 or response.headers.get("Content-Type") == MEDIA_TYPE:
            return response
        made = problem(response.status_code, _words(request, response))
        for name, value in response.headers.items():
            if name not in ("Content-Type", "Content-Length"):
                made.headers[name] = value
        made.cookies.update(response.cookies)
        return made


def _words(request: HttpRequest, response: HttpResponse) -> str:
    if response.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        return _("{method} is not possible here. Possible: {allowed}.").format(
            method=request.method, allowed=response.headers.get("Allow", "")
        )
    return ""
