"""An extractor is an ONNX graph that turns pictures into vectors; each picture goes through it once."""

from __future__ import annotations

import contextlib
import hashlib
import re
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from anmok.config import Limits, ResizeRule
from anmok.errors import DataError, PictureError
from anmok.features.cache import VectorCache
from anmok.features.engine import Item, run_graph, stream_pixels
from anmok.features.pixels import PixelFile
from anmok.features.session import open_session
from anmok.i18n import _
from anmok.progress import Progress, SilentProgress

if TYPE_CHECKING:
    from anmok.data.manifest import Manifest
    from anmok.data.source import Source

#: New vectors go into the cache when there are so many, or after so many seconds: a kill loses no more than these.
PUT_EVERY, PUT_SECONDS = 256, 2.0

#: Rises when decoding or resizing changes what models see, so that no cached vector or pixel outlives the change.
DECODE_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Extractor:
    """An ONNX graph: uint8 ``pictures`` ``(N, S, S, 3)`` to float32 ``embedding`` ``(N, D)`` and ``feature_map``.

    Attributes:
        name: of the model, for people.
        onnx: the graph's file.
        sha256: of the graph's file.
        input_size: S, pixels.
        resize: how a picture becomes that square.
        dim: D.
    """

    name: str
    onnx: Path
    sha256: str
    input_size: int
    resize: ResizeRule
    dim: int

    def __post_init__(self) -> None:
        if not re.fullmatch("[0-9a-f]{64}", self.sha256) or self.input_size < 1 or self.dim < 1:
            raise ValueError(f"extractor {self.name!r} has a wrong sha256, input size or dim")

    @property
    def key(self) -> str:
        """Return what a vector depends on beside the picture: 64 hexadecimal digits."""
        parts = (self.sha256, str(self.input_size), self.resize, str(DECODE_VERSION))
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def extract(
    manifest: Manifest,
    extractor: Extractor,
    *,
    limits: Limits = Limits(),  # noqa: B008
    threads: int = 0,
    progress: Progress | None = None,
) -> NDArray[np.float32]:
    """Turn all pictures of a manifest into vectors; what was computed before comes from the cache.

    Args:
        limits: the same as in the scan.
        threads: of decoding and inference; 0 takes all cores.

    Returns:
        float32 ``(N, D)``, rows in the manifest's order.

    Raises:
        DataError: a picture is not there any more, or is not the one that was scanned.
        SourceNotFound: the source is not there any more.
    """
    progress = progress or SilentProgress()
    ids = manifest.table["id"].tolist()
    row_of: dict[str, int] = {}
    for row, picture in enumerate(ids):
        row_of.setdefault(picture, row)
    vectors = np.empty((len(ids), extractor.dim), dtype=np.float32)
    title = _("{name}: features").format(name=extractor.name)
    with VectorCache(warn=progress.say) as cache, progress.task(title, len(ids), unit=_("pictures")) as task:
        known = cache.get(extractor.key, row_of, dim=extractor.dim)
        for picture, vector in known.items():
            vectors[row_of[picture]] = vector
        new = [picture for picture in row_of if picture not in known]
        task.advance(len(ids) - len(new))
        if new:
            paths = manifest.table["path"].to_numpy()
            with manifest.open_source(limits=limits) as source, _Batches(cache, extractor.key) as batches:
                items = _items(source, [paths[row_of[picture]] for picture in new], new)
                with contextlib.closing(_computed(items, new, extractor, limits, threads)) as computed:
                    for picture, vector in computed:
                        vectors[row_of[picture]] = vector
                        batches.add(picture, vector)
                        task.advance()
    for row, picture in enumerate(ids):
        vectors[row] = vectors[row_of[picture]]
    return vectors


def _computed(
    items: Sequence[Item], ids: Sequence[str], extractor: Extractor, limits: Limits, threads: int
) -> Generator[tuple[str, NDArray[np.float32]]]:
    results = run_graph(
        items,
        open_session(extractor.onnx, threads=1),
        outputs=["embedding"],
        size=extractor.input_size,
        rule=extractor.resize,
        limits=limits,
        threads=threads,
    )
    # Closed at once where something goes wrong, so that no worker reads on from a source that is closed.
    with contextlib.closing(results):
        for picture, (_path, result) in zip(ids, results, strict=True):
            if isinstance(result, PictureError):
                raise _changed(result) from result
            yield picture, result[0]


def load_pixels(
    manifest: Manifest,
    size: int,
    rule: ResizeRule,
    *,
    limits: Limits = Limits(),  # noqa: B008
    threads: int = 0,
    progress: Progress | None = None,
) -> NDArray[np.uint8]:
    """Decode and resize all pictures of a manifest once, into a file of the cache that later calls use again.

    Args:
        size: side of the square, pixels.
        limits: the same as in the scan.
        threads: of decoding; 0 takes all cores.

    Returns:
        uint8 ``(N, size, size, 3)``, rows in the manifest's order, memory-mapped and read-only.

    Raises:
        DataError: a picture is not there any more, or is not the one that was scanned.
        StorageError: the cache's disk is full, or may not be written.
    """
    progress = progress or SilentProgress()
    ids = manifest.table["id"].tolist()
    file = PixelFile.of(ids, size, rule, DECODE_VERSION)
    if (ready := file.open()) is not None:
        return ready
    title = _("decoding pictures to {size}x{size}").format(size=size)
    with (
        progress.task(title, len(ids), unit=_("pictures")) as task,
        manifest.open_source(limits=limits) as source,
        file.writing() as write,
    ):
        items = _items(source, manifest.table["path"].tolist(), ids)
        with contextlib.closing(stream_pixels(items, size=size, rule=rule, limits=limits, threads=threads)) as results:
            for _path, result in results:
                if isinstance(result, PictureError):
                    raise _changed(result) from result
                write(result)
                task.advance()
    ready = file.open()
    assert ready is not None
    return ready


class _Batches:
    """Collects new vectors and puts them into the cache now and then, and at the end, also at a bad end."""

    def __init__(self, cache: VectorCache, key: str) -> None:
        self._cache, self._key = cache, key
        self._waiting: dict[str, NDArray[np.float32]] = {}
        self._since = time.monotonic()

    def add(self, picture: str, vector: NDArray[np.float32]) -> None:
        self._waiting[picture] = vector
        if len(self._waiting) >= PUT_EVERY or time.monotonic() - self._since > PUT_SECONDS:
            self._put()

    def _put(self) -> None:
        self._cache.put(self._key, self._waiting)
        self._waiting = {}
        self._since = time.monotonic()

    def __enter__(self) -> _Batches:
        return self

    def __exit__(self, *reason: object) -> None:
        self._put()


def _items(source: Source, paths: Sequence[str], ids: Sequence[str]) -> list[Item]:
    return [(path, _reader(source, path, picture)) for path, picture in zip(paths, ids, strict=True)]


def _reader(source: Source, path: str, picture: str) -> Callable[[], bytes]:
    return partial(_read, source, path, picture)


def _read(source: Source, path: str, picture: str) -> bytes:
    data = source.read(path)
    if hashlib.sha256(data).hexdigest() != picture:
        raise PictureError(_("{path} is not the picture that was scanned: its content has changed.").format(path=path))
    return data


def _changed(error: PictureError) -> DataError:
    return DataError(error.message, hint=_("Put the picture back, or scan again."))
