"""Vectors too large for memory, such as whole feature maps, in memory-mapped files of the cache. Light.

    <cache>/maps/<key>.npy      and behind the array, how many seconds each vector took

One file holds the vectors of some pictures: those whose hashes begin alike, so that more pictures change few files.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import struct
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anmok.features.pixels import make_room
from anmok.locations import cache_dir
from anmok.storage import atomic_write, explained

#: Bytes of one file, about.
FILE_BYTES = 16 * 2**20
_TOOK = struct.Struct("<d")
#: Rises when files of an older Anmok must be made anew.
_FORMAT = "2"

logger = logging.getLogger(__name__)


class Maps:
    """Rows of several memory-mapped files, as one array ``(N, D)`` of which parts are read when asked for.

    Args:
        files: arrays ``(n, D)``.
        places: int64 ``(N, 2)``, the file of each row, and its row in there.
    """

    def __init__(self, files: Sequence[NDArray[np.floating]], places: NDArray[np.int64]) -> None:
        self._files, self._places = files, places
        self.shape = (len(places), int(files[0].shape[1]) if files else 0)

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return float32 ``(n, D)`` for row numbers ``(n,)``."""
        result = np.empty((len(rows), self.shape[1]), dtype=np.float32)
        for target, (file, row) in enumerate(self._places[rows]):
            result[target] = self._files[file][row]
        return result


@dataclass(frozen=True)
class MapFiles:
    """The files of some pictures' vectors.

    Attributes:
        key: of what makes the vectors.
        dim: D.
        dtype: float16 or float32, little-endian. Of float16, values beyond 65,504 become that.
        ids: SHA-256 of the pictures, sorted, each once.
    """

    key: str
    dim: int
    dtype: np.dtype[np.floating]
    ids: Sequence[str]

    def _parts(self) -> list[list[str]]:
        """Divide the pictures by the first bits of their hashes; a power of two, so that it rarely changes."""
        wanted = len(self.ids) * self.dim * self.dtype.itemsize / FILE_BYTES
        bits = max(0, int(np.ceil(np.log2(max(wanted, 1)))))
        parts: dict[int, list[str]] = {}
        for picture in self.ids:
            parts.setdefault(int(picture[:8], 16) >> (32 - bits), []).append(picture)
        return list(parts.values())

    def _path(self, part: Sequence[str]) -> Path:
        digest = hashlib.sha256(
            "\n".join((_FORMAT, self.key, self.dtype.str, str(self.dim), *part)).encode()
        ).hexdigest()
        return cache_dir() / "maps" / f"{digest}.npy"

    def missing(self) -> list[list[str]]:
        """Return the pictures of each file that is not there or damaged, after making room for them."""
        for part in self._parts():
            with contextlib.suppress(OSError):  # what is wanted now shall not make room for itself
                os.utime(self._path(part))
        wanted = sum(len(part) for part in self._parts() if self._open(part) is None)
        if wanted:
            make_room(cache_dir() / "maps", wanted * self.dim * self.dtype.itemsize)
        return [part for part in self._parts() if self._open(part) is None]

    def seconds(self, missing: Sequence[Sequence[str]]) -> dict[str, float]:
        """Return by picture how long its vector took, of all but those that are missing."""
        there = [part for part in self._parts() if part not in missing]
        return {picture: took for part in there for took in [self._took(part)] for picture in part}

    def write(self, part: Sequence[str], vectors: Iterable[NDArray[np.float32]]) -> None:
        """Write the file of ``part``; it appears whole, or not at all.

        Args:
            vectors: float32 ``(D,)``, as many as pictures, in their order.

        Raises:
            StorageError: disk full, no permission.
        """
        largest = np.finfo(self.dtype).max
        path = self._path(part)
        begin = time.perf_counter()
        # Plain writing, no memory map: a full disk is then an error and not a SIGBUS that kills the process.
        with atomic_write(path) as stream:
            header = {"descr": self.dtype.str, "fortran_order": False, "shape": (len(part), self.dim)}
            np.lib.format.write_array_header_1_0(stream, header)
            for vector in vectors:
                with explained(path):
                    stream.write(np.clip(vector, -largest, largest).astype(self.dtype).tobytes())
            # Behind the array, where no reader of .npy looks.
            stream.write(_TOOK.pack((time.perf_counter() - begin) / len(part)))

    def open(self, ids: Sequence[str]) -> Maps:
        """Return the vectors of ``ids``, in that order; all must have been written."""
        arrays: list[NDArray[np.floating]] = []
        place_of: dict[str, tuple[int, int]] = {}
        for part in self._parts():
            array = self._open(part)
            if array is None:
                raise FileNotFoundError(self._path(part))
            place_of.update({picture: (len(arrays), row) for row, picture in enumerate(part)})
            arrays.append(array)
        places = np.array([place_of[picture] for picture in ids], dtype=np.int64).reshape(len(ids), 2)
        return Maps(arrays, places)

    def _took(self, part: Sequence[str]) -> float:
        """Return the seconds of one vector of a file; 0 where it does not say."""
        with contextlib.suppress(OSError, struct.error), self._path(part).open("rb") as stream:
            stream.seek(-_TOOK.size, os.SEEK_END)
            return max(0.0, float(_TOOK.unpack(stream.read())[0]))
        return 0.0

    def _open(self, part: Sequence[str]) -> NDArray[np.floating] | None:
        path = self._path(part)
        try:
            array: NDArray[np.floating] = np.lib.format.open_memmap(path, mode="r")
        except FileNotFoundError:
            return None
        except (ValueError, EOFError, OSError) as error:
            logger.warning("%s is damaged (%s) and is made anew", path, error)
            return None
        return array if array.shape == (len(part), self.dim) and array.dtype == self.dtype else None
