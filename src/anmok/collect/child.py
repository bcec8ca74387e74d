"""The process that crawls: ``python -m anmok.collect.child FOLDER``, started by ``collect``.

A process of its own, because Twisted's reactor can run but once in one, so that notebooks and servers may collect, too.
It reads the job that ``collect`` wrote, tells what happens as one JSON object a line on standard output, and ends when
its standard input does: with the process that started it.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from scrapy import Spider
from scrapy.crawler import CrawlerProcess

import anmok
from anmok.collect.addresses import named_by
from anmok.collect.crawl import Crawl, count_only
from anmok.collect.fetching import Fetcher
from anmok.collect.keys import Redacting, read_keys
from anmok.collect.listing import Lister
from anmok.collect.plan import Plan
from anmok.collect.quotas import Quotas, account
from anmok.collect.scrapy_parts import ALLOWED, KEYS, OPT_OUT
from anmok.collect.sources import Source, get_source
from anmok.collect.state import APART, JOB, LOG, STAGED, STATE, PictureRow, State
from anmok.data.names import unescape_path
from anmok.data.sources import open_source

HOME = "https://github.com/anmok/anmok"


def report(event: str, **values: Any) -> None:
    """Tell the process that waits for us."""
    sys.stdout.write(json.dumps({"event": event, **values}, ensure_ascii=False) + "\n")
    sys.stdout.flush()


class CollectSpider(Spider):
    """Runs a ``Crawl`` on Scrapy's downloader: its own scheduler stays empty, for the ``State`` is the queue."""

    name = "anmok"

    def __init__(self, job: Job) -> None:
        super().__init__()
        self._job = job

    async def start(self) -> AsyncIterator[Any]:
        """Do the whole work; no request is handed to Scrapy's scheduler."""
        try:
            await self._job.run(self.crawler.engine)
        except Exception:
            # Scrapy would log it and close as if all were well.
            logging.getLogger(__name__).exception("the collection stopped")
            self._job.failed = True
        nothing: tuple[Any, ...] = ()
        for one in nothing:
            yield one


class Job:
    """What there is to do, as ``collect`` wrote it."""

    def __init__(self, hidden: Path) -> None:
        values = json.loads((hidden / JOB).read_text(encoding="utf-8"))
        self.plan = Plan.from_json(values["plan"])
        self.dry, self._hidden = bool(values["dry"]), hidden
        self.failed = False
        self.sources: dict[str, Source] = {
            name: get_source(name)(self.plan.endpoints.get(name, "")) for name in self.plan.sources
        }
        self.keys = {name: read_keys((*one.keys, *one.other_keys)) for name, one in self.sources.items()}

    @property
    def secrets(self) -> list[str]:
        """All keys."""
        return [value for keys in self.keys.values() for value in keys.values()]

    async def run(self, engine: Any) -> None:
        """Collect, or count."""
        state = State(":memory:" if self.dry else self._hidden / STATE)
        quotas = Quotas()
        try:
            accounts = {
                name: account(name, one.address(self.keys[name]), list(self.keys[name].values()))
                for name, one in self.sources.items()
            }
            fetcher = Fetcher(engine, self.plan, quotas, accounts, self.sources)
            lister = Lister(self.plan, state, self.sources, self.keys, caller=fetcher, report=report)
            if self.dry:
                await count_only(self.plan, lister, report)
                return
            staged = self._hidden / STAGED
            staged.mkdir(exist_ok=True)
            mend(state, self._hidden.parent, staged)
            crawl = Crawl(
                self.plan,
                state,
                folder=self._hidden.parent,
                staged=staged,
                lister=lister,
                fetcher=fetcher,
                report=report,
            )
            with contextlib.ExitStack() as opened:
                for location, pictures in self._apart():
                    source = opened.enter_context(contextlib.closing(open_source(unescape_path(location))))
                    crawl.judge.avoid(source, pictures)
                await fetcher.settle(state)
                await crawl.run()
        finally:
            quotas.close()
            state.close()

    def _apart(self) -> list[tuple[str, list[tuple[str, str, str]]]]:
        """Return the pictures elsewhere that are avoided, by where they are."""
        if not self.plan.apart_from:
            return []
        return [(one["source"], one["pictures"]) for one in json.loads((self._hidden / APART).read_text("utf-8"))]

    def settings(self) -> dict[str, Any]:
        """Return Scrapy's settings."""
        plan, manners = self.plan, self.plan.manners
        contact = manners.contact or f"+{HOME}"
        slots = {
            f"source:{name}": {"concurrency": 1, "delay": manners.delays.get(name, one.delay), "jitter": 0.0}
            for name, one in self.sources.items()
        }
        return {
            "USER_AGENT": f"Anmok/{anmok.__version__} ({contact}) Scrapy",
            "ROBOTSTXT_OBEY": manners.robots,
            "ROBOTSTXT_USER_AGENT": "Anmok",
            "CONCURRENT_REQUESTS": manners.in_all + 4,
            "CONCURRENT_REQUESTS_PER_DOMAIN": manners.per_host,
            "DOWNLOAD_DELAY": manners.delay,
            "DOWNLOAD_SLOTS": slots,
            "AUTOTHROTTLE_ENABLED": True,
            "AUTOTHROTTLE_START_DELAY": manners.start_delay,
            "AUTOTHROTTLE_TARGET_CONCURRENCY": float(manners.per_host),
            "DOWNLOAD_MAXSIZE": plan.limits.max_bytes,
            "DOWNLOAD_WARNSIZE": 0,
            "DOWNLOAD_TIMEOUT": plan.limits.seconds,
            "DOWNLOAD_FAIL_ON_DATALOSS": True,
            "DOWNLOAD_VERIFY_CERTIFICATES": True,
            "REDIRECT_MAX_TIMES": plan.limits.redirects,
            # Ours waits as Retry-After says, and remembers across kills.
            "RETRY_ENABLED": False,
            "COOKIES_ENABLED": False,
            "REFERER_ENABLED": True,
            "REFERRER_POLICY": "no-referrer",
            "HTTPPROXY_ENABLED": False,
            "TELNETCONSOLE_ENABLED": False,
            "REMOTE_CONTROL_ENABLED": False,
            "TWISTED_DNS_RESOLVER": "anmok.collect.scrapy_parts.PublicResolver",
            "DOWNLOAD_HANDLERS": {
                "http": "anmok.collect.scrapy_parts.KeyedHandler",
                "https": "anmok.collect.scrapy_parts.KeyedHandler",
                "data": None,
                "file": None,
                "ftp": None,
                "s3": None,
            },
            "DOWNLOADER_MIDDLEWARES": {
                "anmok.collect.scrapy_parts.AddressGuard": 90,
                "scrapy.downloadermiddlewares.httpauth.HttpAuthMiddleware": None,
            },
            "EXTENSIONS": {
                "anmok.collect.scrapy_parts.HeaderGuard": 0,
                "scrapy.extensions.memusage.MemoryUsage": None,
                "scrapy.extensions.logstats.LogStats": None,
            },
            "LOG_LEVEL": "INFO",
            "LOG_FILE": str(self._hidden / LOG),
            "STATS_DUMP": False,
            ALLOWED: [*plan.allow, *named_by(plan.endpoints.values())],
            OPT_OUT: manners.opt_out,
            KEYS: {name: self._key_parts(name, one) for name, one in self.sources.items()},
        }

    def _key_parts(self, name: str, source: Source) -> tuple[Mapping[str, str], Mapping[str, str], str]:
        if not self.keys[name]:
            return {}, {}, ""
        parts = urlsplit(source.address(self.keys[name]))
        return (*source.authorise(self.keys[name]), f"{parts.scheme}://{parts.netloc}".lower())


