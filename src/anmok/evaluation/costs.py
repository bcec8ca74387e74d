"""What a model costs those who use it: the size of its bundle, the wait for one picture, the time to train it again."""

from __future__ import annotations

import math

from anmok.evaluation.results import ModelResult
from anmok.i18n import _

#: A bundle counts as clearly smaller where the other has so many times its bytes.
CLEARLY_SMALLER = 1.5
#: Times as long for one picture; one measurement on a shared machine says no more.
CLEARLY_QUICKER = 2.0
#: What is cheaper in one way may be dearer in the other by this factor at most.
HARDLY_MORE = 1.25


def clearly_cheaper(cheap: ModelResult, dear: ModelResult) -> bool:
    """Tell whether a model costs clearly less to use, in one way at least, and hardly more in the other.

    The time of training is not looked at: both are trained, and the one that is used more often is used more cheaply.
    Where the wait for one picture was not measured, nothing is called cheaper.
    """
    if not (cheap.latency_ms and dear.latency_ms and cheap.bundle_bytes and dear.bundle_bytes):
        return False
    smaller = dear.bundle_bytes / cheap.bundle_bytes
    quicker = dear.latency_ms / cheap.latency_ms
    is_clear = smaller >= CLEARLY_SMALLER or quicker >= CLEARLY_QUICKER
    return is_clear and min(smaller, quicker) >= 1 / HARDLY_MORE


def cost_words(model: ModelResult) -> str:
    """Return the costs of a model in words, for example "9.2 MB, 4.1 ms a picture, trained in 95 s"."""
    parts = [size_words(model.bundle_bytes)]
    if model.latency_ms is not None and math.isfinite(model.latency_ms):
        parts.append(_("{latency} a picture").format(latency=latency_words(model.latency_ms)))
    if math.isfinite(model.seconds_to_train):
        parts.append(_("trained in {time}").format(time=time_words(model.seconds_to_train)))
    return ", ".join(parts)


def size_words(count: int) -> str:
    """Return a number of bytes in megabytes, or in kilobytes below one."""
    return f"{count / 1e6:,.1f} MB" if count >= 950_000 else f"{count / 1e3:,.0f} kB"


def latency_words(milliseconds: float) -> str:
    """Return milliseconds with two digits that count: one measurement on a shared machine says no more."""
    return f"{milliseconds:.1f} ms" if milliseconds < 9.95 else f"{milliseconds:,.0f} ms"


def time_words(seconds: float) -> str:
    """Return seconds, or minutes and hours where one would say so."""
    if seconds < 9.95:
        return _("{seconds} s").format(seconds=f"{seconds:.1f}")
    if seconds < 99.5:
        return _("{seconds} s").format(seconds=f"{seconds:.0f}")
    minutes = round(seconds / 60)
    if minutes < 60:
        return _("{minutes} min").format(minutes=minutes)
    return _("{hours} h {minutes} min").format(hours=minutes // 60, minutes=minutes % 60)
