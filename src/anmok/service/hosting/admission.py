"""How many photos a process takes on at a time: further ones are told to come again, before anything is decoded."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Busy(Exception):
    """As many photos wait as may wait. Answered with 503 and the seconds after which to ask again."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"the queue is full; again in {retry_after} s")
        self.retry_after = retry_after


class Admission:
    """Counts the photos that wait or are answered. Used by all threads of a process.

    Args:
        most: photos at a time.
        retry_after: seconds that the others are told to wait.
        changed: told of the number whenever it changes.
    """

    def __init__(
        self, most: int, *, retry_after: int = 3, changed: Callable[[int], object] = lambda _number: None
    ) -> None:
        self.most, self._retry_after, self._changed = most, retry_after, changed
        self._lock, self._inside, self._number = threading.Lock(), threading.local(), 0

    @property
    def number(self) -> int:
        """Photos that wait or are answered now."""
        return self._number

    @property
    def is_full(self) -> bool:
        """Whether the next photo would be refused."""
        return self._number >= self.most

    @contextmanager
    def place(self) -> Iterator[None]:
        """Hold a place; a thread that holds one already, for several photos of one request, takes no second.

        Raises:
            Busy: there is none.
        """
        if getattr(self._inside, "holds", False):
            yield
            return
        self._count(1)
        self._inside.holds = True
        try:
            yield
        finally:
            self._inside.holds = False
            self._count(-1)

    def _count(self, change: int) -> None:
        with self._lock:
            if change > 0 and self._number >= self.most:
                raise Busy(self._retry_after)
            self._number += change
            # Told under the lock: of two changes the later one is told last.
            self._changed(self._number)
