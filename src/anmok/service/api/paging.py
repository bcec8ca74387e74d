"""Long lists come in parts. A list stays a JSON array: how many there are, and where the next part is, say headers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Query, Schema
from pydantic import Field

#: Entries of one part, unless fewer are asked for.
MOST = 100


class Part(Schema):
    """Which part of a list is asked for."""

    limit: Annotated[int, Field(ge=1, le=MOST, description="how many entries at most")] = MOST
    offset: Annotated[int, Field(ge=0, le=2**31 - 1, description="how many entries to leave out at the start")] = 0


#: As a route takes it.
AskedPart = Annotated[Part, Query()]

#: What the description of a route says of its headers.
HEADERS: dict[str, Any] = {
    "X-Total-Count": {"description": "entries of the whole list", "schema": {"type": "integer", "minimum": 0}},
    "Link": {"description": 'rel="next" and rel="prev": the parts around this one', "schema": {"type": "string"}},
}


def part_of(
    found: QuerySet[Any] | Sequence[Any], asked: Part, request: HttpRequest, response: HttpResponse
) -> list[Any]:
    """Return a part of what was found, and write into the response where the others are (RFC 8288)."""
    count = found.count() if isinstance(found, QuerySet) else len(found)
    response.headers["X-Total-Count"] = str(count)
    links = []
    if asked.offset + asked.limit < count:
        links.append(_link(request, "next", asked.offset + asked.limit))
    if asked.offset > 0:
        links.append(_link(request, "prev", max(0, asked.offset - asked.limit)))
    if links:
        response.headers["Link"] = ", ".join(links)
    return list(found[asked.offset : asked.offset + asked.limit])


def _link(request: HttpRequest, relation: str, offset: int) -> str:
    query = {**request.GET.dict(), "offset": str(offset)}
    return f'<{request.path}?{urlencode(query)}>; rel="{relation}"'
