"""Pexels: free photos by key."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from typing import Any

from anmok.collect.found import Call, Found, Page, Query, Reply, SourceTrouble, number_of, objects, text_of
from anmok.collect.licences import licence
from anmok.collect.sources.base import Source, retry_after
from anmok.collect.sources.registry import register_source
from anmok.i18n import marked as _

_LOCALES = {"ko": "ko-KR", "en": "en-US", "ja": "ja-JP", "zh": "zh-CN", "de": "de-DE", "fr": "fr-FR", "es": "es-ES"}


@register_source
class Pexels(Source):
    """https://api.pexels.com/v1/search."""

    name = "pexels"
    title = "Pexels"
    home = "https://help.pexels.com/hc/en-us/articles/900005880463"
    endpoint = "https://api.pexels.com/v1/search"
    keys = ("PEXELS_API_KEY",)
    quota = (200, 3600.0)
    page_size = 80
    duty = _("Pexels' help: “Don’t use the API to build datasets or train ML/AI models”, and no copying in bulk.")
    credit = _("Photos provided by Pexels (https://www.pexels.com).")

    def first(self, query: Query, at_hand: Collection[str] = ()) -> Call:
        """Search, in the language of the query where it is known."""
        params = {"query": query.text, "page": "1", "per_page": str(self.page_size)}
        if query.language in _LOCALES:
            params["locale"] = _LOCALES[query.language]
        return Call(self.endpoint, params)

    def authorise(self, keys: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
        """The bare key goes into a header."""
        return {}, {"Authorization": keys["PEXELS_API_KEY"]}

    def read(self, reply: Reply, call: Call, query: Query) -> Page:
        """Read a page; the last one has no ``next_page``."""
        if reply.status == 403:
            raise SourceTrouble("bad-key", f"HTTP 403: {reply.text()[:200]}")
        if reply.status == 429:
            reset = number_of(reply.headers.get("x-ratelimit-reset"))
            wait = retry_after(reply)
            if wait is None:
                wait = max(reset - time.time(), 0.0) if reset else 3600.0
            raise SourceTrouble("quota", f"HTTP 429: {reply.text()[:200]}", wait=wait)
        self.check(reply)
        answer = reply.mapping()
        rows = objects(answer.get("photos"))
        page = number_of(call.params.get("page"))
        more = bool(rows) and bool(answer.get("next_page"))
        found = tuple(filter(None, map(_found, rows)))
        return Page(found, call.but(page=page + 1) if more else None, number_of(answer.get("total_results")))


def _found(row: dict[str, Any]) -> Found | None:
    sizes = row.get("src")
    url = text_of(sizes.get("large")) if isinstance(sizes, dict) else ""
    if not url:
        return None
    return Found(
        image_url=url,
        page_url=text_of(row.get("url")),
        source_id=text_of(row.get("id")),
        title=text_of(row.get("alt")),
        author=text_of(row.get("photographer")),
        licence=licence("pexels"),
    )
