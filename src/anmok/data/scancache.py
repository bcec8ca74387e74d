"""What was measured in a file, so that a second scan need not decode it, and mostly not even open it.

Three things, all kept under the SHA-256 of a file's bytes or leading to it: its facts, its thumbnail, and by the
``stamp`` of a file the SHA-256 that its bytes had. Whatever happens to the cache - killed writers, two processes,
damage, a full disk - ``ByteCache`` sees to it that a scan goes on and its results are the same.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from anmok.cache import ByteCache
from anmok.locations import cache_dir
from anmok.progress import Progress

SCAN_VERSION = 2
"""Raised whenever a scan would give other values for the same bytes."""

# Width, height, bytes; the eight real numbers; the hash; the length of the mode, behind which the format stands.
_PACKED = struct.Struct("<IIQ8d8sB")


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
        self._cache = ByteCache(path, warn=progress.say)
        self._facts, self._thumbs, self._stamps = (f"{name} {SCAN_VERSION}" for name in ("facts", "thumb", "stamp"))

    @classmethod
    def open(cls, progress: Progress) -> ScanCache:
        """Open the user's own cache."""
        return cls(cache_dir() / "pictures.sqlite", progress)

    def get(self, digests: Iterable[str]) -> dict[str, Facts]:
        """Return what is known of files with these SHA-256."""
        return {digest: _unpacked(digest, data) for digest, data in self._cache.get(self._facts, digests).items()}

    def get_stamped(self, stamps: Iterable[str]) -> dict[str, Facts]:
        """Return, by stamp, what is known of files that were put with these stamps."""
        digests = {stamp: data.hex() for stamp, data in self._cache.get(self._stamps, stamps).items()}
        known = self.get(digests.values()) if digests else {}
        return {stamp: known[digest] for stamp, digest in digests.items() if digest in known}

    def get_thumbs(self, digests: Iterable[str]) -> dict[str, bytes]:
        """Return the thumbnails, as they were put, of files with these SHA-256."""
        return self._cache.get(self._thumbs, digests)

    def put(
        self,
        facts: Sequence[Facts],
        *,
        thumbs: Mapping[str, bytes] | None = None,
        stamps: Mapping[str, str] | None = None,
    ) -> None:
        """Remember: all of it, or, where the disk is full, none.

        Args:
            thumbs: by SHA-256.
            stamps: the SHA-256 by stamp. Not those of what is not known yet and not put now.
        """
        self._cache.put_together(
            {
                self._facts: {fact.id: _packed(fact) for fact in facts},
                self._thumbs: thumbs or {},
                self._stamps: {stamp: bytes.fromhex(digest) for stamp, digest in (stamps or {}).items()},
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
