"""Wikimedia Commons: free media with a licence for each file. No key; a user agent with a contact is demanded."""

from __future__ import annotations

import html
import re
from collections.abc import Collection
from typing import Any

from anmok.collect.found import Call, Found, Page, Query, Reply, SourceTrouble, number_of, objects, text_of
from anmok.collect.licences import licence_of_name
from anmok.collect.sources.base import Source, retry_after
from anmok.collect.sources.registry import register_source

#: A width that Wikimedia keeps ready; larger originals are fetched at this one, which spares both sides.
WIDTH = 960
_TAGS = re.compile(r"<[^>]*>")


@register_source
class Commons(Source):
    """https://commons.wikimedia.org/w/api.php, a MediaWiki; ``endpoint`` may name any other."""

    name = "commons"
    title = "Wikimedia Commons"
    home = "https://commons.wikimedia.org/wiki/Commons:Reusing_content_outside_Wikimedia"
    endpoint = "https://commons.wikimedia.org/w/api.php"
    delay = 1.0
    page_size = 50
    has_random = True

    def first(self, query: Query, at_hand: Collection[str] = ()) -> Call:
        """Search among files that are bitmaps."""
        params = {
            "action": "query",
            "format": "json",
            "formatversion": "2",
            "generator": "search",
            "gsrnamespace": "6",
            "gsrsearch": f"filetype:bitmap {query.text}",
            "gsrlimit": str(self.page_size),
            "prop": "imageinfo",
            "iiprop": "url|size|mime|user|extmetadata",
            "iiurlwidth": str(WIDTH),
            "maxlag": "5",
        }
        if query.random:
            params["gsrsort"] = "random"
        return Call(self.endpoint, params)

    def read(self, reply: Reply, call: Call, query: Query) -> Page:
        """Read a page. Errors come with HTTP 200, too; a file without imageinfo comes again on the next page."""
        self.check(reply)
        answer = reply.mapping()
        error = answer.get("error")
        if isinstance(error, dict):
            raise _trouble(text_of(error.get("code")), text_of(error.get("info")), retry_after(reply))
        body = answer.get("query")
        pages = body.get("pages") if isinstance(body, dict) else []
        # Without formatversion=2, which an old MediaWiki does not know, they are a dictionary.
        rows = objects(list(pages.values()) if isinstance(pages, dict) else pages)
        found = tuple(filter(None, map(_found, sorted(rows, key=lambda row: number_of(row.get("index"))))))
        going_on = answer.get("continue")
        following = None
        if isinstance(going_on, dict) and going_on:
            # To the first call, not to this one: what this one went on with may be over.
            kept = {key: value for key, value in going_on.items() if text_of(value)}
            following = Call(call.url, self.first(query).params).but(**kept)
        return Page(found, following)


def _trouble(code: str, info: str, wait: float | None) -> SourceTrouble:
    said = f"{code}: {info}"[:300]
    if code in ("maxlag", "ratelimited"):
        return SourceTrouble("rate", said, wait=wait)
    if code in ("readonly", "cirrussearch-backend-error", "cirrussearch-too-busy-error") or code.startswith(
        "internal_api"
    ):
        return SourceTrouble("transient", said, wait=wait)
    if code in ("blocked", "permissiondenied", "readapidenied"):
        return SourceTrouble("not-permitted", said)
    return SourceTrouble("bad-request", said)


def _found(row: dict[str, Any]) -> Found | None:
    info = next(iter(objects(row.get("imageinfo"))), None)
    if info is None or not text_of(info.get("url")):
        return None
    about = info.get("extmetadata")
    about = about if isinstance(about, dict) else {}
    thumb = text_of(info.get("thumburl"))
    scaled = bool(thumb) and number_of(info.get("width")) > WIDTH
    return Found(
        image_url=thumb if scaled else text_of(info.get("url")),
        page_url=text_of(info.get("descriptionurl")),
        source_id=text_of(row.get("title")),
        title=text_of(row.get("title")).removeprefix("File:"),
        author=_plain(about, "Artist") or text_of(info.get("user")),
        licence=licence_of_name(_plain(about, "LicenseShortName"), _plain(about, "LicenseUrl")),
        width=number_of(info.get("thumbwidth" if scaled else "width")),
        height=number_of(info.get("thumbheight" if scaled else "height")),
    )


def _plain(about: dict[str, Any], name: str) -> str:
    """Return a value of extmetadata, which is HTML, as text."""
    value = about.get(name)
    text = text_of(value.get("value")) if isinstance(value, dict) else ""
    return " ".join(html.unescape(_TAGS.sub(" ", text[:4000])).split())
