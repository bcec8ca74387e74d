"""Vectors on disk under (picture, extractor): a picture goes through a network once, whoever asks again. Light.

Beside each vector lies how long it took, so that a training from vectors at hand can say what it would cost anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from anmok.cache import ByteCache
from anmok.locations import cache_dir

_STORED = np.dtype("<f4")


class VectorCache:
    """Vectors in ``<cache>/vectors.sqlite``: float32, little-endian, back to back, and one more: seconds.

    Safe against a kill at any time and with several processes; what cannot be read is computed again.

    Args:
        warn: is told, once, that the cache is not used and why.
    """

    def __init__(self, *, warn: Callable[[str], None] | None = None) -> None:
        self._cache = ByteCache(cache_dir() / "vectors.sqlite", warn=warn)

    def get(self, key: str, ids: Iterable[str], *, dim: int) -> dict[str, NDArray[np.float32]]:
        """Return the vectors that are there, float32 ``(dim,)``, by picture id.

        Args:
            key: of the extractor (``Extractor.key``).
            ids: SHA-256 of the pictures' files.
        """
        return {picture: vector for picture, (vector, _seconds) in self.get_timed(key, ids, dim=dim).items()}

    def get_timed(self, key: str, ids: Iterable[str], *, dim: int) -> dict[str, tuple[NDArray[np.float32], float]]:
        """Return what ``get`` does, and with each vector the seconds that it took when it was made."""
        found = {}
        for picture, data in self._cache.get(key, ids).items():
            if len(data) == (dim + 1) * _STORED.itemsize:
                numbers = np.frombuffer(data, dtype=_STORED).astype(np.float32, copy=False)
                found[picture] = numbers[:-1], float(numbers[-1])
        return found

    def put(self, key: str, vectors: Mapping[str, NDArray[np.float32]], *, seconds: float) -> None:
        """Store vectors by picture id. Once this returns, they survive a kill.

        Args:
            seconds: that each of them took, on average.
        """
        took = np.array([seconds], dtype=_STORED)
        self._cache.put(
            key, {picture: np.append(vector, took).astype(_STORED).tobytes() for picture, vector in vectors.items()}
        )

    def close(self) -> None:
        """Give the file back."""
        self._cache.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self.close()
