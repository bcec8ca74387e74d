"""The pages' answers."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from anmok.i18n import LANGUAGES
from anmok.images import decode
from anmok.inference.overlay import LONGEST, overlay, png, shrunk
from anmok.service.answering import LIMITS, admission, further_name, host, served, served_for
from anmok.service.cards.models import Card
from anmok.service.files import jpeg
from anmok.service.identify.identification import Identified, Refused, identify
from anmok.service.identify.ownership import forget, may_delete, position_given, remember
from anmok.service.identify.result import shown_result
from anmok.service.language import COOKIE, SECONDS
from anmok.service.limits.rates import PHOTOS, charge, limited
from anmok.service.uploads.consent import giver_of
from anmok.service.uploads.keeping import place
from anmok.service.uploads.models import Upload


@require_safe
def home(request: HttpRequest, model: str = "") -> HttpResponse:
    """The search bar, and what the model knows: the usual one, or that of a name."""
    models = [(one.name, further_name(one)) for one in host().all()]
    values = {"cards": _cards(model), "model": further_name(served(model)), "models": models}
    return render(request, "home.html", values)


@require_POST
@limited(PHOTOS)
def give(request: HttpRequest, model: str = "") -> HttpResponse:
    """Take photos: one leads to its page, several to a list; htmx gets the answers alone."""
    files = request.FILES.getlist("photo")
    # The first was counted with the request.
    charge(request, PHOTOS, len(files) - 1)
    # One place for all photos of a request: else some were kept and then all refused, as the queue was full.
    with admission().place():
        outcomes = [_identified(request, file, model) for file in files]
    response = _answer(request, outcomes)
    for outcome in outcomes:
        if isinstance(outcome, Identified) and not outcome.forgotten:
            remember(response, outcome.upload.id, outcome.position)
    return response


@require_safe
def result(request: HttpRequest, number: UUID) -> HttpResponse:
    """The answer for one photo, under an address that can be shared."""
    upload = get_object_or_404(Upload, pk=number)
    shown = shown_result(upload, position_given(request, number))
    # The search bar below the answer asks who gave it.
    model = further_name(served_for(upload.model))
    values = {"result": shown, "mine": may_delete(request, upload), "inline": False, "model": model}
    return render(request, "result.html", values)


@require_safe
def photo(_request: HttpRequest, number: UUID) -> FileResponse:
    """The photo as it is kept."""
    upload = get_object_or_404(Upload, pk=number)
    return jpeg(place(upload.picture, settings.FOLDER.uploads), cache="private, max-age=3600")


@require_safe
@limited(PHOTOS)
def heat_map(_request: HttpRequest, number: UUID) -> HttpResponse:
    """Which places of the photo speak for the answer, as a picture."""
    upload = get_object_or_404(Upload, pk=number)
    path = place(upload.picture, settings.FOLDER.uploads)
    # Held to the end: the bundle may be exchanged meanwhile for one that does not know the class.
    predictor = served_for(upload.model).predictor
    if not path.is_file() or upload.label not in predictor.labels:
        raise Http404
    # As dear as an answer, so it waits its turn among them.
    with admission().place():
        pixels = shrunk(decode(path.read_bytes(), name=path.name, limits=LIMITS).pixels, LONGEST)
        drawn = png(overlay(pixels, predictor.heat_map(pixels, label=upload.label)))
    response = HttpResponse(drawn, content_type="image/png")
    response.headers["Cache-Control"] = "private, max-age=3600"
    return response


@require_POST
def delete(request: HttpRequest, number: UUID) -> HttpResponse:
    """Delete a photo and what was noted of it; only whoever gave it may."""
    upload = get_object_or_404(Upload, pk=number)
    if not may_delete(request, upload):
        raise PermissionDenied
    upload.delete()
    response = render(request, "deleted.html")
    forget(response, number)
    return response


@require_POST
def set_language(request: HttpRequest) -> HttpResponse:
    """Keep a visitor's choice of language, and show the page that they were on."""
    back = request.POST.get("back", "")
    safe = url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}, require_https=request.is_secure())
    response = HttpResponseRedirect(back if safe else reverse("home"))
    if request.POST.get("language") in LANGUAGES:
        response.set_cookie(
            COOKIE, request.POST["language"], max_age=SECONDS, samesite="Lax", secure=settings.HTTPS, httponly=True
        )
    return response


def _identified(request: HttpRequest, file: UploadedFile, model: str) -> Identified | Refused:
    keep_position = request.POST.get("keep_position") == "yes"
    return identify(file.name or "", file.read(), giver=giver_of(request), keep_position=keep_position, model=model)


def _answer(request: HttpRequest, outcomes: list[Identified | Refused]) -> HttpResponse:
    htmx = bool(getattr(request, "htmx", False))
    if not htmx and len(outcomes) == 1 and isinstance(outcomes[0], Identified) and not outcomes[0].forgotten:
        return redirect("result", outcomes[0].upload.id)
    refused = sum(isinstance(outcome, Refused) for outcome in outcomes)
    # A page shows what htmx gets whatever its number; other programs are told by it that nothing was answered.
    status = 200 if htmx or refused < max(len(outcomes), 1) else 422
    shown = [
        outcome
        if isinstance(outcome, Refused)
        else shown_result(outcome.upload, outcome.position, forgotten=outcome.forgotten, preview=outcome.preview)
        for outcome in outcomes
    ]
    return render(request, "answers.html" if htmx else "several.html", {"outcomes": shown}, status=status)


def _cards(model: str) -> list[Card]:
    """Return the cards of classes that the model knows."""
    known = set(served(model).predictor.labels)
    return [card for card in Card.objects.prefetch_related("photos") if card.label in known]
