"""iNaturalist: photos of living things that people identified, with a licence for each photo. No key."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from anmok.collect.found import Call, Found, Page, Query, Reply, number_of, objects, text_of
from anmok.collect.licences import CODES, licence
from anmok.collect.sources.base import Source
from anmok.collect.sources.registry import register_source
from anmok.i18n import marked as _

#: Longer side of the size called ``large``.
LARGE = 1024


@register_source
class INaturalist(Source):
    """https://api.inaturalist.org; the query is a scientific or a common name."""

    name = "inaturalist"
    title = "iNaturalist"
    home = "https://www.inaturalist.org/pages/terms"
    endpoint = "https://api.inaturalist.org/v1/observations"
    # At most 60 calls a minute and 10,000 a day are asked for.
    quota = (10_000, 86400.0)
    delay = 1.1
    page_size = 200
    duty = _(
        "iNaturalist's terms: its data may not be used to train artificial intelligence for commercial purposes, and "
        "its API is no way to copy it in bulk."
    )

    def first(self, query: Query, at_hand: Collection[str] = ()) -> Call:
        """Ask for observations of research grade with photos, the oldest first, so that pages do not shift."""
        params = {
            "taxon_name": query.text,
            "photos": "true",
            "quality_grade": "research",
            "per_page": str(self.page_size),
            "order_by": "id",
            "order": "asc",
            "id_above": "0",
        }
        codes = [code if code == "cc0" else f"cc-{code}" for code in query.licences if code in CODES and code != "pdm"]
        if codes:
            params["photo_license"] = ",".join(codes)
        return Call(self.endpoint, params)

    def read(self, reply: Reply, call: Call, query: Query) -> Page:
        """Read a page; photos of one observation may have other licences than it."""
        self.check(reply)
        answer = reply.mapping()
        rows = objects(answer.get("results"))
        found = tuple(photo for row in rows for photo in _photos(row))
        last = max((number_of(row.get("id")) for row in rows), default=0)
        more = len(rows) >= self.page_size and last > number_of(call.params.get("id_above"))
        return Page(found, call.but(id_above=last) if more else None, number_of(answer.get("total_results")))


def _photos(row: dict[str, Any]) -> Iterator[Found]:
    user = row.get("user")
    author = (text_of(user.get("name")) or text_of(user.get("login"))) if isinstance(user, dict) else ""
    taxon = row.get("taxon")
    for photo in objects(row.get("photos")):
        url = text_of(photo.get("url"))
        if not url:
            continue
        size = photo.get("original_dimensions")
        width, height = (
            (number_of(size.get(side)) for side in ("width", "height")) if isinstance(size, dict) else (0, 0)
        )
        scale = min(1.0, LARGE / max(width, height, 1))
        yield Found(
            image_url=url.replace("/square.", "/large."),
            page_url=text_of(row.get("uri")),
            source_id=text_of(photo.get("id")),
            title=text_of(taxon.get("name")) if isinstance(taxon, dict) else "",
            author=author or text_of(photo.get("attribution")),
            licence=licence(text_of(photo.get("license_code"))),
            width=round(width * scale),
            height=round(height * scale),
        )
