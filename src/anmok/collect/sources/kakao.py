"""Kakao (Daum) image search. A spent quota comes as HTTP 400 with the code -10."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from anmok.collect.found import Call, Found, Page, Query, Reply, SourceTrouble, number_of, objects, text_of
from anmok.collect.sources.base import Source, retry_after
from anmok.collect.sources.registry import register_source
from anmok.i18n import marked as _

LAST_PAGE = 50


@register_source
class Kakao(Source):
    """https://dapi.kakao.com/v2/search/image."""

    name = "kakao"
    title = "Kakao (Daum)"
    home = "https://developers.kakao.com/terms/latest/ko/site-policies"
    endpoint = "https://dapi.kakao.com/v2/search/image"
    keys = ("KAKAO_REST_API_KEY",)
    quota = (30_000, 86400.0)
    delay = 0.2
    page_size = 80
    duty = _(
        "Kakao's policy allows caching and demands freshness; that results may be stored for good, or used for "
        "training, is written nowhere that we know of."
    )

    def first(self, query: Query, at_hand: Collection[str] = ()) -> Call:
        """Ask for the most accurate matches."""
        return Call(self.endpoint, {"query": query.text, "sort": "accuracy", "page": "1", "size": str(self.page_size)})

    def authorise(self, keys: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
        """The key goes into a header."""
        return {}, {"Authorization": f"KakaoAK {keys['KAKAO_REST_API_KEY']}"}

    def read(self, reply: Reply, call: Call, query: Query) -> Page:
        """Read a page; no author or licence is ever named."""
        if reply.status != 200:
            _raise(reply)
        self.check(reply)
        answer = reply.mapping()
        meta = answer.get("meta")
        meta = meta if isinstance(meta, dict) else {}
        rows = objects(answer.get("documents"))
        page = number_of(call.params.get("page"))
        more = bool(rows) and meta.get("is_end") is False and page < LAST_PAGE
        found = tuple(_found(row) for row in rows if text_of(row.get("image_url")))
        return Page(found, call.but(page=page + 1) if more else None, number_of(meta.get("pageable_count")))


def _raise(reply: Reply) -> None:
    """Raise what the two forms of an error mean; return where neither is there."""
    answer = reply.mapping() if reply.body.lstrip()[:1] == b"{" else {}
    code, kind = answer.get("code"), text_of(answer.get("errorType"))
    said = f"HTTP {reply.status}: {reply.text()[:200]}"
    if code == -10:
        raise SourceTrouble("quota", said, wait=86400.0)
    if code == -401:
        raise SourceTrouble("bad-key", said)
    if code in (-3, -5) or kind == "AccessDeniedError":
        raise SourceTrouble("not-permitted", said)
    if code in (-1, -7):
        raise SourceTrouble("transient", said)
    if kind == "RequestThrottled":
        raise SourceTrouble("rate", said, wait=retry_after(reply))


def _found(row: dict[str, Any]) -> Found:
    return Found(
        image_url=text_of(row.get("image_url")),
        page_url=text_of(row.get("doc_url")),
        title=text_of(row.get("display_sitename")),
        width=number_of(row.get("width")),
        height=number_of(row.get("height")),
    )
