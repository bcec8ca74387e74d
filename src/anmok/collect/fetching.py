"""Sends calls and fetches pictures through Scrapy's downloader: retries, Retry-After, quotas, and what errors mean."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from scrapy import Request
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    IgnoreRequest,
    StopDownload,
    UnsupportedURLSchemeError,
)
from scrapy.http import Response

from anmok.collect.checking import Refused, check_picture
from anmok.collect.found import Call, Reply, SourceTrouble
from anmok.collect.plan import Plan
from anmok.collect.quotas import Quotas
from anmok.collect.scrapy_parts import PICTURE, PRIVATE, SOURCE
from anmok.collect.sources import Source
from anmok.collect.sources.base import retry_after
from anmok.collect.state import OWED, PictureRow, State
from anmok.config import Limits as PictureLimits
from anmok.data.scancache import Facts

_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529})
_LONGEST_BACKOFF = 60.0
_ACCEPT = "image/avif,image/webp,image/png,image/jpeg,image/*;q=0.8"

logger = logging.getLogger(__name__)

#: What can come back for a picture: bytes, facts and HTTP facts, or a refusal and HTTP facts.
Fetched = tuple[bytes, Facts, dict[str, Any]] | tuple[Refused, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class _Failed:
    """A try that gave no picture. ``wait``: seconds before another one (0: as many as usual); None: it cannot help."""

    refused: Refused
    response: Response | None = None
    wait: float | None = None


class Fetcher:
    """Fetches for one crawl.

    Args:
        engine: Scrapy's; its ``download_async`` runs a request through robots.txt, redirects, guards and delays.
        accounts: by source, the name under which its calls are counted.
    """

    def __init__(
        self, engine: Any, plan: Plan, quotas: Quotas, accounts: Mapping[str, str], sources: Mapping[str, Source]
    ) -> None:
        self._engine, self._plan, self._quotas, self._accounts = engine, plan, quotas, accounts
        self._sources = sources
        self._jitter = random.Random()  # noqa: S311
        #: Until when (``time.monotonic``) a host asked to be left alone.
        self._until: dict[str, float] = {}
        self._places: dict[str, asyncio.Semaphore] = {}

    # -- sources --------------------------------------------------------------------------------------------------

    async def call(self, source: Source, call: Call) -> Reply:
        """Send a call; see ``listing.Caller``."""
        if source.is_file:
            return await asyncio.to_thread(_read_file, call.url, self._plan.limits.max_bytes)
        self._count(source)
        return await self._reply(source, _address(call) if source.is_api else call.url)

    async def pause(self, source: Source, trouble: SourceTrouble, tried: int) -> bool:
        """Wait as the source says, else longer each time; see ``listing.Caller``."""
        if tried >= self._plan.limits.tries:
            return False
        wait = trouble.wait if trouble.wait is not None else self._backoff(tried)
        if wait > self._plan.limits.patience:
            return False
        logger.info("%s is asked again in %.2f s: %s", source.name, wait, trouble)
        await asyncio.sleep(wait)
        return True

    def _count(self, source: Source) -> None:
        quota = source.quota
        named = self._plan.manners.quotas.get(source.name)
        if named is not None:
            quota = (named, 86400.0)
        if quota is None:
            return
        wait = self._quotas.take(self._accounts[source.name], *quota)
        if wait:
            said = f"{quota[0]} calls in {quota[1]:.0f} seconds are made"
            raise SourceTrouble("quota", said, wait=wait)

    async def _reply(self, source: Source, url: str) -> Reply:
        request = Request(
            url,
            headers={"Accept": "application/json, text/html;q=0.9, */*;q=0.5"},
            meta={
                SOURCE: source.name,
                **({"download_slot": f"source:{source.name}"} if source.is_api else {}),
                "autothrottle_dont_adjust_delay": source.is_api,
                "dont_obey_robotstxt": source.is_api,
                # A key must not travel on to where somebody else sends us.
                "dont_redirect": source.is_api,
            },
            dont_filter=True,
        )
        try:
            response = await self._engine.download_async(request)
        except IgnoreRequest as error:
            raise SourceTrouble("not-permitted", str(error)) from error
        except CannotResolveHostError as error:
            raise SourceTrouble("transient", "the host cannot be found, or has a private address") from error
        except Exception as error:  # whatever a network does ends as the trouble of this one list
            raise SourceTrouble("transient", f"{type(error).__name__}: {error}") from error
        return _reply_of(response)

    # -- pictures -------------------------------------------------------------------------------------------------

    async def picture(self, row: PictureRow) -> Fetched:
        """Fetch one picture; see ``crawl.PictureFetcher``."""
        limits = self._plan.limits
        host = urlsplit(row.found.image_url).netloc
        tried = 0
        while True:
            # Nothing waits in Scrapy's own queue, where it could not be held back any more.
            async with self._places.setdefault(host, asyncio.Semaphore(self._plan.manners.per_host)):
                await self._when_welcome(host)
                result = await self._try(row)
            if isinstance(result, Response):
                return await self._checked(row, result)
            tried += 1
            wait = result.wait or self._backoff(tried)
            if result.wait is None or wait > limits.patience or tried >= limits.tries:
                return result.refused, _facts_of(result.response)
            logger.info("again in %.2f s (%s): %s", wait, result.refused.reason, row.found.image_url)
            if result.wait or result.refused.code == "http-429":  # the host said it, so it holds for all its pictures
                self._until[host] = max(self._until.get(host, 0.0), time.monotonic() + wait)
            else:
                await asyncio.sleep(wait)

    async def _try(self, row: PictureRow) -> Response | _Failed:  # noqa: PLR0911
        """Return the response, if it may be a picture; else why it is none."""
        note: dict[str, str] = {}
        meta = {PICTURE: note}
        try:
            request = Request(row.found.image_url, headers={"Accept": _ACCEPT}, meta=meta, dont_filter=True)
        except ValueError as error:
            return _Failed(Refused("address", str(error)))
        try:
            response: Response = await self._engine.download_async(request)
        except StopDownload as error:
            code, _colon, reason = note.get("stopped", "opt-out").partition(": ")
            return _Failed(Refused(code, reason), getattr(error, "response", None))
        except IgnoreRequest as error:
            return _Failed(_ignored(str(error)))
        except UnsupportedURLSchemeError as error:
            return _Failed(Refused("address", str(error)))
        except CannotResolveHostError:
            return _Failed(Refused("private-or-unknown-host", "the host cannot be found, or has a private address"))
        except DownloadCancelledError as error:
            return _Failed(Refused("too-large", str(error)[:200]))
        except Exception as error:  # noqa: BLE001
            return _Failed(Refused("unreachable", f"{type(error).__name__}: {error}"[:300]), wait=0.0)
        if response.status == 200:
            return response
        refused = Refused(f"http-{response.status}", f"HTTP {response.status}")
        wait = (retry_after(_reply_of(response)) or 0.0) if response.status in _AGAIN else None
        return _Failed(refused, response, wait)

    async def _checked(self, row: PictureRow, response: Response) -> Fetched:
        http = _facts_of(response)
        limits = PictureLimits(max_bytes=self._plan.limits.max_bytes, max_pixels=self._plan.limits.max_pixels)
        side = self._plan.min_side
        facts = await asyncio.to_thread(check_picture, response.body, min_side=side, limits=limits)
        if isinstance(facts, Refused):
            return facts, http
        if row.found.ping and not await self._ping(row):
            http[OWED] = True
        return response.body, facts, http

    async def settle(self, state: State) -> None:
        """Report downloads that could not be reported when they were made, as far as quotas allow."""
        for row in state.owed():
            if row.source in self._sources and await self._ping(row):
                state.set_settled(row)

    async def _ping(self, row: PictureRow) -> bool:
        """Tell the source that its picture was downloaded, as its rules demand; return whether it took it."""
        source = self._sources[row.source]
        try:
            self._count(source)
            source.check(await self._reply(source, row.found.ping))
        except SourceTrouble:
            return False
        return True

    async def _when_welcome(self, host: str) -> None:
        while (wait := self._until.get(host, 0.0) - time.monotonic()) > 0:
            await asyncio.sleep(wait)

    def _backoff(self, tried: int) -> float:
        wait = min(self._plan.manners.backoff * 2 ** (tried - 1), _LONGEST_BACKOFF)
        return float(wait * self._jitter.uniform(0.75, 1.25))


def _read_file(path: str, limit: int) -> Reply:
    """Return a file as a reply: a source reads either."""
    try:
        with Path(path).open("rb") as stream:
            data = stream.read(limit + 1)
    except OSError as error:
        raise SourceTrouble("bad-request", f"{path}: {error.strerror}") from error
    if len(data) > limit:
        raise SourceTrouble("bad-request", f"{path} has more than {limit} bytes")
    return Reply(200, {}, data, path)


def _address(call: Call) -> str:
    return f"{call.url}?{urlencode(call.params)}" if call.params else call.url


def _reply_of(response: Response) -> Reply:
    headers = {
        name.decode("latin-1").lower(): ", ".join(value.decode("latin-1") for value in values)
        for name, values in response.headers.items()
    }
    return Reply(response.status, headers, response.body, response.url)


def _facts_of(response: Response | None) -> dict[str, Any]:
    """Return what the manifest keeps of an answer."""
    if response is None:
        return {}
    facts = {"status": response.status, "url": response.url}
    for name in ("Content-Type", "Last-Modified", "ETag"):
        value = response.headers.get(name)
        if value:
            facts[name.lower()] = value.decode("latin-1")[:200]
    facts["at"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return facts


def _ignored(words: str) -> Refused:
    """Return what Scrapy, or a guard of ours, meant by leaving a request out."""
    if words == PRIVATE:
        return Refused("private-address", "the address is not of the public internet")
    if "robots.txt" in words:
        return Refused("robots", words)
    if "redirections" in words:
        return Refused("redirects", words)
    if "decompression" in words:
        return Refused("too-large", words[:200])
    return Refused("address", words[:200])
