"""Openverse: an index of openly licensed pictures. No key needed."""

from __future__ import annotations

from collections.abc import Collection

from anmok.collect.found import Call, Found, Page, Query, Reply, SourceTrouble, number_of, objects, text_of
from anmok.collect.licences import CODES, licence
from anmok.collect.sources.base import Source
from anmok.collect.sources.registry import register_source

#: Pictures that a search reaches without a key.
REACHABLE = 240


@register_source
class Openverse(Source):
    """https://api.openverse.org; anonymous calls are limited to 20 a minute and 200 a day."""

    name = "openverse"
    title = "Openverse"
    home = "https://docs.openverse.org/terms_of_service.html"
    endpoint = "https://api.openverse.org/v1/images/"
    quota = (200, 86400.0)
    delay = 3.0

    def first(self, query: Query, at_hand: Collection[str] = ()) -> Call:
        """Ask for page 1, of the wanted licences only."""
        params = {"q": query.text[:200], "page_size": str(self.page_size), "page": "1", "mature": "false"}
        codes = [code for code in query.licences if code in CODES]
        if codes:
            params["license"] = ",".join(codes)
        return Call(self.endpoint, params)

    def read(self, reply: Reply, call: Call, query: Query) -> Page:
        """Read a page; 401 about page_size is a bad request and no bad key."""
        if reply.status == 401 and b"page_size" in reply.body:
            raise SourceTrouble("bad-request", reply.text())
        page = number_of(call.params.get("page"))
        if reply.status in (400, 404) and page > 1:
            raise SourceTrouble("end", reply.text())
        self.check(reply)
        answer = reply.mapping()
        rows = objects(answer.get("results"))
        found = tuple(_found(row) for row in rows if text_of(row.get("url")))
        more = bool(rows) and page < number_of(answer.get("page_count")) and page * self.page_size < REACHABLE
        total = number_of(answer.get("result_count"))
        return Page(found, call.but(page=page + 1) if more else None, total)


def _found(row: dict[str, object]) -> Found:
    return Found(
        image_url=text_of(row.get("url")),
        page_url=text_of(row.get("foreign_landing_url")),
        source_id=text_of(row.get("id")),
        title=text_of(row.get("title")),
        author=text_of(row.get("creator")),
        licence=licence(
            text_of(row.get("license")), text_of(row.get("license_version")), text_of(row.get("license_url"))
        ),
        width=number_of(row.get("width")),
        height=number_of(row.get("height")),
    )
