"""Pixabay: free photos by key. Errors are plain text."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from anmok.collect.found import Call, Found, Page, Query, Reply, SourceTrouble, number_of, objects, text_of
from anmok.collect.licences import licence
from anmok.collect.sources.base import Source, retry_after
from anmok.collect.sources.registry import register_source
from anmok.i18n import marked as _


@register_source
class Pixabay(Source):
    """https://pixabay.com/api/."""

    name = "pixabay"
    title = "Pixabay"
    home = "https://pixabay.com/api/docs/"
    endpoint = "https://pixabay.com/api/"
    keys = ("PIXABAY_API_KEY",)
    quota = (100, 60.0)
    page_size = 200
    duty = _('Pixabay\'s API rules: "Systematic mass downloads are not allowed."')
    credit = _("Pictures from Pixabay (https://pixabay.com).")

    def first(self, query: Query, at_hand: Collection[str] = ()) -> Call:
        """Search photos."""
        params = {
            "q": query.text[:100],
            "image_type": "photo",
            "safesearch": "true",
            "page": "1",
            "per_page": str(self.page_size),
        }
        if query.language:
            params["lang"] = query.language
        return Call(self.endpoint, params)

    def authorise(self, keys: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
        """The key goes into the address."""
        return {"key": keys["PIXABAY_API_KEY"]}, {}

    def read(self, reply: Reply, call: Call, query: Query) -> Page:
        """Read a page; 400 is the end where the page is not the first, and else what its text says."""
        page = number_of(call.params.get("page"))
        if reply.status == 400:
            if b"api key" in reply.body.lower():
                raise SourceTrouble("bad-key", reply.text())
            if page > 1:
                raise SourceTrouble("end", reply.text())
        if reply.status == 429:
            reset = reply.headers.get("x-ratelimit-reset", "")
            wait = retry_after(reply) or (float(reset) if reset.isascii() and reset.isdigit() else None)
            raise SourceTrouble("rate", reply.text(), wait=wait)
        self.check(reply)
        answer = reply.mapping()
        rows = objects(answer.get("hits"))
        total = number_of(answer.get("totalHits"))
        more = bool(rows) and page * self.page_size < total
        found = tuple(_found(row) for row in rows if text_of(row.get("largeImageURL")))
        return Page(found, call.but(page=page + 1) if more else None, total)


def _found(row: dict[str, Any]) -> Found:
    return Found(
        image_url=text_of(row.get("largeImageURL")),
        page_url=text_of(row.get("pageURL")),
        source_id=text_of(row.get("id")),
        title=text_of(row.get("tags")),
        author=text_of(row.get("user")),
        licence=licence("pixabay"),
    )
