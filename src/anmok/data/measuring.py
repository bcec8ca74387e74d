"""Files to facts, a handful at a time: what the cache knows is not opened, what it knows by its hash is not decoded."""

from __future__ import annotations

import hashlib
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from anmok.config import Limits
from anmok.data.measures import MEASURED_SIDE, Reduced, is_small, measure_all, reduce, reduce_all
from anmok.data.scancache import Facts, ScanCache
from anmok.data.source import Source, quarantine
from anmok.errors import PictureError, PictureTooLarge
from anmok.i18n import _, current_language, speak
from anmok.images import Upright, decode_image
from anmok.records import Quarantined

HANDFUL = 64
"""Files that a thread takes at a time: enough that calling NumPy and the cache costs little for each."""

HANDFUL_BYTES = 4 * 2**20
"""What was read is measured and written into the cache when there is so much of it, although the handful is not done:
large files need not be in memory together, and take long enough to decode that a kill would lose them all."""

SMALL_BYTES = 4096
"""Files that are smaller on average are decoded by one thread at a time, while others read and write: with them most
time goes into Python itself, which threads cannot share, and handing it to and fro took longer than the work."""

_TURN = threading.Lock()

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")


def work_through(
    work: Callable[[Sequence[ItemT]], ResultT], items: Iterable[ItemT], threads: int
) -> Iterator[tuple[Sequence[ItemT], ResultT]]:
    """Give handfuls of items to threads; yield each with its result, in order, while only a few are under way."""
    rest = iter(items)
    waiting: deque[tuple[Sequence[ItemT], Future[ResultT]]] = deque()
    with ThreadPoolExecutor(threads, "scan", initializer=speak, initargs=(current_language(),)) as pool:
        try:
            while handful := tuple(islice(rest, HANDFUL)):
                waiting.append((handful, pool.submit(work, handful)))
                if len(waiting) > 2 * threads:
                    first, future = waiting.popleft()
                    yield first, future.result()
            while waiting:
                first, future = waiting.popleft()
                yield first, future.result()
        finally:
            for _handful, future in waiting:
                future.cancel()


def measure_files(source: Source, paths: Sequence[str], cache: ScanCache, limits: Limits) -> list[Facts | Quarantined]:
    """Return the facts of each file, or why it is no sound picture within the limits.

    A file whose stamp the cache knows is not opened; all others are read once. A kill loses what was read and not yet
    put into the cache: at most ``HANDFUL`` files, or the few that ``HANDFUL_BYTES`` hold, in each thread.
    Refused files are not remembered: their reasons depend on limits and language.
    """
    stamps = [source.stamp(path) for path in paths]
    known = cache.get_stamped(stamp for stamp in stamps if stamp is not None)
    handful = _Handful(source, cache, limits)
    digests = [handful.take(path, stamp, known.get(stamp or "")) for path, stamp in zip(paths, stamps, strict=True)]
    handful.settle()
    return [handful.result(path, digest) for path, digest in zip(paths, digests, strict=True)]


@dataclass(slots=True)
class _Handful:
    """Files of one thread: read one by one; decoded, measured and remembered together.

    Attributes:
        facts: by SHA-256. digests: by stamp. waiting: bytes, and the paths that have them, by SHA-256.
        unsaved: SHA-256 by stamp, of what the cache does not know yet. errors: by path.
    """

    source: Source
    cache: ScanCache
    limits: Limits
    facts: dict[str, Facts] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    waiting: dict[str, tuple[bytes, list[str]]] = field(default_factory=dict)
    unsaved: dict[str, str] = field(default_factory=dict)
    errors: dict[str, PictureError] = field(default_factory=dict)
    size: int = 0

    def take(self, path: str, stamp: str | None, known: Facts | None) -> str:
        """Take one file, reading it only if that must be; return its SHA-256 (``""``: it cannot be read)."""
        if known is not None and known.bytes <= self.limits.max_bytes:
            self.facts[known.id] = known
            return known.id
        # A hard link to a file that was read a moment ago.
        digest = self.digests.get(stamp or "", "")
        if digest in self.waiting:
            self.waiting[digest][1].append(path)
            return digest
        if digest in self.facts:
            return digest
        try:
            data = self.source.read(path)
        except PictureError as error:
            self.errors[path] = error
            return ""
        return self._add(data, path, stamp)

    def _add(self, data: bytes, path: str, stamp: str | None) -> str:
        digest = hashlib.sha256(data).hexdigest()
        if stamp is not None:
            self.digests[stamp] = self.unsaved[stamp] = digest
        if digest not in self.facts:
            self.waiting.setdefault(digest, (data, []))[1].append(path)
            self.size += len(data)
            if self.size >= HANDFUL_BYTES:
                self.settle()
        return digest

    def settle(self) -> None:
        """Decode, measure and remember all that was read since the last time."""
        if not self.waiting and not self.unsaved:
            return
        self.facts |= self.cache.get(self.waiting)
        with _TURN if self.size < SMALL_BYTES * len(self.waiting) else nullcontext():
            new = self._measured()
        self.facts |= {facts.id: facts for facts, _thumb in new}
        stamps = {stamp: self.facts[digest] for stamp, digest in self.unsaved.items() if digest in self.facts}
        self.cache.put([(facts, thumb.tobytes()) for facts, thumb in new], stamps)
        self.waiting, self.unsaved, self.size = {}, {}, 0

    def _measured(self) -> list[tuple[Facts, NDArray[np.uint8]]]:
        batch = Batch()
        for digest, (data, paths) in self.waiting.items():
            picture = None if digest in self.facts else self._decode(data, paths)
            if picture is not None:
                batch.add(digest, len(data), picture)
        return batch.measure()

    def _decode(self, data: bytes, paths: Sequence[str]) -> Upright | None:
        """Decode what several paths may share; where it cannot be, each has its own error, which names it."""
        for path in paths:
            try:
                # A JPEG is decoded at a scale that is enough to measure, and faster. All of its data is still read, so
                # a file that was cut short is found.
                return decode_image(data, path, self.limits, MEASURED_SIDE)
            except PictureError as error:
                self.errors[path] = error
        return None

    def result(self, path: str, digest: str) -> Facts | Quarantined:
        facts = self.facts.get(digest)
        if facts is None:
            return quarantine(self.errors[path], path)
        if facts.width * facts.height > self.limits.max_pixels:
            text = _("{name} has {width}x{height} pixels; at most {limit:,} pixels are accepted.").format(
                name=path, width=facts.width, height=facts.height, limit=self.limits.max_pixels
            )
            return quarantine(PictureTooLarge(text), path)
        return facts


class Batch:
    """Decoded pictures that are measured together. Of a large one no more is kept than what is measured."""

    def __init__(self) -> None:
        self._known: list[tuple[str, int, int, str, str, int]] = []
        self._pictures: list[Image.Image | Reduced] = []

    def add(self, digest: str, size: int, picture: Upright) -> None:
        """Take a picture; ``digest`` is the SHA-256 of its file, and ``size`` the file's bytes."""
        self._known.append((digest, picture.width, picture.height, picture.mode, picture.format, size))
        image = picture.image
        self._pictures.append(image if is_small(image) else reduce(image))

    def measure(self) -> list[tuple[Facts, NDArray[np.uint8]]]:
        """Return facts and thumbnails, uint8 ``(32, 32, 3)``, in the order in which the pictures came."""
        reduced = reduce_all(self._pictures)
        rows = zip(self._known, measure_all(reduced), reduced, strict=True)
        return [(Facts._make((*known, *measures)), picture.thumb) for known, measures, picture in rows]
