"""The way of a collection, one class after the other: list, fetch ahead, judge in order, until there is enough.

Never more is fetched than is still wanted: a picture that is refused lets the next one be fetched. Only asyncio is
known here; what sends a request is handed in (``fetching``), and all that must outlive a kill stands in the ``State``.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from anmok.collect.checking import Refused
from anmok.collect.judge import Judge
from anmok.collect.listing import Lister
from anmok.collect.plan import ClassPlan, Plan
from anmok.collect.state import RIGHT, PictureRow, State
from anmok.data.scancache import Facts

_CHUNK = 256

#: Told of what happens: the kind of event and its values.
Report = Callable[..., None]


class PictureFetcher(Protocol):
    """Fetches one picture, with all tries; see ``fetching.Fetcher``."""

    async def picture(self, row: PictureRow) -> tuple[bytes, Facts, dict[str, Any]] | tuple[Refused, dict[str, Any]]:
        """Return its bytes, facts and what the server said; or why there are none."""


class Crawl:
    """Fills all classes of a plan.

    Args:
        folder: the collection. staged: where fetched bytes wait.
    """

    def __init__(
        self,
        plan: Plan,
        state: State,
        *,
        folder: Path,
        staged: Path,
        lister: Lister,
        fetcher: PictureFetcher,
        report: Report,
    ) -> None:
        self.plan, self.state, self.staged = plan, state, staged
        self.lister, self.fetcher, self.report = lister, fetcher, report
        self.judge = Judge(plan, state, folder, staged)

    async def run(self) -> None:
        """Fill the classes."""
        for one in self.plan.classes:
            await _Filling(self, one).run()


class _Filling:
    """One class.

    Attributes:
        _order: numbers of pictures under way or waiting to be judged, in the order in which they were named.
        _ready: those that are fetched, by number. _tasks: those under way.
    """

    def __init__(self, crawl: Crawl, one: ClassPlan) -> None:
        self._class, self._plan, self._state, self._staged = one, crawl.plan, crawl.state, crawl.staged
        self._lister, self._fetcher, self._judge, self._report = crawl.lister, crawl.fetcher, crawl.judge, crawl.report
        self._order: deque[int] = deque()
        self._ready: dict[int, PictureRow] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._listing: asyncio.Task[None] | None = None
        self._waiting: deque[PictureRow] = deque()
        self._last = 0
        self._listed_all = False

    async def run(self) -> None:
        """Fill the class, or find that nothing more can be had."""
        self._lister.begin(self._class)
        if self._kept < self._plan.wanted:
            self._lister.reconsider(self._class)
        self._report("class", label=self._class.name, kept=self._kept, wanted=self._plan.wanted)
        try:
            while True:
                self._decide()
                if self._kept >= self._plan.wanted:
                    break
                self._start_fetching()
                self._start_listing()
                running = [*self._tasks.values(), *([self._listing] if self._listing else [])]
                if not running:
                    break
                done, _pending = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                self._collect(done)
        finally:
            for task in (*self._tasks.values(), *([self._listing] if self._listing else [])):
                task.cancel()
        self._report("filled", label=self._class.name, kept=self._kept, wanted=self._plan.wanted)

    @property
    def _kept(self) -> int:
        return self._judge.kept.get(self._class.name, 0)

    @property
    def _needed(self) -> int:
        """Pictures that may still be fetched: as if all that are under way were good."""
        return self._plan.wanted - self._kept - len(self._order)

    def _decide(self) -> None:
        """Judge what stands at the head of the order."""
        while self._order and self._order[0] not in self._tasks and self._kept < self._plan.wanted:
            row = self._ready.pop(self._order.popleft(), None)
            if row is None:  # refused while it was fetched
                continue
            path = self._judge.decide(row)
            if path:
                self._report("kept", label=row.label, path=path, kept=self._kept)

    def _start_fetching(self) -> None:
        while self._needed > 0 and len(self._tasks) < 2 * self._plan.manners.in_all:
            row = self._next()
            if row is None:
                return
            self._order.append(row.id)
            if row.state == "fetched":
                self._ready[row.id] = row
                # It may be all that is left, so that nothing would wake the loop.
                self._decide()
                continue
            self._tasks[row.id] = asyncio.create_task(self._fetch(row))

    def _next(self) -> PictureRow | None:
        while True:
            if not self._waiting:
                rows = self._state.pictures(
                    label=self._class.name, states=("new", "fetched"), after=self._last, most=_CHUNK
                )
                self._waiting.extend(rows)
            if not self._waiting:
                return None
            row = self._waiting.popleft()
            self._last = row.id
            if self._lister.wants(self._class, row):
                return row

    async def _fetch(self, row: PictureRow) -> None:
        known = self._state.same_address(row)
        if known is not None:
            other = known.path or known.reason
            self._state.set_refused(row.id, "duplicate" if known.path else known.code, other)
            return
        result = await self._fetcher.picture(row)
        if len(result) == 2:
            refused, http = result
            self._state.set_refused(row.id, refused.code, refused.reason, http)
            self._report("refused", label=row.label, code=refused.code, reason=refused.reason, url=row.found.image_url)
            return
        data, facts, http = result
        if self._plan.right.get(row.source):
            http[RIGHT] = self._plan.right[row.source]
        # First the bytes, then the row that says that they are there.
        part = self._staged / f"{row.id}.part"
        part.write_bytes(data)
        part.replace(self._staged / str(row.id))
        self._state.set_fetched(row.id, facts, http)
        self._ready[row.id] = replace(row, state="fetched", sha256=facts.id, facts=facts, http=http)

    def _start_listing(self) -> None:
        if self._listing is None and not self._listed_all and self._needed > 0 and not self._waiting:
            self._listing = asyncio.create_task(self._list())

    async def _list(self) -> None:
        self._listed_all = not await self._lister.more(self._class)

    def _collect(self, done: set[asyncio.Task[None]]) -> None:
        for task in done:
            task.result()
        if self._listing in done:
            self._listing = None
        for number in [number for number, task in self._tasks.items() if task in done]:
            del self._tasks[number]


async def count_only(plan: Plan, lister: Lister, report: Report) -> None:
    """Ask for one page of each list, and tell how many pictures each has; nothing is downloaded."""
    for one in plan.classes:
        lister.begin(one)
        await lister.count(one)
    report("counted")
