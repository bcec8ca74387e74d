"""Flickr: photos with a licence for each, by key. Errors come with HTTP 200."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from anmok.collect.found import Call, Found, Page, Query, Reply, SourceTrouble, number_of, objects, text_of
from anmok.collect.licences import Licence, licence
from anmok.collect.sources.base import Source
from anmok.collect.sources.registry import register_source
from anmok.i18n import marked as _

#: Licences by Flickr's numbers: code and version. 0 is "all rights reserved"; a number that is not here is unknown.
LICENCES: Mapping[int, tuple[str, str]] = {
    1: ("by-nc-sa", "2.0"),
    2: ("by-nc", "2.0"),
    3: ("by-nc-nd", "2.0"),
    4: ("by", "2.0"),
    5: ("by-sa", "2.0"),
    6: ("by-nd", "2.0"),
    7: ("no-known-restrictions", ""),
    8: ("us-government", ""),
    9: ("cc0", ""),
    10: ("pdm", ""),
    11: ("by", "4.0"),
    12: ("by-sa", "4.0"),
    13: ("by-nd", "4.0"),
    14: ("by-nc", "4.0"),
    15: ("by-nc-sa", "4.0"),
    16: ("by-nc-nd", "4.0"),
}
#: Sizes of a photo, the best first: about 1024 pixels is plenty, the original may be of any size.
SIZES = ("l", "c", "z", "o", "m")
#: Pictures that one search reaches.
REACHABLE = 4000


@register_source
class Flickr(Source):
    """https://api.flickr.com/services/rest, method flickr.photos.search."""

    name = "flickr"
    title = "Flickr"
    home = "https://www.flickr.com/help/terms/api"
    endpoint = "https://api.flickr.com/services/rest/"
    keys = ("FLICKR_API_KEY",)
    quota = (3600, 3600.0)
    page_size = 250
    duty = _(
        'Flickr\'s API terms: photos may not be cached or stored "other than for reasonable periods", and must be '
        "removed when their owner makes them private."
    )
    credit = _("This product uses the Flickr API but is not endorsed or certified by SmugMug, Inc.")

    def first(self, query: Query, at_hand: Collection[str] = ()) -> Call:
        """Search photos by relevance; the parameter of the licences is spelled in American."""
        params = {
            "method": "flickr.photos.search",
            "format": "json",
            "nojsoncallback": "1",
            "text": query.text,
            "sort": "relevance",
            "safe_search": "1",
            "content_type": "1",
            "media": "photos",
            "extras": "license,owner_name,o_dims," + ",".join(f"url_{size}" for size in SIZES),
            "per_page": str(self.page_size),
            "page": "1",
        }
        if query.licences:
            params["license"] = ",".join(str(n) for n, (code, _v) in LICENCES.items() if code in query.licences)
        return Call(self.endpoint, params)

    def authorise(self, keys: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
        """The key goes into the address."""
        return {"api_key": keys["FLICKR_API_KEY"]}, {}

    def read(self, reply: Reply, call: Call, query: Query) -> Page:
        """Read a page."""
        self.check(reply)
        answer = reply.mapping()
        if answer.get("stat") != "ok":
            raise _trouble(number_of(answer.get("code")), text_of(answer.get("message")))
        photos = answer.get("photos")
        if not isinstance(photos, dict):
            raise SourceTrouble("transient", "the answer holds no photos")
        rows = objects(photos.get("photo"))
        page = number_of(call.params.get("page"))
        more = bool(rows) and page < number_of(photos.get("pages")) and page * self.page_size < REACHABLE
        found = tuple(filter(None, map(_found, rows)))
        return Page(found, call.but(page=page + 1) if more else None, number_of(photos.get("total")))


def _trouble(code: int, message: str) -> SourceTrouble:
    said = f"{code}: {message}"
    if code == 100:
        return SourceTrouble("bad-key", said)
    return SourceTrouble("transient" if code in (0, 105, 201) else "bad-request", said)


def _found(row: dict[str, Any]) -> Found | None:
    size = next((size for size in SIZES if text_of(row.get(f"url_{size}"))), None)
    number = row.get("license")
    if size is None or number_of(number) not in (0, *LICENCES):
        return None
    owner, photo = text_of(row.get("owner")), text_of(row.get("id"))
    known = LICENCES.get(number_of(number))
    return Found(
        image_url=text_of(row.get(f"url_{size}")),
        page_url=f"https://www.flickr.com/photos/{owner}/{photo}" if owner and photo else "",
        source_id=photo,
        title=text_of(row.get("title")),
        author=text_of(row.get("ownername")) or owner,
        licence=licence(*known) if known else Licence("", "All rights reserved"),
        width=number_of(row.get(f"width_{size}")),
        height=number_of(row.get(f"height_{size}")),
    )
