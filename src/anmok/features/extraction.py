"""Turns all pictures of a manifest into vectors or pixels; each picture goes through an extractor's graph once."""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from anmok.config import Limits, ResizeRule
from anmok.errors import DataError, PictureError
from anmok.features.cache import VectorCache
from anmok.features.cache_maps import MapFiles, Maps
from anmok.features.engine import Item, run_graph, stream_pixels
from anmok.features.extractor import DECODE_VERSION, Extractor, View
from anmok.features.extractor_outputs import graph_with_vector
from anmok.features.pixels import PixelFile
from anmok.features.session import open_session
from anmok.i18n import _
from anmok.progress import Progress, SilentProgress, Task

if TYPE_CHECKING:
    from anmok.data.manifest import Manifest
    from anmok.data.source import Source

#: New vectors go into the cache when there are so many, or after so many seconds: a kill loses no more than these.
PUT_EVERY, PUT_SECONDS = 256, 2.0


def extract(
    manifest: Manifest,
    extractor: Extractor,
    *,
    view: View | None = None,
    limits: Limits = Limits(),  # noqa: B008
    threads: int = 0,
    progress: Progress | None = None,
    spared: Callable[[Mapping[str, float]], object] = lambda seconds: None,
) -> NDArray[np.float32]:
    """Turn all pictures of a manifest into vectors; what was computed before comes from the cache.

    Args:
        view: look at changed pictures; None looks at them as they are.
        limits: the same as in the scan.
        threads: of decoding and inference; 0 takes all cores.
        spared: is told of the vectors from the cache, by picture id, the seconds that each took when it was made.

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
    key = _key(extractor, view)
    with (
        VectorCache(warn=progress.say) as cache,
        progress.task(_title(extractor, view), len(ids), unit=_("pictures")) as task,
    ):
        known = cache.get_timed(key, row_of, dim=extractor.dim)
        for picture, (vector, _seconds) in known.items():
            vectors[row_of[picture]] = vector
        spared({picture: seconds for picture, (_vector, seconds) in known.items()})
        new = [picture for picture in row_of if picture not in known]
        task.advance(len(ids) - len(new))
        if new:
            paths = manifest.table["path"].to_numpy()
            with manifest.open_source(limits=limits) as source, _Batches(cache, key) as batches:
                items = _items(source, [paths[row_of[picture]] for picture in new], new)
                with contextlib.closing(
                    _computed(items, new, extractor, view, limits=limits, threads=threads)
                ) as computed:
                    for picture, vector in computed:
                        vectors[row_of[picture]] = vector
                        batches.add(picture, vector)
                        task.advance()
    for row, picture in enumerate(ids):
        vectors[row] = vectors[row_of[picture]]
    return vectors


def extract_maps(
    manifest: Manifest,
    extractor: Extractor,
    *,
    dtype: str = "<f2",
    view: View | None = None,
    limits: Limits = Limits(),  # noqa: B008
    threads: int = 0,
    progress: Progress | None = None,
    spared: Callable[[Mapping[str, float]], object] = lambda seconds: None,
) -> Maps:
    """Do what ``extract`` does for vectors too large for memory, such as whole feature maps.

    They lie in files of the cache, and of them only what is asked for is read. The files are written one by one, a few
    hundred pictures each, so a kill loses the one that was begun; at most its size is held in memory.

    Args:
        dtype: ``"<f2"`` halves the space and rounds to three digits, ``"<f4"`` keeps all.
        spared: as ``extract``.

    Raises:
        DataError, SourceNotFound: as ``extract``.
        StorageError: the cache's disk is full, or may not be written.
    """
    progress = progress or SilentProgress()
    ids = manifest.table["id"].tolist()
    paths = dict(zip(ids, manifest.table["path"], strict=True))
    files = MapFiles(_key(extractor, view), extractor.dim, np.dtype(dtype), sorted(paths))
    missing = files.missing()
    spared(files.seconds(missing))
    with progress.task(_title(extractor, view), len(paths), unit=_("pictures")) as task:
        task.advance(len(paths) - sum(map(len, missing)))
        if missing:
            new = [picture for part in missing for picture in part]
            with manifest.open_source(limits=limits) as source:
                items = _items(source, [paths[picture] for picture in new], new)
                with contextlib.closing(
                    _computed(items, new, extractor, view, limits=limits, threads=threads)
                ) as computed:
                    for part in missing:
                        files.write(part, _advancing(computed, len(part), task))
    return files.open(ids)


def _advancing(
    computed: Iterable[tuple[str, NDArray[np.float32]]], count: int, task: Task
) -> Generator[NDArray[np.float32]]:
    # The numbers first: of two that end, zip has then taken nothing from the vectors of the next file.
    for _number, (_picture, vector) in zip(range(count), computed, strict=False):
        yield vector
        task.advance()


def _title(extractor: Extractor, view: View | None) -> str:
    if view is None or not view.title:
        return _("{name}: features").format(name=extractor.name)
    return _("{name}: features, {view}").format(name=extractor.name, view=view.title)


def _key(extractor: Extractor, view: View | None) -> str:
    if view is None:
        return extractor.key
    return hashlib.sha256(f"{extractor.key}\n{view.key}".encode()).hexdigest()


def _computed(
    items: Sequence[Item], ids: Sequence[str], extractor: Extractor, view: View | None, *, limits: Limits, threads: int
) -> Generator[tuple[str, NDArray[np.float32]]]:
    change = None
    if view is not None:
        id_of = {path: picture for (path, _read), picture in zip(items, ids, strict=True)}
        change = partial(_changed_pixels, view, id_of)
    results = run_graph(
        items,
        open_session(graph_with_vector(extractor.onnx, extractor.output), threads=1),
        outputs=["embedding" if extractor.output == "embedding" else "vector"],
        size=extractor.input_size,
        rule=extractor.resize,
        limits=limits,
        threads=threads,
        change=change,
    )
    # Closed at once where something goes wrong, so that no worker reads on from a source that is closed.
    with contextlib.closing(results):
        for picture, (_path, result) in zip(ids, results, strict=True):
            if isinstance(result, PictureError):
                raise _changed(result) from result
            yield picture, result[0]


def _changed_pixels(view: View, id_of: dict[str, str], path: str, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return view.change(id_of[path], pixels)


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
        now = time.monotonic()
        if self._waiting:
            self._cache.put(self._key, self._waiting, seconds=(now - self._since) / len(self._waiting))
        self._waiting = {}
        # What storing took is the next ones' cost.
        self._since = now

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
