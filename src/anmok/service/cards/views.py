"""Pages of cards."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from anmok.service.answering import known_labels
from anmok.service.cards.models import Card, CardPhoto
from anmok.service.cards.neighbourhood import neighbourhood
from anmok.service.cards.photos import where
from anmok.service.files import jpeg

#: Cards on one page.
ON_A_PAGE = 60
#: A photo's address holds its hash, so it never changes; seconds.
FOR_EVER = 365 * 24 * 3600


@require_safe
def all_cards(request: HttpRequest) -> HttpResponse:
    """All cards by number, also those of classes that this model does not know."""
    pages = Paginator(Card.objects.prefetch_related("photos"), ON_A_PAGE)
    page = pages.get_page(request.GET.get("page"))
    return render(request, "cards.html", {"page": page})


@require_safe
def card(request: HttpRequest, number: int) -> HttpResponse:
    """All that is known of one class; ``?category=`` narrows down what lies near."""
    found = get_object_or_404(Card.objects.prefetch_related("photos", "nearby"), number=number)
    return render(
        request,
        "card.html",
        {
            "card": found,
            "near": neighbourhood(found, category=request.GET.get("category", "")),
            "known": found.label in known_labels(),
            "address": request.build_absolute_uri(request.path),
            "origin": request.build_absolute_uri("/").rstrip("/"),
        },
    )


@require_safe
def photo(_request: HttpRequest, picture: str) -> FileResponse:
    """A photo of a card as it is kept."""
    return _file(picture, small=False)


@require_safe
def small_photo(_request: HttpRequest, picture: str) -> FileResponse:
    """The same for lists."""
    return _file(picture, small=True)


def _file(picture: str, *, small: bool) -> FileResponse:
    if not CardPhoto.objects.filter(picture=picture).exists():
        raise Http404
    path = where(picture, small=small)
    if small and not path.is_file():
        # It can be made again; a list that waits for that is worse than one larger picture.
        path = where(picture)
    return jpeg(path, cache=f"public, max-age={FOR_EVER}, immutable")
