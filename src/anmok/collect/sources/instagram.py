"""Instagram: media of a hashtag through the Graph API, which needs an app that passed review."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from anmok.collect.found import Call, Found, Page, Query, Reply, SourceTrouble, objects, text_of
from anmok.collect.sources.base import Source, retry_after
from anmok.collect.sources.registry import register_source
from anmok.i18n import marked as _

_FIELDS = "id,media_type,media_url,permalink,timestamp,children{media_url,media_type}"
_RATE = (4, 17, 32, 613)


@register_source
class Instagram(Source):
    """First the number of the hashtag, then its top media, page by page."""

    name = "instagram"
    title = "Instagram"
    home = "https://developers.facebook.com/terms/"
    endpoint = "https://graph.facebook.com/v23.0"
    keys = ("IG_ACCESS_TOKEN", "IG_USER_ID")
    quota = (200, 3600.0)
    page_size = 50
    duty = _(
        "Meta's Platform Terms: data may be used for a limited purpose only and must be deleted on request; neither "
        "author nor licence is named, so all rights stay with people who can be seen."
    )
    notice = _("Instagram answers for 30 different hashtags in seven days.")

    def first(self, query: Query, at_hand: Collection[str] = ()) -> Call:
        """Look the hashtag up; spaces cannot stand in one."""
        return Call(f"{self.endpoint}/ig_hashtag_search", {"q": "".join(query.text.replace("#", "").split())})

    def authorise(self, keys: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
        """Token and account go into the address."""
        return {"access_token": keys["IG_ACCESS_TOKEN"], "user_id": keys["IG_USER_ID"]}, {}

    def read(self, reply: Reply, call: Call, query: Query) -> Page:
        """Read either page. ``paging.next`` holds the token, so only its being there counts, and the cursor."""
        if reply.status != 200:
            _raise(reply)
        self.check(reply)
        answer = reply.mapping()
        rows = objects(answer.get("data"))
        if call.url.endswith("/ig_hashtag_search"):
            number = text_of(rows[0].get("id")) if rows else ""
            if not number.isdigit():
                raise SourceTrouble("end", "there is no such hashtag")
            media = f"{self.endpoint}/{quote(number)}/top_media"
            return Page((), Call(media, {"fields": _FIELDS, "limit": str(self.page_size)}))
        paging = answer.get("paging")
        paging = paging if isinstance(paging, dict) else {}
        cursors = paging.get("cursors")
        after = text_of(cursors.get("after")) if isinstance(cursors, dict) else ""
        more = bool(rows) and bool(paging.get("next")) and bool(after)
        found = tuple(one for row in rows for one in _found(row))
        return Page(found, call.but(after=after) if more else None)


def _raise(reply: Reply) -> None:
    answer = reply.mapping() if reply.body.lstrip()[:1] == b"{" else {}
    error = answer.get("error")
    if not isinstance(error, dict):
        return
    code = error.get("code")
    code = code if isinstance(code, int) else 0
    said = f"{code}: {text_of(error.get('message'))}"[:300]
    if code in (102, 190):
        raise SourceTrouble("bad-key", said)
    if code in _RATE:
        raise SourceTrouble("quota", said, wait=retry_after(reply) or 3600.0)
    if code in (1, 2) or error.get("is_transient") is True:
        raise SourceTrouble("transient", said)
    if code == 10 or 200 <= code <= 299:
        raise SourceTrouble("not-permitted", said)
    raise SourceTrouble("bad-request", said)


def _found(row: dict[str, Any]) -> Iterator[Found]:
    """Yield the pictures of a post: itself, or those of an album; videos are passed over."""
    children = row.get("children")
    media = objects(children.get("data")) if isinstance(children, dict) else []
    for one in media or [row]:
        url = text_of(one.get("media_url"))
        if url and text_of(one.get("media_type")) in ("IMAGE", ""):
            yield Found(image_url=url, page_url=text_of(row.get("permalink")), source_id=text_of(row.get("id")))
