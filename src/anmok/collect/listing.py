"""Asks sources for pages, in an order that does not depend on time: source after source, their queries in turn."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from typing import Protocol

from anmok.collect.found import Call, Found, Page, Query, Reply, SourceTrouble
from anmok.collect.plan import ClassPlan, Plan, QueryText
from anmok.collect.sources import Source
from anmok.collect.state import ListRow, PictureRow, State
from anmok.i18n import _

#: Pages in a row without anything new, after which a list is taken for one that goes round in circles.
BARREN = 5

#: Refusals by what a source said, before anything was fetched: another plan may see them otherwise.
_BY_PLAN = frozenset({"licence", "too-small", "address"})
#: Refusals that may have passed by another run: of a network that was away, or a server that was busy.
_PASSING = frozenset({"unreachable", "private-or-unknown-host", "http-408", "http-425", "http-429"})


class Caller(Protocol):
    """Sends a call to a source, with manners and quota; see ``fetching.Fetcher``."""

    async def call(self, source: Source, call: Call) -> Reply:
        """Return the reply, whatever its status.

        Raises:
            SourceTrouble: there is none, or the quota is spent.
        """

    async def pause(self, source: Source, trouble: SourceTrouble, tried: int) -> bool:
        """Wait before another try; False where it would take too long, or was tried often enough."""


class Lister:
    """The lists of all classes.

    Args:
        sources: those of the plan, by name. keys: by source, names of those that are at hand.
    """

    def __init__(
        self,
        plan: Plan,
        state: State,
        sources: Mapping[str, Source],
        keys: Mapping[str, Collection[str]],
        *,
        caller: Caller,
        report: Callable[..., None],
    ) -> None:
        self._plan, self._state, self._sources, self._keys = plan, state, sources, keys
        self._caller, self._report = caller, report
        #: Sources that are not asked again in this run, and until when they would not answer (0: not at all).
        self._silent: dict[str, tuple[str, str, float]] = {}
        self._barren: Counter[int] = Counter()

    def begin(self, one: ClassPlan) -> None:
        """Make sure that the lists of a class are there."""
        for name in self._plan.sources:
            for text in one.queries:
                if not text.sources or name in text.sources:
                    query = self._query(text)
                    first = self._sources[name].first(query, self._keys[name])
                    self._state.add_list(one.name, name, text.text, ",".join(self._plan.licences), first)

    def reconsider(self, one: ClassPlan) -> None:
        """Let pictures be fetched that only an earlier plan, or a trouble that may be over, spoke against."""
        for row in list(self._state.pictures(label=one.name, states=("refused",))):
            passing = row.code in _PASSING or row.code.startswith("http-5")
            if (passing or (row.code in _BY_PLAN and not row.http)) and self.wants(one, row):
                self._state.set_new(row.id)

    def wants(self, one: ClassPlan, row: PictureRow) -> bool:
        """Tell whether the plan still wants a picture that was named, perhaps under another plan."""
        asked = {text.text for text in one.queries if not text.sources or row.source in text.sources}
        return row.source in self._plan.sources and row.query in asked and not self._refusal(row.found)[0]

    async def more(self, one: ClassPlan) -> bool:
        """Read pages until one gives something new; return whether one did."""
        while True:
            row = self._next(one)
            if row is None:
                return False
            page = await self._page(row, self._text(one, row))
            if page is None:
                continue
            if self._store(row, page) > 0:
                self._barren[row.id] = 0
                return True
            self._barren[row.id] += 1
            if self._barren[row.id] >= BARREN and page.next is not None:
                self._state.end_list(row, "done", f"{BARREN} pages in a row held nothing new")

    async def count(self, one: ClassPlan) -> None:
        """Read the first page of each list and report its total."""
        for row in [row for row in self._state.lists(one.name) if row.source in self._sources]:
            page = await self._page(row, self._text(one, row))
            first = len(page.found) if page else 0
            fit = sum(not self._refusal(found)[0] for found in page.found) if page else 0
            total = page.total if page else None
            reason = "" if page else next(r.reason for r in self._state.lists(one.name) if r.id == row.id)
            self._report(
                "count",
                label=row.label,
                source=row.source,
                query=row.query,
                total=total,
                first=first,
                fit=fit,
                reason=reason,
            )

    def _query(self, text: QueryText) -> Query:
        plan = self._plan
        return Query(
            text=text.text,
            language=text.language,
            licences=plan.licences,
            min_side=plan.min_side,
            random=plan.random,
        )

    def _text(self, one: ClassPlan, row: ListRow) -> QueryText:
        return next((text for text in one.queries if text.text == row.query), QueryText(text=row.query))

    def _next(self, one: ClassPlan) -> ListRow | None:
        """Return the list that is read next: of the first source that has one, that of which least was read."""
        texts = {text.text for text in one.queries}
        licences = ",".join(self._plan.licences)
        lists = [row for row in self._state.lists(one.name) if row.query in texts and row.licences == licences]
        for name in self._plan.sources:
            open_ones = [row for row in lists if row.source == name and row.state == "open"]
            if name in self._silent:
                for row in open_ones:
                    self._state.end_list(row, *self._silent[name])
                continue
            if open_ones:
                return min(open_ones, key=lambda row: (row.pages, row.id))
        return None

    async def _page(self, row: ListRow, text: QueryText) -> Page | None:
        """Return the next page of a list; None where it ended, with or without an error."""
        source, query, tried = self._sources[row.source], self._query(text), 0
        while True:
            try:
                reply = await self._caller.call(source, row.call)
                return source.read(reply, row.call, query)
            except SourceTrouble as trouble:
                tried += 1
                if trouble.kind in ("rate", "transient", "quota") and await self._caller.pause(source, trouble, tried):
                    continue
                self._give_up(row, trouble)
                return None

    def _give_up(self, row: ListRow, trouble: SourceTrouble) -> None:
        if trouble.kind == "end":
            self._state.end_list(row, "done")
            return
        if trouble.kind in ("quota", "rate"):
            state = "waiting", str(trouble), time.time() + (trouble.wait or 0.0)
        else:
            state = "stopped", str(trouble), 0.0
        self._state.end_list(row, *state)
        # What one web page forbids says nothing about the next one, which may be of another host.
        if trouble.kind not in ("bad-request", "transient") and self._sources[row.source].is_api:
            self._silent[row.source] = state
        self._report(
            "trouble", label=row.label, source=row.source, query=row.query, kind=trouble.kind, reason=trouble.message
        )

    def _store(self, row: ListRow, page: Page) -> int:
        judged = [(found, *self._refusal(found)) for found in page.found]
        return self._state.add_page(row, judged, page.next, page.total)

    def _refusal(self, found: Found) -> tuple[str, str]:
        """Return code and reason of a refusal before anything is fetched; two empty texts where there is none."""
        if self._plan.licences and found.licence.code not in self._plan.licences:
            return "licence", found.licence.name or _("no licence was named")
        if found.width and found.height and min(found.width, found.height) < self._plan.min_side:
            return "too-small", f"{found.width}x{found.height}"
        if not found.image_url.lower().startswith(("http://", "https://")):
            return "address", found.image_url[:100]
        return "", ""
