"""When training pauses between two steps: to write a checkpoint, or because a person pressed Ctrl-C."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType

#: Checkpoints inside an epoch take at most this share of the time.
SHARE = 0.05


class Pace:
    """Says when a checkpoint is due inside an epoch.

    Args:
        minutes: between two checkpoints, at least; more where writing one takes so long that it would be more than
            ``SHARE`` of the time. 0: after every step.
    """

    def __init__(self, minutes: float) -> None:
        self._every = 60 * minutes
        self._last, self._cost = time.perf_counter(), 0.0

    @property
    def is_due(self) -> bool:
        """Tell whether it is time for one."""
        if self._every == 0:
            return True
        return time.perf_counter() - self._last >= max(self._every, self._cost / SHARE)

    @contextlib.contextmanager
    def saving(self) -> Iterator[None]:
        """Wrap the writing of a checkpoint, to learn how long it takes."""
        begin = time.perf_counter()
        yield
        self._last = time.perf_counter()
        self._cost = self._last - begin


class Stop:
    """Whether a person asked to stop."""

    def __init__(self) -> None:
        self.is_asked = False


@contextlib.contextmanager
def stop_between_steps() -> Iterator[Stop]:
    """Let Ctrl-C inside the block wait until a step is whole; a second Ctrl-C stops at once.

    A step that is interrupted in its middle would leave a network of which a part has learned. In threads other than
    the main one, which never see Ctrl-C, and where a program has a handler of its own, nothing changes.
    """
    stop = Stop()
    ordinary = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if threading.current_thread() is not threading.main_thread() or not ordinary:
        yield stop
        return

    def ask(_number: int, _frame: FrameType | None) -> None:
        stop.is_asked = True
        signal.signal(signal.SIGINT, signal.default_int_handler)

    signal.signal(signal.SIGINT, ask)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
