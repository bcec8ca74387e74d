"""Naver image search: NAVER API HUB, or the older platform with its own keys until it stops (2027-06-30)."""

from __future__ import annotations

import html
import re
from collections.abc import Collection, Mapping
from typing import Any

from anmok.collect.found import Call, Found, Page, Query, Reply, SourceTrouble, number_of, objects, text_of
from anmok.collect.sources.base import Source, retry_after
from anmok.collect.sources.registry import register_source
from anmok.i18n import marked as _

HUB = "https://naverapihub.apigw.ntruss.com/search/v1/image"
LEGACY = "https://openapi.naver.com/v1/search/image"
#: The last ``start`` that is answered.
LAST = 1000
_TAGS = re.compile(r"</?b>")


@register_source
class Naver(Source):
    """The keys decide which of the two platforms is asked; they are not interchangeable."""

    name = "naver"
    title = "Naver"
    home = "https://developers.naver.com/products/terms/"
    keys = ("NCP_APIGW_API_KEY_ID", "NCP_APIGW_API_KEY")
    other_keys = ("NAVER_CLIENT_ID", "NAVER_CLIENT_SECRET")
    quota = (25_000, 86400.0)
    delay = 0.2
    page_size = 100
    duty = _(
        "Naver's terms: results of the search API may not be stored, caches included, and may not be given to "
        "artificial intelligence."
    )
    credit = _("Pictures were found with the Naver Open API (https://developers.naver.com).")

    def address(self, at_hand: Collection[str]) -> str:
        """Return the platform that the keys belong to."""
        if self.endpoint:
            return self.endpoint
        return HUB if all(name in at_hand for name in self.keys) else LEGACY

    def first(self, query: Query, at_hand: Collection[str] = ()) -> Call:
        """Ask for the best matches of any size that is not too small."""
        params = {"query": query.text, "display": str(self.page_size), "start": "1", "sort": "sim", "filter": "all"}
        return Call(self.address(at_hand), params)

    def authorise(self, keys: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
        """Keys go into headers, whose names say the platform."""
        if all(name in keys for name in self.keys):
            names = zip(("X-NCP-APIGW-API-KEY-ID", "X-NCP-APIGW-API-KEY"), self.keys, strict=True)
        else:
            names = zip(("X-Naver-Client-Id", "X-Naver-Client-Secret"), self.other_keys, strict=True)
        return {}, {header: keys[name] for header, name in names}

    def read(self, reply: Reply, call: Call, query: Query) -> Page:
        """Read a page; no page, author or licence is ever named."""
        if reply.status != 200:
            _raise(reply)
        self.check(reply)
        answer = reply.mapping()
        rows = objects(answer.get("items"))
        start, total = number_of(call.params.get("start")), number_of(answer.get("total"))
        following = start + self.page_size
        more = bool(rows) and following <= min(total, LAST)
        found = tuple(_found(row) for row in rows if text_of(row.get("link")))
        return Page(found, call.but(start=following) if more else None, total)


def _raise(reply: Reply) -> None:
    """Raise what the two forms of an error mean; return where neither is there."""
    answer = reply.mapping() if reply.body.lstrip()[:1] == b"{" else {}
    gateway = answer.get("error")
    code = text_of(gateway.get("errorCode")) if isinstance(gateway, dict) else text_of(answer.get("errorCode"))
    said = f"HTTP {reply.status} {code}: {reply.text()[:200]}"
    if code == "210":
        raise SourceTrouble("not-permitted", said)
    if code == "024":
        raise SourceTrouble("bad-key", said)
    if code in ("SE01", "SE02", "SE03", "SE04"):
        raise SourceTrouble("bad-request", said)
    if reply.status == 429:
        # The daily limit, by the documentation; a wait that is named means something shorter.
        wait = retry_after(reply)
        raise SourceTrouble("quota" if wait is None else "rate", said, wait=86400.0 if wait is None else wait)


def _found(row: dict[str, Any]) -> Found:
    return Found(
        image_url=text_of(row.get("link")),
        title=html.unescape(_TAGS.sub("", text_of(row.get("title")))),
        width=number_of(row.get("sizewidth")),
        height=number_of(row.get("sizeheight")),
    )
