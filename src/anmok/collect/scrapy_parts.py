"""What is ours inside Scrapy: the resolver that refuses private addresses, the handler that adds keys, and two guards.

Scrapy does the rest: connections, redirects, robots.txt, delays and concurrency by host, AutoThrottle, limits. Only
imported in the process that crawls.
"""

# Twisted's interfaces are spelled that way.
# ruff: noqa: N802

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode, urlsplit

from scrapy import Request, signals
from scrapy.core.downloader.handlers.http11 import HTTP11DownloadHandler
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest, StopDownload
from scrapy.http import Response
from twisted.internet.interfaces import IHostnameResolver, IHostResolution, IResolutionReceiver
from zope.interface import implementer  # type: ignore[import-untyped]

from anmok.collect.addresses import Allowed, is_public

#: Settings of ours among Scrapy's.
ALLOWED, OPT_OUT, KEYS = "ANMOK_ALLOWED", "ANMOK_OPT_OUT", "ANMOK_KEYS"
#: Keys of a request's meta: the name of a source whose keys it needs; a dictionary, shared by all requests that
#: redirects make of one for a picture, into which the reason of a stop is written.
SOURCE, PICTURE = "anmok_source", "anmok_picture"
#: The words of ``IgnoreRequest`` by which the crawl tells a refusal.
PRIVATE = "private address"

_OPTED_OUT = frozenset({"noai", "noimageai", "noindex", "noimageindex", "none"})


class _Public:
    """Hands on only addresses that may be connected to."""

    def __init__(self, receiver: Any, *, every: bool) -> None:
        self._receiver, self._every = receiver, every

    def resolutionBegan(self, resolution: Any) -> None:
        self._receiver.resolutionBegan(resolution)

    def addressResolved(self, address: Any) -> None:
        if self._every or is_public(address.host):
            self._receiver.addressResolved(address)

    def resolutionComplete(self) -> None:
        self._receiver.resolutionComplete()


@implementer(IHostnameResolver)
class PublicResolver:
    """Resolves names, and numeric addresses, for every connection that Scrapy makes; ``TWISTED_DNS_RESOLVER``."""

    def __init__(self, reactor: Any, allowed: Allowed, inner: Any = None) -> None:
        self._reactor, self._allowed = reactor, allowed
        self._inner = inner or reactor.nameResolver

    @classmethod
    def from_crawler(cls, crawler: Any, reactor: Any) -> PublicResolver:
        """Make one by the settings."""
        return cls(reactor, Allowed(crawler.settings.getlist(ALLOWED)))

    def install_on_reactor(self) -> None:
        """Put it before the reactor's own."""
        self._reactor.installNameResolver(self)

    def resolveHostName(
        self,
        resolutionReceiver: IResolutionReceiver,
        hostName: str,
        portNumber: int = 0,
        addressTypes: Sequence[type[Any]] | None = None,
        transportSemantics: str = "TCP",
    ) -> IHostResolution:
        """Resolve; what is not public is left out, so that a connection to it cannot be made."""
        every = (hostName, portNumber) in self._allowed
        receiver = _Public(resolutionReceiver, every=every)
        return self._inner.resolveHostName(receiver, hostName, portNumber, addressTypes, transportSemantics)  # type: ignore[no-any-return]


class KeyedHandler(HTTP11DownloadHandler):  # type: ignore[misc, unused-ignore]
    """Adds a source's keys to its calls: below the log, the middlewares and everything that keeps a request."""

    lazy = True

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._keys: Mapping[str, Any] = crawler.settings.getdict(KEYS)

    async def download_request(self, request: Request) -> Response:
        """Send the request with its keys; the response knows only the address without them."""
        parameters, headers, origin = self._keys.get(request.meta.get(SOURCE, ""), ({}, {}, ""))
        if not (parameters or headers) or _origin(request.url) != origin:
            return await super().download_request(request)
        url = request.url
        if parameters:
            url += ("&" if "?" in url else "?") + urlencode(parameters)
        sent = request.replace(url=url, headers={**request.headers, **headers})
        sent.meta.update(request.meta)
        response = await super().download_request(sent)
        request.meta.update(sent.meta)
        return response.replace(url=request.url)


class AddressGuard:
    """Refuses other schemes and what can be seen to be private before a name is resolved, with its own words."""

    def __init__(self, allowed: Allowed) -> None:
        self._allowed = allowed

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> AddressGuard:
        """Make one by the settings."""
        return cls(Allowed(crawler.settings.getlist(ALLOWED)))

    def process_request(self, request: Request) -> None:
        """Look at a request, one that a redirect made, too."""
        parts = urlsplit(request.url)
        try:
            port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
        except ValueError:
            port = 0
        host = parts.hostname or ""
        if not port or not host or parts.username or parts.password:
            raise IgnoreRequest("address is no web address")
        if (host, port) in self._allowed:
            return
        numeric = host.strip("[]").replace(".", "").isdigit() or ":" in host
        if (numeric and not is_public(host)) or host == "localhost" or host.endswith(".localhost"):
            raise IgnoreRequest(PRIVATE)


class HeaderGuard:
    """Stops a picture's download at its headers, where they say that it is not wanted."""

    def __init__(self, crawler: Crawler) -> None:
        self._opt_out = crawler.settings.getbool(OPT_OUT)
        self._agent = str(crawler.settings["USER_AGENT"]).partition("/")[0].lower()
        crawler.signals.connect(self.look, signals.headers_received)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> HeaderGuard:
        """Make one by the settings."""
        return cls(crawler)

    def look(self, headers: Any, body_length: int, request: Request) -> None:
        """Stop what is not wanted; the reason stands in the note that the request carries."""
        note = request.meta.get(PICTURE)
        if note is None:
            return
        reason = ""
        if self._opt_out:
            values = [value.decode("latin-1") for value in headers.getlist(b"X-Robots-Tag")]
            reason = opted_out(values, self._agent)
            if not reason and (headers.get(b"Tdm-Reservation") or b"").strip() == b"1":
                reason = "opt-out: tdm-reservation: 1"
        if reason:
            note["stopped"] = reason
            raise StopDownload(fail=True)


def opted_out(values: Sequence[str], agent: str) -> str:
    """Return which directive of ``X-Robots-Tag`` speaks against taking the picture; ``""`` where none does.

    A value may begin with the name of an agent and a colon; it then counts for that agent alone.
    """
    for value in values:
        name, colon, directives = value.partition(":")
        if not colon:
            name, directives = "", value
        if name.strip().lower() not in ("", "*", agent):
            continue
        for word in directives.split(","):
            if word.strip().lower() in _OPTED_OUT:
                return f"opt-out: X-Robots-Tag: {word.strip().lower()}"
    return ""


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()
