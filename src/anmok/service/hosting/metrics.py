"""What is counted, for Prometheus: each process counts in files of one folder, and whichever is asked adds them up.

The folder is named (``share_between_processes``) before this module is imported; else a process counts for itself.
"""

from __future__ import annotations

import os

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

from anmok.service.hosting.shared_counts import FOLDER_VARIABLE

CONTENT_TYPE: str = CONTENT_TYPE_LATEST
#: Seconds; small photos take some milliseconds, large ones a second.
_BUCKETS = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)

_REQUESTS = Counter("anmok_requests", "Requests that were answered.", ("endpoint", "method", "status"))
_REQUEST_SECONDS = Histogram(
    "anmok_request_seconds", "Seconds from the whole request to the answer.", ("endpoint",), buckets=_BUCKETS
)
_WAITING = Gauge("anmok_photos_waiting", "Photos that wait or are answered now.", multiprocess_mode="livesum")
_ROOM = Gauge("anmok_photos_room", "Photos that may wait or be answered at a time.", multiprocess_mode="livesum")
_REFUSED = Counter("anmok_photos_refused", "Photos that were refused because the queue was full.")
_ANSWERS = Counter("anmok_answers", "Answers for photos.", ("model", "label", "unknown"))
_MODEL_SECONDS = Histogram(
    "anmok_model_seconds", "Seconds for the model, the wait for its turn included.", ("model",), buckets=_BUCKETS
)
_VERSIONS = Gauge(
    "anmok_model_processes",
    "Processes in which that version of a model answers.",
    ("model", "version", "bundle"),
    multiprocess_mode="livesum",
)
_EXCHANGES = Counter("anmok_model_exchanges", "New files of a model that a process found.", ("model", "outcome"))


def count_request(endpoint: str, method: str, status: int, seconds: float) -> None:
    """Count an answered request; ``endpoint`` is a pattern of addresses, never an address."""
    _REQUESTS.labels(endpoint, method, status).inc()
    _REQUEST_SECONDS.labels(endpoint).observe(seconds)


def count_answer(model: str, label: str, *, unknown: bool, seconds: float) -> None:
    """Count an answer for a photo: the class that was named or, where it is none of these, came nearest."""
    _ANSWERS.labels(model, label, "true" if unknown else "false").inc()
    _MODEL_SECONDS.labels(model).observe(seconds)


def note_waiting(number: int) -> None:
    """Note how many photos wait or are answered in this process."""
    _WAITING.set(number)


def note_room(most: int) -> None:
    """Note how many photos this process takes on at a time."""
    _ROOM.set(most)


def count_refused() -> None:
    """Count a photo that found the queue full."""
    _REFUSED.inc()


def count_exchange(model: str, *, taken: bool) -> None:
    """Count a new file of a model: taken, or refused because it is damaged."""
    _EXCHANGES.labels(model, "taken" if taken else "refused").inc()


def note_version(model: str, version: str, bundle: str, *, answers: bool) -> None:
    """Note whether that version of a model answers in this process."""
    _VERSIONS.labels(model, version, bundle).set(1 if answers else 0)


def exposition() -> bytes:
    """Return all counts of all processes as Prometheus reads them."""
    if FOLDER_VARIABLE not in os.environ:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)