def mend(state: State, folder: Path, staged: Path) -> None:
    """Make files and rows agree again after a kill, a loss of power, or a person's tidying.

    What was fetched and has no bytes is fetched again; so is a kept file of another size. A kept one that is gone was
    taken away by somebody, so it stays away, and another one may take its place.
    """
    for part in staged.glob("*.part"):
        part.unlink()
    for row in list(state.pictures(states=("fetched",))):
        # Its bytes may have been moved into the collection by the last step before a kill: then the name is known.
        names = folder.glob(f"**/{row.source}-{row.sha256[:16]}.*")
        file = staged / str(row.id)
        file = file if file.exists() else next(names, file)
        if not _is_whole(file, row):
            state.set_new(row.id)
    for row in list(state.pictures(states=("kept",))):
        file = folder / row.path
        if not file.exists():
            state.set_refused(row.id, "removed", "somebody took the file away")
        elif not _is_whole(file, row):
            state.set_new(row.id)


def _is_whole(file: Path, row: PictureRow) -> bool:
    """Tell whether a file is there and has as many bytes as were fetched; after a loss of power it may have fewer."""
    return row.facts is not None and file.is_file() and file.stat().st_size == row.facts.bytes


def _end_with_parent() -> None:
    """End at once when the process that started us is gone; what was stored is whole at any moment."""
    # The descriptor and not `sys.stdin`, whose lock would be held when the interpreter shuts down.
    while os.read(0, 4096):
        pass
    os._exit(3)


def main(arguments: list[str]) -> int:
    """Run the job in the hidden folder of a collection."""
    job = Job(Path(arguments[0]))
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # Ctrl-C reaches all processes of a terminal; whoever started us decides, by closing our standard input.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    process = CrawlerProcess(job.settings())
    redacting = Redacting(job.secrets)
    for handler in logging.getLogger().handlers:
        handler.addFilter(redacting)
    crawler = process.create_crawler(CollectSpider)
    process.crawl(crawler, job=job)
    process.start(install_signal_handlers=False)
    report("end", failed=job.failed)
    return 1 if job.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
