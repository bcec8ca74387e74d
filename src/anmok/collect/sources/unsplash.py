"""Unsplash: search, or photos drawn at random; each download is reported to it, as its rules demand."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from anmok.collect.found import Call, Found, Page, Query, Reply, SourceTrouble, number_of, objects, text_of
from anmok.collect.licences import licence
from anmok.collect.sources.base import Source, retry_after
from anmok.collect.sources.registry import register_source
from anmok.i18n import marked as _

_REFERRAL = "?utm_source=anmok&utm_medium=referral"


@register_source
class Unsplash(Source):
    """https://api.unsplash.com."""

    name = "unsplash"
    title = "Unsplash"
    home = "https://help.unsplash.com/en/articles/2511256-guideline-high-quality-authentic-experiences"
    endpoint = "https://api.unsplash.com"
    keys = ("UNSPLASH_ACCESS_KEY",)
    quota = (50, 3600.0)
    page_size = 30
    has_random = True
    duty = _(
        "Unsplash's guidelines: its API is for non-automated experiences, and names data mining and the training of AI "
        "models as things to avoid."
    )
    credit = _("Photos from Unsplash (https://unsplash.com/?utm_source=anmok&utm_medium=referral).")

    def first(self, query: Query, at_hand: Collection[str] = ()) -> Call:
        """Search, or draw."""
        if query.random:
            return Call(f"{self.endpoint}/photos/random", {"query": query.text, "count": str(self.page_size)})
        params = {"query": query.text, "page": "1", "per_page": str(self.page_size), "content_filter": "high"}
        return Call(f"{self.endpoint}/search/photos", params)

    def authorise(self, keys: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
        """The key goes into a header."""
        return {}, {"Authorization": f"Client-ID {keys['UNSPLASH_ACCESS_KEY']}", "Accept-Version": "v1"}

    def read(self, reply: Reply, call: Call, query: Query) -> Page:
        """Read a page. A spent quota is 403 with a plain text; what is drawn is a bare list, and can be drawn again."""
        if reply.status in (403, 429) and b"rate limit exceeded" in reply.body.lower():
            raise SourceTrouble("quota", reply.text(), wait=retry_after(reply) or 3600.0)
        self.check(reply)
        if call.url.endswith("/photos/random"):
            answer = reply.json()
            rows = objects(answer if isinstance(answer, list) else [answer])
            return Page(_all(rows), call if rows else None)
        searched = reply.mapping()
        rows = objects(searched.get("results"))
        page = number_of(call.params.get("page"))
        more = bool(rows) and page < number_of(searched.get("total_pages"))
        return Page(_all(rows), call.but(page=page + 1) if more else None, number_of(searched.get("total")))


def _all(rows: list[dict[str, Any]]) -> tuple[Found, ...]:
    return tuple(filter(None, map(_found, rows)))


def _found(row: dict[str, Any]) -> Found | None:
    urls, links, user = (row.get(name) for name in ("urls", "links", "user"))
    if not isinstance(urls, dict) or not text_of(urls.get("regular")):
        return None
    links = links if isinstance(links, dict) else {}
    user = user if isinstance(user, dict) else {}
    page = text_of(links.get("html"))
    return Found(
        image_url=text_of(urls.get("regular")),
        page_url=page + _REFERRAL if page else "",
        source_id=text_of(row.get("id")),
        title=text_of(row.get("alt_description")),
        author=text_of(user.get("name")) or text_of(user.get("username")),
        licence=licence("unsplash"),
        ping=text_of(links.get("download_location")),
    )
