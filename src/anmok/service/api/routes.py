"""What programs may ask."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from ninja import Path, Query
from ninja.errors import HttpError
from ninja.openapi.docs import Swagger
from ninja.responses import Status

import anmok
from anmok.errors import UnknownName
from anmok.i18n import _
from anmok.service.answering import host
from anmok.service.api.access import Needs, handle_refusals, may_delete_any
from anmok.service.api.description import ABOUT, PHOTO_BODY, DescribedAPI, answers
from anmok.service.api.errors import handle_errors
from anmok.service.api.paging import HEADERS, AskedPart, part_of
from anmok.service.api.reference import Reference
from anmok.service.api.schemas import Answer, CardOut, Category, ModelOut, NearbyOut
from anmok.service.cards.distance import by_distance
from anmok.service.cards.models import Card, Nearby
from anmok.service.identify.identification import Refused, identify
from anmok.service.identify.ownership import deletion_key, is_key
from anmok.service.uploads.consent import giver_of
from anmok.service.uploads.models import Upload

api = DescribedAPI(
    title="Anmok",
    version=anmok.__version__,
    description=ABOUT,
    urls_namespace="api",
    docs=Reference(),
    docs_url="/docs",
    # Reading needs no form's token; without this a wrong method would be refused for the lack of one.
    docs_decorator=lambda view: csrf_exempt(require_safe(view)),
)
handle_errors(api)
handle_refusals(api)

CardNumber = Annotated[int, Path(ge=0, le=2**31 - 1, description="the class's number")]
UploadNumber = Annotated[UUID, Path(description="what `identify` answered as `upload`")]
_IN_PARTS: dict[str, Any] = {"responses": {200: {"headers": HEADERS}}}


@api.post(
    "/identify",
    auth=Needs("identify"),
    response=answers(
        Answer,
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        HTTPStatus.INSUFFICIENT_STORAGE,
    ),
    by_alias=True,
    url_name="identify",
    summary="What does this photo show?",
    openapi_extra={
        "requestBody": PHOTO_BODY,
        "responses": {
            200: {
                "headers": {
                    "Location": {"description": "the answer's own address", "schema": {"type": "string"}},
                    "Link": {
                        "description": 'rel="edit": the secret address at which the photo can be deleted',
                        "schema": {"type": "string"},
                    },
                }
            }
        },
    },
)
def identify_photo(
    request: HttpRequest,
    response: HttpResponse,
    model: Annotated[str, Query(max_length=40, description="a name that `models` tells; empty: the usual one")] = "",
    keep: Annotated[
        str, Query(max_length=10, description="`yes`: the photo may be kept, where the owner asks for that")
    ] = "",
) -> dict[str, Any]:
    """Answer for one photo: the multipart field `photo`, or the photo's bytes as the whole body."""
    name, data = _photo(request)
    try:
        outcome = identify(name, data, giver=giver_of(request), model=model)
    except UnknownName as error:
        raise HttpError(HTTPStatus.NOT_FOUND, str(error)) from error
    if isinstance(outcome, Refused):
        raise HttpError(HTTPStatus.UNPROCESSABLE_ENTITY, outcome.reason)
    if outcome.forgotten:
        return answer_of(outcome.upload, _card(outcome.upload), forgotten=outcome.forgotten)
    address = reverse("api:upload", args=[outcome.upload.id])
    response.headers["Location"] = address
    response.headers["Link"] = f'<{address}?key={deletion_key(outcome.upload.id)}>; rel="edit"'
    return answer_of(outcome.upload, _card(outcome.upload))


@api.get(
    "/uploads",
    auth=Needs("uploads:read"),
    response=answers(list[Answer], HTTPStatus.UNPROCESSABLE_ENTITY),
    by_alias=True,
    summary="What was said of all photos that are kept, newest first",
    openapi_extra=_IN_PARTS,
)
def uploads(request: HttpRequest, response: HttpResponse, part: AskedPart) -> list[dict[str, Any]]:
    """Return the answers, newest first; for tokens that may read what visitors gave."""
    found = part_of(Upload.objects.order_by("-created", "id"), part, request, response)
    cards = {card.label: card for card in _cards().filter(label__in={one.label for one in found})}
    return [answer_of(one, cards.get(one.label)) for one in found]


@api.get(
    "/uploads/{number}",
    auth=Needs("read"),
    response=answers(Answer, HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY),
    by_alias=True,
    summary="The answer for a photo that was given",
    url_name="upload",
)
def upload(request: HttpRequest, number: UploadNumber) -> dict[str, Any]:
    """Return what was said of a photo."""
    found = get_object_or_404(Upload, pk=number)
    return answer_of(found, _card(found))


