"""Photos of several requests through the model: one by one, or those that wait together.

No thread of its own and no waiting for company: whoever gets the turn answers for those who wait behind it as well.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

ItemT = TypeVar("ItemT")
AnswerT = TypeVar("AnswerT")


class _Ticket(Generic[ItemT, AnswerT]):
    """One caller's question."""

    __slots__ = ("answer", "answered", "error", "item", "taken")

    def __init__(self, item: ItemT) -> None:
        self.item, self.taken, self.answered = item, False, threading.Event()
        self.answer: AnswerT | None = None
        self.error: BaseException | None = None


class Batching(Generic[ItemT, AnswerT]):
    """Lets several threads ask what is best asked by few, and together.

    Args:
        run: answers several items in their order; called by at most as many threads as ``turns`` lets in.
        turns: who may run at the same time; several of these may share it.
        together: items at a time; 1: each by itself.
    """

    def __init__(
        self, run: Callable[[Sequence[ItemT]], Sequence[AnswerT]], *, turns: threading.Semaphore, together: int = 1
    ) -> None:
        self._run, self._turns, self._together = run, turns, together
        self._lock, self._waiting = threading.Lock(), deque[_Ticket[ItemT, AnswerT]]()

    @property
    def waiting(self) -> int:
        """Items that nobody has taken yet."""
        return len(self._waiting)

    def ask(self, item: ItemT) -> AnswerT:
        """Return the answer for one item; raises what ``run`` raised for those that it was asked with."""
        if self._together == 1:
            with self._turns:
                return self._run([item])[0]
        ticket: _Ticket[ItemT, AnswerT] = _Ticket(item)
        with self._lock:
            self._waiting.append(ticket)
        # Someone else may answer for us while we wait for the turn; then there may be nothing left to do.
        while not ticket.taken:
            with self._turns:
                self._answer(self._next())
        ticket.answered.wait()
        if ticket.error is not None:
            raise ticket.error
        return ticket.answer  # type: ignore[return-value]  # there is one where there is no error

    def _next(self) -> list[_Ticket[ItemT, AnswerT]]:
        with self._lock:
            batch = [self._waiting.popleft() for _number in range(min(self._together, len(self._waiting)))]
            for ticket in batch:
                ticket.taken = True
        return batch

    def _answer(self, batch: Sequence[_Ticket[ItemT, AnswerT]]) -> None:
        if not batch:
            return
        try:
            for ticket, answer in zip(batch, self._run([ticket.item for ticket in batch]), strict=True):
                ticket.answer = answer
        except BaseException as error:  # noqa: BLE001 - each caller raises it
            for ticket in batch:
                ticket.error = error
        finally:
            for ticket in batch:
                ticket.answered.set()
