"""Pages for what could not be done: what came, what was wanted, what to do. Django calls them by name (``urls``)."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import DisallowedHost, RequestDataTooBig, TooManyFilesSent
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from anmok.i18n import _
from anmok.service.problems import API, problem


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400: the request was broken; 413 where it was only too large."""
    if isinstance(exception, RequestDataTooBig):
        return too_large(request)
    if isinstance(exception, TooManyFilesSent):
        words = _("Give at most {count} photos at once.").format(count=settings.DATA_UPLOAD_MAX_NUMBER_FILES)
        return refused(request, 413, _("Too many"), words)
    if isinstance(exception, DisallowedHost):
        # A page would name the service under a name that is not its own.
        return HttpResponse(_("This service is not known under that name."), status=400, content_type="text/plain")
    return refused(request, 400, _("That was not understood"), _("Go back and try again."))


def too_large(request: HttpRequest) -> HttpResponse:
    """413: the photos are too large; says how large they may be."""
    words = _("A photo may have {photo} MB, all photos of one request together {all} MB.").format(
        photo=settings.MOST_PHOTO_BYTES // 2**20, all=settings.MOST_REQUEST_BYTES // 2**20
    )
    return refused(request, 413, _("Too large"), words)


def broken_off(request: HttpRequest) -> HttpResponse:
    """400: the connection ended before all had come; who still listens reads it."""
    return refused(request, 400, _("Not all of it came"), _("The connection ended before all had come. Try again."))


def cannot_keep(request: HttpRequest) -> HttpResponse:
    """507: the disk is full, or the database takes nothing; the log has the reason."""
    words = no_room()
    return refused(request, 507, _("No room"), words)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403: only whoever gave a photo may delete it."""
    return refused(request, 403, _("Not allowed"), _("Only whoever gave this photo may do that."))


def forged(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403: the form's token is missing or too old."""
    return refused(request, 403, _("Please send it again"), _("The form was open for too long, or cookies are off."))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404."""
    return refused(request, 404, _("Nothing here"), _("There is no such answer; perhaps it was deleted."))


def broken(request: HttpRequest) -> HttpResponse:
    """500: our fault; the log has the reason."""
    return refused(request, 500, _("Something went wrong"), _("The reason is noted. Try again in a minute."))


def refused(request: HttpRequest, status: int, title: str, words: str) -> HttpResponse:
    """Return a refusal: a page, a part of one for htmx, a problem for programs."""
    if request.path.startswith(API):
        return problem(status, words)
    return render(request, "refused.html", {"heading": title, "words": words}, status=status)


def no_room() -> str:
    """Return what a visitor is told where a photo could not be stored; the reason is in the log, with its paths."""
    return _("The service cannot keep photos now, so it did not take this one. Try again later.")
