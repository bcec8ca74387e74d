"""What was measured in a file, so that a second scan need not decode it, and mostly not even open it.

Two small rows for a picture, both with its facts: one under the SHA-256 of the file's bytes, one under the ``stamp`` of
the file. The thumbnails that were put together are one large row, which the first names: written one by one, under keys
without an order, they would take longer than all else. Whatever happens to the cache - killed writers, two processes,
damage, a full disk - ``ByteCache`` sees to it that a scan goes on and its results are the same.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from anmok.cache import ByteCache
from anmok.data.measures import THUMB_SIDE
from anmok.locations import cache_dir
from anmok.progress import Progress

SCAN_VERSION = 3
"""Raised whenever a scan would give other values for the same bytes."""

# Width, height, bytes; the eight real numbers; the hash; the length of the mode, behind which the format stands.
_PACKED = struct.Struct("<IIQ8d8sB")
_DIGEST = 32
# Where a thumbnail is: the key of the row, and the place in it.
_KEY_BYTES = 12
_PLACE = struct.Struct(f"<{_KEY_BYTES}sI")
_THUMBS_AT_ONCE = 64
THUMB_BYTES = 3 * THUMB_SIDE**2


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
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
        names = ("picture", "stamp", "thumbs")
        self._pictures, self._stamps, self._thumbs = (f"{name} {SCAN_VERSION}" for name in names)

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
        keys = list(places)
        for begin in range(0, len(keys), _THUMBS_AT_ONCE):
            for key, data in self._cache.get(self._thumbs, keys[begin : begin + _THUMBS_AT_ONCE]).items():
                for at, digest in places[key]:
                    thumb = data[at * THUMB_BYTES : (at + 1) * THUMB_BYTES]
                    if len(thumb) == THUMB_BYTES:
                        yield digest, thumb

    def put(self, pictures: Sequence[tuple[Facts, bytes]], stamps: Mapping[str, Facts] | None = None) -> None:
        """Remember: all of it, or, where the disk is full, nothing.

        Args:
            pictures: facts and thumbnails.
            stamps: facts by the stamps of the files that they were read from.
        """
        key, known = os.urandom(_KEY_BYTES), (stamps or {}).items()
        self._cache.put_together(
            {
                self._thumbs: {key.hex(): b"".join(thumb for _facts, thumb in pictures)} if pictures else {},
                self._pictures: {
                    facts.id: _PLACE.pack(key, at) + _packed(facts) for at, (facts, _thumb) in enumerate(pictures)
                },
                self._stamps: {stamp: bytes.fromhex(facts.id) + _packed(facts) for stamp, facts in known},
            }
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self._cache.close()


def _packed(facts: Facts) -> bytes:
    mode = facts.mode.encode()
    return (
        _PACKED.pack(
            facts.width,
            facts.height,
            facts.bytes,
            facts.brightness,
            facts.contrast,
            facts.mean_r,
            facts.mean_g,
            facts.mean_b,
            facts.saturation,
            facts.sharpness,
            facts.entropy,
            bytes.fromhex(facts.phash),
            len(mode),
        )
        + mode
        + facts.format.encode()
    )


def _unpacked(digest: str, data: bytes) -> Facts:
    width, height, size, *reals, phash, length = _PACKED.unpack_from(data)
    brightness, contrast, mean_r, mean_g, mean_b, saturation, sharpness, entropy = reals
    words = data[_PACKED.size :]
    return Facts(
        id=digest,
        width=width,
        height=height,
        mode=words[:length].decode(),
        format=words[length:].decode(),
        bytes=size,
        brightness=brightness,
        contrast=contrast,
        mean_r=mean_r,
        mean_g=mean_g,
        mean_b=mean_b,
        saturation=saturation,
        sharpness=sharpness,
        entropy=entropy,
        phash=phash.hex(),
    )
