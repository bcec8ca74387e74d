"""The pictures of a web page, or of the pages that a sitemap names: img, srcset, source, og:image, image:loc."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from html.parser import HTMLParser
from urllib.parse import urldefrag, urljoin, urlsplit

from anmok.collect.found import Call, Found, Page, Query, Reply, SourceTrouble
from anmok.collect.licences import UNKNOWN, Licence, licence
from anmok.collect.sources.base import Source
from anmok.collect.sources.registry import register_source

#: Pages of a sitemap that are read.
MOST_PAGES = 500
_REFUSED = frozenset({"noai", "noimageai", "noimageindex", "none"})
_CC = re.compile(r"https?://creativecommons\.org/(?:licenses|publicdomain)/([a-z-]+)/(\d\.\d)")
_CC_NAMES = {"zero": "cc0", "mark": "pdm"}


@register_source
class WebPage(Source):
    """The query is the address. robots.txt and what a page says of itself are obeyed."""

    name = "page"
    title = "A web page or sitemap"
    home = "docs/collect.md"
    is_api = False
    delay = 1.0

    def first(self, query: Query, at_hand: Collection[str] = ()) -> Call:
        """Begin with the address itself."""
        return Call(query.text)

    def read(self, reply: Reply, call: Call, query: Query) -> Page:
        """Read a page, or a sitemap, whose pages of the same host come next."""
        self.check(reply)
        base = reply.url or call.url
        parser = _Pictures(base)
        parser.feed(reply.body.decode("utf-8", "replace"))
        parser.close()
        waiting = [line for line in call.params.get("waiting", "").split("\n") if line]
        refused = _refused_by(reply.headers) or parser.refused
        if refused:
            found: tuple[Found, ...] = ()
            if not waiting:
                raise SourceTrouble("not-permitted", f"the page says {refused}")
        else:
            found = tuple(
                Found(image_url=url, page_url=base, title=title, licence=parser.licence)
                for url, title in dict(reversed(parser.found)).items()
            )[::-1]
        host = urlsplit(call.url).netloc
        if "waiting" not in call.params:
            waiting = [url for url in dict.fromkeys(parser.pages) if urlsplit(url).netloc == host][:MOST_PAGES]
        if not waiting:
            return Page(found)
        return Page(found, Call(waiting[0], {"waiting": "\n".join(waiting[1:])}))


def _refused_by(headers: Mapping[str, str]) -> str:
    """Return which header speaks against the use of a page; ``""`` where none does.

    Where several headers were joined, a directive that names no agent counts for all.
    """
    for part in headers.get("x-robots-tag", "").lower().split(","):
        name, _colon, word = part.rpartition(":")
        if name.strip() in ("", "*", "anmok") and word.strip() in _REFUSED:
            return f"X-Robots-Tag: {word.strip()}"
    return "tdm-reservation: 1" if headers.get("tdm-reservation", "").strip() == "1" else ""


class _Pictures(HTMLParser):
    """Finds pictures, in the order of the page, and what it says of their use."""

    def __init__(self, base: str) -> None:
        super().__init__(convert_charrefs=True)
        self._base = base
        self._inside = ""
        self.found: list[tuple[str, str]] = []
        self.pages: list[str] = []
        self.licence: Licence = UNKNOWN
        self.refused = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        self._inside = tag
        if tag == "base" and named.get("href"):
            self._base = urljoin(self._base, named["href"])
        elif tag in ("img", "source"):
            best = largest(named.get("srcset", "") or named.get("data-srcset", ""))
            url = best or (named.get("data-src", "") or named.get("src", "") if tag == "img" else "")
            self._add(url, named.get("alt", ""))
        elif tag == "meta":
            self._meta(named)
        elif tag in ("a", "link") and "license" in named.get("rel", "").lower().split():
            found = _CC.match(named.get("href", ""))
            if found:
                self.licence = licence(_CC_NAMES.get(found[1], found[1]), found[2], found[0] + "/")

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if data.strip() and self._inside == "image:loc":
            self._add(data.strip(), "")
        elif data.strip() and self._inside == "loc":
            self.pages.append(urljoin(self._base, data.strip()))

    def _meta(self, named: dict[str, str]) -> None:
        name = (named.get("property", "") or named.get("name", "")).lower()
        content = named.get("content", "")
        if name in ("og:image", "og:image:url", "og:image:secure_url"):
            self._add(content, "")
        words = {word.strip().lower() for word in content.split(",")}
        if name in ("robots", "anmok") and words & _REFUSED:
            self.refused = f"robots: {', '.join(sorted(words & _REFUSED))}"
        if name == "tdm-reservation" and content.strip() == "1":
            self.refused = "tdm-reservation: 1"

    def _add(self, url: str, title: str) -> None:
        try:
            absolute = urldefrag(urljoin(self._base, url.strip())).url if url.strip() else ""
        except ValueError:  # such as an unclosed bracket in the host
            return
        if absolute.startswith(("http://", "https://")):
            self.found.append((absolute, title.strip()))


def largest(srcset: str) -> str:
    """Return the address of the largest picture of a ``srcset`` (widths or densities); ``""`` where there is none."""
    best, most = "", -1.0
    for url, size in re.findall(r"([^\s,]\S*[^\s,]|[^\s,])(?:\s+([\d.]+)[wx])?\s*(?:,|\Z)", srcset):
        try:
            value = float(size or 1)
        except ValueError:
            continue
        if value > most:
            best, most = url, value
    return best
