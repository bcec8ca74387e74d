"""The thread of a process that looks every second whether a bundle was replaced."""

from __future__ import annotations

import logging
import threading
import time

from anmok.service.hosting.host import ModelHost

logger = logging.getLogger(__name__)

#: Between two looks. A file must look the same twice, so a new one answers after two of them and what opening takes.
SECONDS = 1.0


def watch(host: ModelHost, *, seconds: float = SECONDS) -> threading.Thread:
    """Start looking; it ends with the process."""
    thread = threading.Thread(target=_look, args=(host, seconds), name="anmok-bundles", daemon=True)
    thread.start()
    return thread


def _look(host: ModelHost, seconds: float) -> None:
    while True:
        time.sleep(seconds)
        try:
            host.refresh()
        except Exception:
            # What answers goes on answering; the next look may find the reason gone.
            logger.exception("bundles could not be looked at")
