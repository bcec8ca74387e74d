"""What the API says of itself, as OpenAPI 3.1: django-ninja's description, with errors and bodies as they are."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema

from anmok.service.api.schemas import Problem
from anmok.service.problems import MEDIA_TYPE

ABOUT = """\
Every error is `application/problem+json` (RFC 9457), and texts come in the language of `Accept-Language`, `en` or `ko`.
Lists come in parts of at most 100: ask with `limit` and `offset`; the header `Link` says where the next part is, and
`X-Total-Count` how many entries there are.
"""

#: Kinds of photo that may be a whole body. The photo itself says what it is; the header only that it is one.
PHOTO_TYPES = ("image/jpeg", "image/png", "image/webp", "image/heic", "image/heif", "image/avif")
_PHOTO = {"type": "string", "format": "binary"}

#: How a photo may be sent.
PHOTO_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {"type": "object", "required": ["photo"], "properties": {"photo": _PHOTO}},
            "encoding": {"photo": {"contentType": "image/*"}},
        },
        **{kind: {"schema": _PHOTO} for kind in PHOTO_TYPES},
    },
}

#: What may refuse any request.
ANYWHERE = (
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.NOT_ACCEPTABLE,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.SERVICE_UNAVAILABLE,
)


def answers(schema: Any, *refusals: HTTPStatus, status: HTTPStatus = HTTPStatus.OK) -> dict[int, Any]:
    """Return what a route may answer, by number."""
    return {int(status): schema, **{int(number): Problem for number in sorted({*refusals, *ANYWHERE})}}


class DescribedAPI(NinjaAPI):
    """A ``NinjaAPI`` whose description names the media type that errors have."""

    def get_openapi_schema(
        self, *, path_prefix: str | None = None, path_params: dict[str, Any] | None = None
    ) -> OpenAPISchema:
        """Return the description."""
        schema = super().get_openapi_schema(path_prefix=path_prefix, path_params=path_params)
        for methods in schema["paths"].values():
            for operation in methods.values():
                # Where the owner lets visitors in, no token is needed (``access``).
                operation.setdefault("security", []).append({})
                for number, told in operation["responses"].items():
                    if int(number) >= HTTPStatus.BAD_REQUEST:
                        told["content"] = {MEDIA_TYPE: told["content"].popitem()[1]}
        return schema
