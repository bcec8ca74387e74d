"""What machines ask: /healthz (can it answer?), /readyz (should it be sent more now?), /metrics (what was counted?).

They are asked under the machine's number, over HTTP also behind HTTPS, several times a minute: so they stand before
names of hosts, redirections, sessions and languages.
"""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.utils.crypto import constant_time_compare

from anmok.errors import AnmokError
from anmok.service.hosting import metrics
from anmok.service.hosting.metrics_token import read_token

Respond = Callable[[HttpRequest], HttpResponse]


class Probes:
    """Middleware that answers them; all else goes on."""

    def __init__(self, respond: Respond) -> None:
        self._respond = respond

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer a request."""
        answer = PROBES.get(request.path_info)
        if answer is None:
            return self._respond(request)
        response = answer(request) if request.method in ("GET", "HEAD") else HttpResponseNotAllowed(("GET", "HEAD"))
        response.headers["Cache-Control"] = "no-store"
        response.headers["Content-Length"] = str(len(response.content))
        return response


def health(_request: HttpRequest) -> JsonResponse:
    """200 where the bundles are open and the database answers; 503 with the reason in a word."""
    missing = _missing()
    if missing:
        return JsonResponse({"status": missing}, status=503)
    return JsonResponse({"status": "ready", **_models()})


def ready(_request: HttpRequest) -> JsonResponse:
    """As ``health``, and 503 while the queue is full: other machines should be sent what comes now."""
    from anmok.service.answering import admission

    missing = _missing() or ("busy" if admission().is_full else "")
    waiting = {"waiting": admission().number, "room": admission().most}
    return JsonResponse({"status": missing or "ready", **waiting}, status=503 if missing else 200)


def counts(request: HttpRequest) -> HttpResponse:
    """All counts, for whoever has the token."""
    given = request.headers.get("Authorization", "")
    if not constant_time_compare(given.encode(), b"Bearer " + read_token(settings.FOLDER.path).encode()):
        words = "The token is wanted: Authorization: Bearer (what metrics-token in the service's folder holds)\n"
        refused = HttpResponse(words, status=401, content_type="text/plain")
        refused.headers["WWW-Authenticate"] = 'Bearer realm="anmok metrics"'
        return refused
    return HttpResponse(metrics.exposition(), content_type=metrics.CONTENT_TYPE)


PROBES: dict[str, Respond] = {"/healthz": health, "/readyz": ready, "/metrics": counts}


def _missing() -> str:
    """Return what is missing, in a word, or nothing."""
    from anmok.service.answering import served

    try:
        served()
    except AnmokError:
        return "no bundle"
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        # A lost connection is not mended by itself outside of a request's usual way.
        connection.close()
        return "no database"
    return ""


def _models() -> dict[str, object]:
    from anmok.service.answering import host

    hosted = host().all()
    first = hosted[0].predictor
    return {
        "model": first.info.name,
        "classes": len(first.labels),
        "models": [{"name": one.name, "version": one.version} for one in hosted],
    }
