"""Google Programmable Search (Custom Search JSON API). It ends on 2027-01-01, and takes no new customers."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from anmok.collect.found import Call, Found, Page, Query, Reply, SourceTrouble, number_of, objects, text_of
from anmok.collect.sources.base import Source, retry_after
from anmok.collect.sources.registry import register_source
from anmok.i18n import marked as _

#: Results that a query reaches.
REACHABLE = 100


@register_source
class Google(Source):
    """https://customsearch.googleapis.com/customsearch/v1 with ``searchType=image``."""

    name = "google"
    title = "Google Programmable Search"
    home = "https://developers.google.com/custom-search/v1/overview"
    endpoint = "https://customsearch.googleapis.com/customsearch/v1"
    keys = ("GOOGLE_API_KEY", "GOOGLE_CSE_ID")
    quota = (100, 86400.0)
    delay = 0.7
    page_size = 10
    duty = _(
        "Google's search names no licences: all rights stay with each site, and the terms of its APIs speak against "
        "lasting copies."
    )
    notice = _("Google ends this interface on 1 January 2027; it takes no new customers.")

    def first(self, query: Query, at_hand: Collection[str] = ()) -> Call:
        """Ask for photographs, without what is not for all."""
        params = {"q": query.text, "searchType": "image", "num": str(self.page_size), "start": "1", "safe": "active"}
        if query.language:
            params["hl"] = query.language
        return Call(self.endpoint, params)

    def authorise(self, keys: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
        """Key and search engine go into the address."""
        return {"key": keys["GOOGLE_API_KEY"], "cx": keys["GOOGLE_CSE_ID"]}, {}

    def read(self, reply: Reply, call: Call, query: Query) -> Page:
        """Read a page; beyond the hundredth result an error is the end."""
        start = number_of(call.params.get("start"))
        if reply.status == 400 and start + self.page_size > REACHABLE:
            raise SourceTrouble("end", reply.text())
        if reply.status in (400, 403, 429):
            _raise(reply)
        self.check(reply)
        answer = reply.mapping()
        rows = objects(answer.get("items"))
        following = start + self.page_size
        pages = answer.get("queries")
        has_next = isinstance(pages, dict) and bool(pages.get("nextPage"))
        more = bool(rows) and has_next and following + self.page_size - 1 <= REACHABLE
        about = answer.get("searchInformation")
        total = number_of(about.get("totalResults")) if isinstance(about, dict) else None
        found = tuple(_found(row) for row in rows if text_of(row.get("link")))
        return Page(found, call.but(start=following) if more else None, total)


def _raise(reply: Reply) -> None:
    """Raise what the error says; return where it says nothing of its own."""
    answer = reply.mapping() if reply.body.lstrip()[:1] == b"{" else {}
    error = answer.get("error")
    if not isinstance(error, dict):
        return
    reason = " ".join(text_of(one.get("reason")) for one in objects(error.get("errors")))
    message = text_of(error.get("message"))
    said = f"HTTP {reply.status} {reason}: {message}"[:300]
    if "keyInvalid" in reason or "API key not valid" in message:
        raise SourceTrouble("bad-key", said)
    if "dailyLimitExceeded" in reason or (reply.status == 429 and "per day" in message):
        raise SourceTrouble("quota", said, wait=86400.0)
    if reply.status == 429 or "rateLimitExceeded" in reason:
        raise SourceTrouble("rate", said, wait=retry_after(reply))


def _found(row: dict[str, Any]) -> Found:
    about = row.get("image")
    about = about if isinstance(about, dict) else {}
    return Found(
        image_url=text_of(row.get("link")),
        page_url=text_of(about.get("contextLink")),
        title=text_of(row.get("title")),
        width=number_of(about.get("width")),
        height=number_of(about.get("height")),
    )
