"""Decoded pictures as one uint8 array in a file of the cache, built whole and evicted when space is short. Light.

<cache>/pixels/<key>.npy
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import logging
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anmok.config import ResizeRule
from anmok.locations import cache_dir
from anmok.storage import atomic_write, explained, sweep

#: Bytes that all files together may take; the longest unused go first. The newest stays, whatever its size.
BUDGET = 20 * 2**30

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PixelFile:
    """One array uint8 ``(count, size, size, 3)`` on disk.

    Attributes:
        path: the file, in NumPy's own format.
        count, size: of the pictures, and of their sides in pixels.
    """

    path: Path
    count: int
    size: int

    @classmethod
    def of(cls, ids: Sequence[str], size: int, rule: ResizeRule, version: int) -> PixelFile:
        """Return the file for these pictures in this order, whether it is there or not.

        Args:
            ids: SHA-256 of the pictures' files.
            version: of decoding and resizing.
        """
        digest = hashlib.sha256("\n".join((str(version), str(size), rule, *ids)).encode()).hexdigest()
        return cls(cache_dir() / "pixels" / f"{digest}.npy", len(ids), size)

    def open(self) -> NDArray[np.uint8] | None:
        """Return the array, memory-mapped and read-only; None where the file is not there, or is damaged."""
        shape = (self.count, self.size, self.size, 3)
        try:
            array: NDArray[np.uint8] = np.lib.format.open_memmap(self.path, mode="r")
        except FileNotFoundError:
            return None
        except (ValueError, EOFError, OSError) as error:
            logger.warning("%s is damaged (%s) and is made anew", self.path, error)
            return None
        if array.shape != shape or array.dtype != np.uint8:
            return None
        with contextlib.suppress(OSError):  # a cache that only others may write
            os.utime(self.path)
        return array

    @contextlib.contextmanager
    def writing(self) -> Iterator[Callable[[NDArray[np.uint8]], None]]:
        """Give a function that takes the pictures one after another; the file appears whole at the end, or not at all.

        Raises:
            StorageError: disk full, no permission.
        """
        wanted = self.count * self.size**2 * 3
        with explained(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if wanted > _could_have(self.path.parent):
                # Said before other programs find the disk full, and before files that are of use are deleted.
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))
        make_room(self.path.parent, wanted)
        # Plain writing, no memory map: a full disk is then an error and not a SIGBUS that kills the process.
        with atomic_write(self.path) as stream:
            header = {"descr": "|u1", "fortran_order": False, "shape": (self.count, self.size, self.size, 3)}
            np.lib.format.write_array_header_1_0(stream, header)

            def write(pixels: NDArray[np.uint8]) -> None:
                with explained(self.path):
                    stream.write(np.ascontiguousarray(pixels).data)

            yield write


def _could_have(folder: Path) -> int:
    """Return how many bytes there are for a new file, if those that can be made again were deleted."""
    return shutil.disk_usage(folder).free + sum(path.stat().st_size for path in folder.glob("*.npy"))


def make_room(folder: Path, wanted: int) -> None:
    """Delete the longest unused ``*.npy`` files of ``folder`` until ``wanted`` bytes fit into the budget."""
    sweep(folder)
    files = []
    with contextlib.suppress(FileNotFoundError):
        for path in folder.glob("*.npy"):
            with contextlib.suppress(FileNotFoundError):  # another process makes room too
                status = path.stat()
                files.append((status.st_mtime, status.st_size, path))
    taken = sum(size for _used, size, _path in files) + wanted
    for _used, size, path in sorted(files):
        if taken <= BUDGET:
            return
        # Who still has the file mapped keeps it: on POSIX it only loses its name. Elsewhere it stays.
        with contextlib.suppress(OSError):
            path.unlink()
            taken -= size
