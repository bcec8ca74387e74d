"""The contract of a source: how to ask for a page, how to read it, what its errors mean, what it demands."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from typing import ClassVar

from anmok.collect.found import Call, Page, Query, Reply, SourceTrouble

#: Statuses that mean that asking again may help.
_TRANSIENT = 408, 500, 502, 503, 504, 520, 522, 524, 529


class Source(ABC):
    """Where pictures are looked for. Stateless: all that changes from page to page stands in the ``Call``.

    A source is one file with one subclass under ``@register_source``, named in ``members.py``; the contract test finds
    it. It never sees the network: it makes calls and reads replies.

    Attributes:
        name: as the command line calls it. title: as people call it. home: where its rules are written.
        endpoint: address of its API; another one (a mirror, a test) may be given.
        keys: environment variables without which it cannot be asked; other_keys: those that serve instead of them.
        page_size: results that are asked for at a time.
        quota: calls and seconds, the widest window that the source counts in; a default, changed by ``quotas`` of a
            plan. None: none is known.
        delay: seconds between two calls.
        duty: a sentence about terms that speak against storing or training (marked for translation); ``""``: none
            known, the licence of each picture decides. A source with a duty starts only with a stated right.
        notice: a sentence that is said when it is used; ``""``: none.
        credit: what must be shown beside the pictures (goes into the attribution file).
    """

    name: ClassVar[str]
    title: ClassVar[str]
    home: ClassVar[str]
    endpoint: str = ""
    keys: ClassVar[tuple[str, ...]] = ()
    other_keys: ClassVar[tuple[str, ...]] = ()
    page_size: int = 20
    quota: ClassVar[tuple[int, float] | None] = None
    delay: ClassVar[float] = 1.0
    duty: ClassVar[str] = ""
    notice: ClassVar[str] = ""
    credit: ClassVar[str] = ""
    has_random: ClassVar[bool] = False
    #: Robots.txt is for crawlers; a documented API is asked by its own terms. Sources that read pages obey it, and the
    #: parameters of their calls are notes of theirs that are not sent.
    is_api: ClassVar[bool] = True
    #: The call names a file on this machine, which is read and not fetched.
    is_file: ClassVar[bool] = False

    def __init__(self, endpoint: str = "") -> None:
        self.endpoint = endpoint or type(self).endpoint

    @classmethod
    def missing(cls, at_hand: Collection[str]) -> tuple[str, ...]:
        """Return the keys that are wanted and not among the names ``at_hand``; none where the others serve."""
        if cls.other_keys and all(name in at_hand for name in cls.other_keys):
            return ()
        return tuple(name for name in cls.keys if name not in at_hand)

    def address(self, at_hand: Collection[str]) -> str:
        """Return where the API is, with the keys that are ``at_hand``; keys are sent to no other place."""
        return self.endpoint

    @abstractmethod
    def first(self, query: Query, at_hand: Collection[str] = ()) -> Call:
        """Return the call for the first page.

        Args:
            at_hand: names of the keys that are there.
        """

    def authorise(self, keys: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
        """Return parameters and headers that carry the keys. They are added when a call is sent, and never stored."""
        return {}, {}

    @abstractmethod
    def read(self, reply: Reply, call: Call, query: Query) -> Page:
        """Read a page.

        Raises:
            SourceTrouble: the reply says that something is wrong, or is no page.
        """

    def check(self, reply: Reply) -> None:
        """Raise ``SourceTrouble`` by the bare status; sources look for their own signs before."""
        status = reply.status
        if status == 200:
            return
        said = f"HTTP {status}: {reply.text()[:200]}"
        if status == 401:
            raise SourceTrouble("bad-key", said)
        if status == 403 or 300 <= status < 400:
            raise SourceTrouble("not-permitted", said)
        if status == 429:
            raise SourceTrouble("rate", said, wait=retry_after(reply))
        if status in _TRANSIENT:
            raise SourceTrouble("transient", said, wait=retry_after(reply))
        raise SourceTrouble("bad-request", said)


def retry_after(reply: Reply) -> float | None:
    """Return the seconds of ``Retry-After``, whether it gives seconds or a date; None where it gives nothing sound."""
    from email.utils import parsedate_to_datetime
    from time import time

    value = reply.headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        return max(parsedate_to_datetime(value).timestamp() - time(), 0.0)
    except (ValueError, TypeError, OverflowError):
        return None
