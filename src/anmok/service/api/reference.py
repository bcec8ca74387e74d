"""The page that describes the API, made of its OpenAPI description: read by keyboards, screen readers and phones alike.

Swagger UI, which comes with django-ninja, stands beside it to try requests in; it is none of those.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from ninja import NinjaAPI
from ninja.openapi.docs import DocsBase


@dataclass(frozen=True, slots=True)
class Value:
    """A parameter of a request, a header or a field of an answer: its name, kind and meaning."""

    name: str
    kind: str
    about: str
    required: bool = True


@dataclass(frozen=True, slots=True)
class Operation:
    """What one may ask.

    Attributes:
        anchor: names it on the page. bodies: media types of what is sent.
        answer: the name of what comes back; "" where nothing does. statuses: by number, with HTTP's words.
    """

    anchor: str
    method: str
    path: str
    summary: str
    about: str
    parameters: tuple[Value, ...]
    bodies: tuple[str, ...]
    answer: str
    headers: tuple[Value, ...]
    statuses: tuple[tuple[str, str], ...]


class Reference(DocsBase):
    """The page, in the service's own look."""

    def render_page(self, request: HttpRequest, api: NinjaAPI, **_parts: Any) -> HttpResponse:
        """Answer with the page."""
        schema = api.get_openapi_schema()
        schemas = [
            (name, one.get("description", ""), tuple(_fields(one)))
            for name, one in sorted(schema["components"]["schemas"].items())
            if "properties" in one
        ]
        return render(request, "api.html", {"operations": list(operations(schema)), "schemas": schemas})


def operations(schema: Mapping[str, Any]) -> Iterator[Operation]:
    """Yield what an OpenAPI description names, in its order."""
    for path, methods in schema["paths"].items():
        for method, told in methods.items():
            good: dict[str, Any] = next((one for number, one in told["responses"].items() if int(number) < 300), {})
            content: dict[str, Any] = next(iter(good.get("content", {}).values()), {})
            yield Operation(
                anchor=f"{method}-{path.strip('/').replace('/', '-').replace('{', '').replace('}', '')}",
                method=method.upper(),
                path=path,
                summary=told["summary"],
                about=told.get("description", ""),
                parameters=tuple(
                    Value(one["name"], _kind(one["schema"]), one.get("description", ""), one["required"])
                    for one in told["parameters"]
                ),
                bodies=tuple(told.get("requestBody", {}).get("content", {})),
                answer=_kind(content.get("schema", {})) if content else "",
                headers=tuple(
                    Value(name, _kind(one["schema"]), one["description"])
                    for name, one in good.get("headers", {}).items()
                ),
                statuses=tuple((str(number), one["description"]) for number, one in told["responses"].items()),
            )


def _fields(schema: Mapping[str, Any]) -> Iterator[Value]:
    required = schema.get("required", ())
    for name, one in schema["properties"].items():
        yield Value(name, _kind(one), one.get("description", ""), name in required)


def _kind(schema: Mapping[str, Any]) -> str:
    """Return what a value is, in a few words: ``integer``, ``Answer``, ``list of Candidate``, ``string or null``."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(_kind(one) for one in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(map(str, schema["enum"]))
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    return str(schema.get("format") or schema.get("type") or "object")
