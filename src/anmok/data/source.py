"""What every source of pictures is: entries to go through, and bytes to read. Light."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from anmok.errors import DataError, PictureError, PictureTooLarge
from anmok.i18n import _
from anmok.records import Quarantined

SETTLED_NS = 2_000_000_000
"""A file that changed less than so many nanoseconds ago may change again without a trace in its times (disks count in
ticks of up to two seconds), so its stamp is not trusted; Git does the same."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a source.

    Attributes:
        path: POSIX path inside the source, as stored; odd characters as ``names.escape`` spells them.
        size: bytes, unpacked.
    """

    path: str
    size: int


class Source(Protocol):
    """Something that pictures are read from; a context manager that closes it.

    Attributes:
        location: absolute path of the folder or file.
        name: what people call it, without its path.
    """

    location: Path
    name: str

    def entries(self) -> Iterator[Entry | Quarantined]:
        """Go through all files but hidden ones, in an order that depends on the names alone.

        Raises:
            StorageError: the source itself cannot be read.
            DataError: it holds more files than the limits allow.
        """

    def read(self, path: str, /) -> bytes:
        """Return the bytes of the entry with that path. Safe to call from several threads.

        Raises:
            PictureError: this one file cannot be read, is too large, or lies outside the source.
        """

    def stamp(self, path: str, /) -> str | None:
        """Return what tells, without reading the entry, that its bytes are still the same; cheap.

        Two entries with one stamp, wherever they lie, have the same bytes. None: only reading can tell. Never raises
        for what is wrong with the entry; ``read`` says that. Entries that are likely read together have the same first
        part of the stamp, up to a NUL; see ``ByteCache``.
        """

    def close(self) -> None:
        """Give back what is open. Reading is over then; closing twice is fine."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...


class Closing:
    """The context manager part of a source, for those that hold nothing open."""

    def close(self) -> None:
        """Do nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self.close()


def stamp_of(status: os.stat_result) -> str | None:
    """Return the stamp of a file on the disk: which file it is, its size, and when it changed; see ``Source.stamp``."""
    # Elsewhere than on Windows, this time cannot be put back by programs that set a file's dates.
    changed = status.st_mtime_ns if os.name == "nt" else status.st_ctime_ns
    if status.st_ino == 0 or time.time_ns() - changed < SETTLED_NS:
        return None
    # Files that were written one after another mostly have numbers (inodes) in a row.
    number = status.st_ino
    return f"{status.st_dev} {number >> 6}\0{number} {status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"


def unreadable(code: str, message: str) -> PictureError:
    """Return the error for a file that cannot be used; ``code`` goes into the quarantine."""
    error = PictureError(message)
    error.code = code
    return error


def outside(path: str) -> PictureError:
    """Return the error for a path that leads out of its source."""
    return unreadable("outside-source", _("{path} leads out of the source and was not read.").format(path=path))


def missing(path: str) -> PictureError:
    """Return the error for a file that is not there."""
    return unreadable("missing", _("{path} is not there.").format(path=path))


def not_a_file(path: str) -> PictureError:
    """Return the error for a pipe, a device, or a folder where a file is wanted."""
    return unreadable("not-a-file", _("{path} is not an ordinary file.").format(path=path))


def too_large(path: str, size: int, limit: int) -> PictureTooLarge:
    """Return the error for a file that is over the limit, both in bytes."""
    return PictureTooLarge(
        _("{path} has {size:,} bytes; at most {limit:,} are accepted.").format(path=path, size=size, limit=limit)
    )


def too_many(name: str, limit: int) -> DataError:
    """Return the error for a source with more files than the limit."""
    return DataError(
        _("{name} holds more than {limit:,} files; at most so many are accepted.").format(name=name, limit=limit)
    )


def from_os_error(error: OSError, path: str) -> PictureError:
    """Return the error of one file that explains ``error``; the rest of the source can go on."""
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return missing(path)
    if error.errno in (errno.EACCES, errno.EPERM):
        return unreadable("no-permission", _("There is no permission to read {path}.").format(path=path))
    if error.errno == errno.ELOOP:
        return unreadable("loop", _("{path} is a link that leads back to itself.").format(path=path))
    reason = error.strerror or os.strerror(error.errno or 0)
    return unreadable("unreadable", _("{path} could not be read ({reason}).").format(path=path, reason=reason))


def quarantine(error: PictureError, path: str) -> Quarantined:
    """Return the quarantine row for ``error``."""
    return Quarantined(path, error.code, str(error))
