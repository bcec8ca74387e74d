"""What the engine and the sources hand to each other: a query, a call, its reply, and what stood on the page."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from anmok.collect.licences import UNKNOWN, Licence

#: What can go wrong with a call; see ``SourceTrouble``.
Kind = Literal["bad-key", "not-permitted", "quota", "rate", "bad-request", "end", "transient"]


class SourceTrouble(Exception):
    """A source answered with an error. Not for people: the engine decides what it means for the collection.

    Attributes:
        kind: ``bad-key``, ``not-permitted``, ``bad-request`` end the list; ``quota`` stops the source until its window
            resets; ``rate`` and ``transient`` are tried again; ``end`` is the ordinary end of the results.
        wait: seconds that the source asks for; None where it does not say.
    """

    def __init__(self, kind: Kind, message: str, *, wait: float | None = None) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind, self.message, self.wait = kind, message, wait


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What is looked for.

    Attributes:
        text: in any language; for ``urls`` a file, for ``page`` an address.
        language: of the text, ISO 639-1 (``"ko"``); ``""`` is unknown.
        licences: codes that are wanted (``licences.CODES``); none means any. Sources that can filter do; the engine
            filters what comes back in any case.
        min_side: pixels; the shorter side of a picture must have so many.
        random: pictures drawn at random instead of the best matches, where the source can.
    """

    text: str
    language: str = ""
    licences: tuple[str, ...] = ()
    min_side: int = 0
    random: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """One request to a source, without its keys, so that it can be stored and logged.

    Attributes:
        url: without a query. params: the query, in order.
    """

    url: str
    params: Mapping[str, str] = field(default_factory=dict)

    def to_text(self) -> str:
        """Return a form to store."""
        return json.dumps([self.url, dict(self.params)], ensure_ascii=False)

    @classmethod
    def from_text(cls, text: str) -> Call:
        """Read what ``to_text`` made."""
        url, params = json.loads(text)
        return cls(url, params)

    def but(self, **params: object) -> Call:
        """Return the same call with some parameters changed."""
        return Call(self.url, {**self.params, **{name: str(value) for name, value in params.items()}})


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A picture as a source names it. Nothing in it is to be trusted.

    Attributes:
        image_url: of the file. page_url: where a person would look at it. source_id: what the source calls it.
        author: as the source spells it; ``""`` where it does not say. licence: ``UNKNOWN`` where it does not say, which
            means that all rights are reserved.
        width, height: pixels of the file; 0 where the source does not say.
        ping: address that must be called when the picture is downloaded (Unsplash); ``""``: none.
    """

    image_url: str
    page_url: str = ""
    source_id: str = ""
    title: str = ""
    author: str = ""
    licence: Licence = UNKNOWN
    width: int = 0
    height: int = 0
    ping: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of results.

    Attributes:
        found: in the order of the source.
        next: the call for the next page; None at the end.
        total: how many results there are, as the source says; None where it does not.
    """

    found: tuple[Found, ...]
    next: Call | None = None
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back.

    Attributes:
        headers: names in lower case; of several of one name, joined by ``, ``.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str = ""

    def json(self) -> Any:
        """Return the body as JSON.

        Raises:
            SourceTrouble: it is none; ``transient``, as proxies answer with pages of HTML while a service is away.
        """
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise SourceTrouble("transient", f"the answer is no JSON ({error})") from error

    def mapping(self) -> dict[str, Any]:
        """Return the body as a JSON object.

        Raises:
            SourceTrouble: it is none.
        """
        value = self.json()
        if not isinstance(value, dict):
            raise SourceTrouble("transient", f"the answer is a JSON {type(value).__name__}, not an object")
        return value

    def text(self) -> str:
        """Return the beginning of the body as text, for messages."""
        return " ".join(self.body[:500].decode("utf-8", "replace").split())


def objects(value: Any) -> list[dict[str, Any]]:
    """Return the objects in a JSON list; what else stands in it, or stands in its place, counts for nothing."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text_of(value: Any) -> str:
    """Return a JSON string or number as text, anything else as ``""``."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def number_of(value: Any) -> int:
    """Return a JSON number, or one that is spelled as a string, as a whole number from 0 on; anything else as 0."""
    try:
        return max(int(value), 0) if not isinstance(value, bool) else 0
    except (TypeError, ValueError, OverflowError):
        return 0
