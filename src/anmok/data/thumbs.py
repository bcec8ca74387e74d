"""A thumbnail of each picture of a manifest. The scan has put them into the cache; only what is gone is read again."""

from __future__ import annotations

import hashlib
import itertools
import os
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from anmok.config import Limits
from anmok.data.manifest import Manifest
from anmok.data.measures import MEASURED_SIDE, THUMB_SIDE
from anmok.data.measuring import Batch, work_through
from anmok.data.scancache import ScanCache
from anmok.data.source import Source
from anmok.errors import DataError, PictureError
from anmok.i18n import _
from anmok.images import decode_image
from anmok.progress import Progress, SilentProgress

__all__ = ["THUMB_SIDE", "load_thumbs"]

#: Thumbnails that are looked for in the cache at a time.
_AT_ONCE = 4096


def load_thumbs(
    manifest: Manifest,
    *,
    limits: Limits = Limits(),  # noqa: B008
    threads: int = 0,
    progress: Progress | None = None,
) -> NDArray[np.uint8]:
    """Return the pictures, squashed to 32x32 as ``measures.Reduced`` says.

    Args:
        limits: the same as in the scan.
        threads: that read and decode what the cache does not hold; 0 takes all cores.

    Returns:
        uint8 ``(N, 32, 32, 3)`` RGB, rows in the manifest's order: 3 kB each, 3 GB for a million.

    Raises:
        DataError: a picture that the cache does not hold is not there any more, or is not the one that was scanned.
        SourceNotFound: the source is not there any more, and a picture of it is wanted.
    """
    progress = progress or SilentProgress()
    thumbs = np.empty((len(manifest), THUMB_SIDE, THUMB_SIDE, 3), dtype=np.uint8)
    with ScanCache.open(progress) as cache:
        missing = _from_cache(manifest, cache, thumbs)
        if len(missing):
            with manifest.open_source(limits=limits) as source:
                _read_again(_Pictures(manifest, source, cache, limits, thumbs), missing, threads, progress)
    return thumbs


def _from_cache(manifest: Manifest, cache: ScanCache, thumbs: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Fill in what the cache holds; return the rows that it does not."""
    missing: list[int] = []
    for begin in range(0, len(thumbs), _AT_ONCE):
        rows: dict[str, list[int]] = {}
        for row, digest in enumerate(manifest.table["id"].iloc[begin : begin + _AT_ONCE].tolist(), begin):
            rows.setdefault(digest, []).append(row)
        for digest, data in cache.get_thumbs(rows):
            thumbs[rows.pop(digest)] = np.frombuffer(data, dtype=np.uint8).reshape(thumbs.shape[1:])
        missing += itertools.chain.from_iterable(rows.values())
    return np.array(sorted(missing), dtype=np.int64)


class _Pictures:
    """Reads pictures again that were scanned before, a handful at a time."""

    def __init__(
        self, manifest: Manifest, source: Source, cache: ScanCache, limits: Limits, thumbs: NDArray[np.uint8]
    ) -> None:
        self._ids, self._paths = manifest.table["id"], manifest.table["path"]
        self._source, self._cache, self._limits, self._thumbs = source, cache, limits, thumbs

    def read(self, rows: Sequence[np.int64]) -> None:
        batch = Batch()
        for row in map(int, rows):
            digest, path = str(self._ids.iat[row]), str(self._paths.iat[row])
            try:
                data = self._source.read(path)
                if hashlib.sha256(data).hexdigest() != digest:
                    text = _("{path} is not the picture that was scanned: its content has changed.")
                    raise PictureError(text.format(path=path))
                batch.add(digest, len(data), decode_image(data, path, self._limits, MEASURED_SIDE))
            except PictureError as error:
                raise DataError(error.message, hint=_("Put the picture back, or scan again.")) from error
        measured = batch.measure()
        self._thumbs[np.array(rows)] = [thumb for _facts, thumb in measured]
        self._cache.put([(facts, thumb.tobytes()) for facts, thumb in measured])


def _read_again(pictures: _Pictures, rows: NDArray[np.int64], threads: int, progress: Progress) -> None:
    with progress.task(_("Reading pictures"), len(rows), unit=_("pictures")) as task:
        for handful, _nothing in work_through(pictures.read, rows, threads or os.cpu_count() or 1):
            task.advance(len(handful))
