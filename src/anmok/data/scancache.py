"""What was measured in a file, so that a second scan need not decode it, and mostly not even open it.

Two small rows for a picture, both with its facts: one under the SHA-256 of the file's bytes, one under the ``stamp`` of
the file. The thumbnails that were put together are one file beside the database (``pictures.thumbs/<key>.bin``),
which the first row names: in the database they would be written twice. Such a file is written before the rows that name
it, and is never changed. One that is missing, cut short or damaged (it ends with its CRC-32) counts for nothing: its
thumbnails are made again. A kill between file and rows, or a database that is begun anew, leaves files behind that no
row names; nothing reads or removes them. Each picture takes 3 kB, as long as the cache is there; the whole cache may be
deleted at any time.

Whatever happens to the cache - killed writers, two processes, damage, a full disk - ``ByteCache`` sees to it that a
scan goes on and its results are the same.
"""

from __future__ import annotations

import logging
import os
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from anmok.cache import ByteCache
from anmok.data.measures import THUMB_SIDE
from anmok.locations import cache_dir
from anmok.progress import Progress

SCAN_VERSION = 3
"""Raised whenever a scan would give other values for the same bytes."""

# Width, height, bytes; the eight real numbers; the hash; the length of the mode, behind which the format stands.
_PACKED = struct.Struct("<IIQ8d8sB")
_DIGEST = 32
# Where a thumbnail is: the key of the file, and the place in it.
_KEY_BYTES = 12
_PLACE = struct.Struct(f"<{_KEY_BYTES}sI")
THUMB_BYTES = 3 * THUMB_SIDE**2
_CHECKSUM = struct.Struct("<I")

logger = logging.getLogger(__name__)


class Facts(NamedTuple):
    """What the bytes of a picture alone decide; see ``ImageRecord``."""

    id: str
    width: int
    height: int
    mode: str
    format: str
    bytes: int
    brightness: float
    contrast: float
    mean_r: float
    mean_g: float
    mean_b: float
    saturation: float
    sharpness: float
    entropy: float
    phash: str


class ScanCache:
    """The cache file; may be used from several threads. A context manager. Once ``put`` returns, a kill loses nothing.

    Damage, or a full disk, is told in one line.
    """

    def __init__(self, path: Path, progress: Progress) -> None:
        self._cache = ByteCache(path, warn=progress.say, page_size=4096)
        self._pictures, self._stamps = f"picture {SCAN_VERSION}", f"stamp {SCAN_VERSION}"
        self._thumbs = path.with_suffix(".thumbs")

    @classmethod
    def open(cls, progress: Progress) -> ScanCache:
        """Open the user's own cache."""
        return cls(cache_dir() / "pictures.sqlite", progress)

    def get(self, digests: Iterable[str]) -> dict[str, Facts]:
        """Return what is known of files with these SHA-256."""
        found = self._cache.get(self._pictures, digests)
        return {digest: _unpacked(digest, data[_PLACE.size :]) for digest, data in found.items()}

    def get_stamped(self, stamps: Iterable[str]) -> dict[str, Facts]:
        """Return, by stamp, what is known of files that were put with these stamps."""
        found = self._cache.get(self._stamps, stamps)
        return {stamp: _unpacked(data[:_DIGEST].hex(), data[_DIGEST:]) for stamp, data in found.items()}

    def get_thumbs(self, digests: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Yield the thumbnails, uint8 ``(32, 32, 3)``, of files with these SHA-256, in any order; some may be gone."""
        places: dict[str, list[tuple[int, str]]] = {}
        for digest, data in self._cache.get(self._pictures, digests).items():
            key, at = _PLACE.unpack_from(data)
            places.setdefault(key.hex(), []).append((at, digest))
        for key, wanted in places.items():
            data = _read_checked(self._thumbs_file(key))
            for at, digest in wanted:
                thumb = data[at * THUMB_BYTES : (at + 1) * THUMB_BYTES]
                if len(thumb) == THUMB_BYTES:
                    yield digest, thumb

    def put(self, pictures: Sequence[tuple[Facts, bytes]], stamps: Mapping[str, Facts] | None = None) -> None:
        """Remember: all of it, or, where the disk is full, nothing.

        Args:
            pictures: facts and thumbnails.
            stamps: facts by the stamps of the files that they were read from.
        """
        key = os.urandom(_KEY_BYTES)
        packed = {facts.id: _packed(facts) for facts, _thumb in pictures}
        rows = {facts.id: _PLACE.pack(key, at) + packed[facts.id] for at, (facts, _thumb) in enumerate(pictures)}
        stamped = {
            stamp: bytes.fromhex(facts.id) + (packed.get(facts.id) or _packed(facts))
            for stamp, facts in (stamps or {}).items()
        }
        thumbs = b"".join([thumb for _facts, thumb in pictures])
        thumbs += _CHECKSUM.pack(zlib.crc32(thumbs))

        def write() -> None:
            if pictures:
                _write(self._thumbs_file(key.hex()), thumbs)

        self._cache.put_together({self._pictures: rows, self._stamps: stamped}, before=write)

    def _thumbs_file(self, key: str) -> Path:
        return self._thumbs / f"{key}.bin"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self._cache.close()


def _write(path: Path, data: bytes) -> None:
    """Write a file that nothing names yet: neither a rename nor a flush to the disk is needed."""
    try:
        path.write_bytes(data)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def _read_checked(path: Path) -> bytes:
    """Return what was written, or nothing, where it is not there or not whole."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        logger.warning("thumbnails in %s cannot be read (%s) and are made again", path, error)
        return b""
    data, checksum = data[: -_CHECKSUM.size], data[-_CHECKSUM.size :]
    return data if checksum == _CHECKSUM.pack(zlib.crc32(data)) else b""


def _packed(facts: Facts) -> bytes:
    _id, width, height, mode, form, size, *reals, phash = facts
    words = mode.encode()
    return _PACKED.pack(width, height, size, *reals, bytes.fromhex(phash), len(words)) + words + form.encode()


def _unpacked(digest: str, data: bytes) -> Facts:
    reals: list[float]
    width, height, size, *reals, phash, length = _PACKED.unpack_from(data)
    words = data[_PACKED.size :]
    known = (digest, width, height, words[:length].decode(), words[length:].decode(), size)
    return Facts._make((*known, *reals, phash.hex()))
