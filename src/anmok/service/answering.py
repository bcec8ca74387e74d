"""The models of this process: opened once, asked by all threads, exchanged while they answer (``hosting``)."""

from __future__ import annotations

import functools
import threading

from django.conf import settings

from anmok import images
from anmok.config import Limits
from anmok.errors import PictureError, UnknownName
from anmok.features.session import count_threads
from anmok.records import Prediction, PredictionFailure
from anmok.service.hosting import metrics
from anmok.service.hosting.admission import Admission
from anmok.service.hosting.choices import from_environment
from anmok.service.hosting.host import ModelHost
from anmok.service.hosting.hosted import HostedBundle, Serving
from anmok.service.hosting.store import BundleStore

#: Candidates that an answer names.
CANDIDATES = 5
#: Pixels of a photo; a phone's largest have 200 million, which are not worth the memory here.
LIMITS = Limits(max_bytes=20 * 2**20, max_pixels=80_000_000)
#: Held while a photo is decoded: the largest take 300 MB then, and each process has many threads.
FEW_AT_ONCE = threading.BoundedSemaphore(2)


@functools.cache
def host() -> ModelHost:
    """Return the bundles of this process; the first call, which one thread makes, opens them.

    Raises:
        BundleError, SourceNotFound: one is damaged or missing, and no good copy of it was kept.
        UsageError: the setting ANMOK_BUNDLE is none.
    """
    turns = threading.BoundedSemaphore(count_threads())
    serving = Serving(turns=turns, together=settings.TOGETHER, candidates=CANDIDATES, limits=LIMITS)
    return ModelHost(from_environment(settings.BUNDLE), BundleStore(settings.FOLDER.path), serving)


@functools.cache
def admission() -> Admission:
    """Return what counts the photos that this process has taken on."""
    metrics.note_room(settings.MOST_WAITING)
    return Admission(settings.MOST_WAITING, changed=metrics.note_waiting)


def served(name: str = "") -> HostedBundle:
    """Return the bundle that answers under a name now; empty: that of the home page.

    Raises:
        UnknownName: there is none of that name.
        BundleError: the service was started without any.
    """
    return host().get(name)


def served_for(mark: str) -> HostedBundle:
    """Return the bundle of the name that an upload's row is marked with; the usual one where it answers no longer.

    Raises:
        BundleError: the service was started without any.
    """
    try:
        return served(mark.partition("@")[0])
    except UnknownName:
        return served()


def further_name(hosted: HostedBundle) -> str:
    """Return a bundle's name as a part of addresses: empty for the usual one, which has the plain addresses."""
    return "" if hosted is served() else hosted.name


def known_labels() -> frozenset[str]:
    """Return the classes of all bundles that answer now."""
    return frozenset(label for hosted in host().all() for label in hosted.predictor.labels)


def ask(name: str, data: bytes) -> Prediction | PredictionFailure:
    """Answer for the bytes of one photo, without keeping it."""
    hosted = served()
    info = hosted.predictor.info
    try:
        with FEW_AT_ONCE:
            square = images.load(data, name=name, size=info.image_size, rule=info.resize, limits=LIMITS)
    except PictureError as error:
        return PredictionFailure(path=name, error=str(error))
    return hosted.ask(name, square)