@api.delete(
    "/uploads/{number}",
    auth=Needs("read"),
    response=answers(
        None,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        status=HTTPStatus.NO_CONTENT,
    ),
    summary="Delete a photo and what was noted of it",
)
def delete_upload(
    request: HttpRequest,
    number: UploadNumber,
    key: Annotated[str, Query(max_length=200, description="of the secret address that `identify` gave as `Link`")] = "",
) -> Status[None]:
    """Delete a photo: whoever knows its secret address may, and whoever may delete any."""
    found = get_object_or_404(Upload, pk=number)
    if not (is_key(number, key) or may_delete_any(request)):
        raise PermissionDenied
    found.delete()
    return Status(HTTPStatus.NO_CONTENT, None)


@api.get(
    "/cards",
    auth=Needs("read"),
    response=answers(list[CardOut], HTTPStatus.UNPROCESSABLE_ENTITY),
    by_alias=True,
    summary="What is known of each class",
    openapi_extra=_IN_PARTS,
)
def cards(request: HttpRequest, response: HttpResponse, part: AskedPart) -> list[dict[str, Any]]:
    """Return the cards by number."""
    return [card_of(one) for one in part_of(_cards(), part, request, response)]


@api.get(
    "/cards/{number}",
    auth=Needs("read"),
    response=answers(CardOut, HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY),
    by_alias=True,
    summary="What is known of the class with that number",
)
def card(request: HttpRequest, number: CardNumber) -> dict[str, Any]:
    """Return one card."""
    return card_of(get_object_or_404(Card, number=number))


@api.get(
    "/cards/{number}/nearby",
    auth=Needs("read"),
    response=answers(list[NearbyOut], HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY),
    summary="What lies near a card, nearest first",
    openapi_extra=_IN_PARTS,
)
def nearby(
    request: HttpRequest,
    response: HttpResponse,
    number: CardNumber,
    part: AskedPart,
    category: Category | None = None,
) -> list[dict[str, Any]]:
    """Return sights, restaurants and places to stay near a card, or those of one category."""
    found = by_distance(get_object_or_404(Card, number=number))
    chosen = [pair for pair in found if category in (None, pair[0].category)]
    return [nearby_of(place, metres) for place, metres in part_of(chosen, part, request, response)]


@api.get("/models", auth=Needs("read"), response=answers(list[ModelOut]), summary="The bundles that answer")
def models(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the bundles of this service."""
    return [
        {
            "name": one.name,
            "bundle": one.predictor.info.name,
            "version": one.version,
            "classes": list(one.predictor.labels),
            "image_size": one.predictor.info.image_size,
        }
        for one in host().all()
    ]


@require_safe
def try_page(request: HttpRequest) -> HttpResponse:
    """Swagger UI, to try requests in; not a part of the API."""
    return Swagger().render_page(request, api)


def answer_of(upload: Upload, card: Card | None, *, forgotten: str = "") -> dict[str, Any]:
    """Return an upload as programs get it, with its class's card; ``forgotten`` says why it was not kept."""
    return {
        "class": upload.label,
        "index": upload.index,
        "probability": upload.probability,
        "unknown": upload.unknown,
        "top": upload.top,
        "card": None if card is None else card_of(card),
        "upload": None if forgotten else upload.id,
        "forgotten": forgotten,
    }


def card_of(card: Card) -> dict[str, Any]:
    """Return a card as programs get it."""
    return {
        "number": card.number,
        "class": card.label,
        "name": card.name,
        "description": card.description,
        "latitude": card.latitude,
        "longitude": card.longitude,
        "link": card.link,
        "photo": None if card.photo is None else reverse("card_photo", args=[card.photo.picture]),
    }


def nearby_of(place: Nearby, metres: float) -> dict[str, Any]:
    """Return something near a card as programs get it."""
    return {
        "name": place.name,
        "category": place.category,
        "latitude": place.latitude,
        "longitude": place.longitude,
        "metres": metres,
        "link": place.link,
    }


def _cards() -> QuerySet[Card]:
    return Card.objects.prefetch_related("photos")


def _card(upload: Upload) -> Card | None:
    return _cards().filter(label=upload.label).first()


def _photo(request: HttpRequest) -> tuple[str, bytes]:
    """Return the photo's name and bytes."""
    kind = request.content_type or "image/*"
    if kind == "multipart/form-data":
        files = request.FILES.getlist("photo")
        if len(files) != 1:
            words = _("{count} files came as `photo`; send one in each request.").format(count=len(files))
            raise HttpError(HTTPStatus.UNPROCESSABLE_ENTITY, words)
        return files[0].name or "photo", files[0].read()
    if not kind.startswith("image/") and kind != "application/octet-stream":
        words = _(
            "The body is {kind}. Send multipart/form-data with a file `photo`, or the photo itself as image/jpeg."
        )
        raise HttpError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, words.format(kind=kind))
    data = request.read(settings.MOST_PHOTO_BYTES + 1)
    if len(data) > settings.MOST_PHOTO_BYTES:
        words = _("A photo may have {count} bytes.").format(count=settings.MOST_PHOTO_BYTES)
        raise HttpError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, words)
    return "photo", data
