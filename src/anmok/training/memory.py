"""Memory of the process: taken once and used again while networks learn, and what to do when there is none left."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from collections.abc import Iterator

# Of glibc's malloc.h: which setting ``mallopt`` changes.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _MMAP_MAX, _ARENA_MAX = -1, -3, -4, -8
#: What libraries say when the operating system gives them no more memory; the last two are oneDNN's.
_SIGNS = ("out of memory", "allocate memory", "bad_alloc", "could not create a memory", "could not create a primitive")


def share_one_heap() -> None:
    """Let all threads that begin from now on take their memory from the same heap; for the rest of the process.

    ``reused_memory`` works for this heap only: glibc gives threads heaps of their own, and returns what is free in them
    whatever it is told. To be called before a training starts any thread. PyTorch, if it has not computed yet, then
    also asks for large pages, of which the system clears 2 MB at a time.
    """
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
    libc = _glibc()
    if libc is not None:
        libc.mallopt(_ARENA_MAX, 1)


@contextlib.contextmanager
def reused_memory() -> Iterator[None]:
    """Let the block keep memory that is freed and take it again, instead of asking the operating system each time.

    Each step of training frees and takes the same hundreds of megabytes. glibc gives large pieces back to the system
    at once, and the system must clear each page before it lends it again: that was 40-50 % of a step's time of small
    networks on a CPU. Where the C library is another one than glibc, nothing happens.
    """
    share_one_heap()
    libc = _glibc()
    if libc is None:
        yield
        return
    for setting, value in ((_MMAP_MAX, 0), (_TRIM_THRESHOLD, -1)):
        libc.mallopt(setting, value)
    try:
        yield
    finally:
        # What glibc itself arrives at after some large allocations; it cannot be told to begin anew.
        largest = 32 * 2**20
        restored = ((_MMAP_MAX, 65536), (_MMAP_THRESHOLD, largest), (_TRIM_THRESHOLD, 2 * largest))
        for setting, value in restored:
            libc.mallopt(setting, value)
        libc.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)
    return libc if hasattr(libc, "gnu_get_libc_version") else None


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether ``error`` says that there is not enough memory, on a GPU or in the machine."""
    if isinstance(error, MemoryError):
        return True
    # torch.OutOfMemoryError is a RuntimeError, and on a CPU PyTorch raises plain ones.
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in _SIGNS)
