"""Pictures in a zip, read in place: nothing is extracted, no name is trusted, no header believed. Light."""

from __future__ import annotations

import os
import re
import stat
import threading
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from anmok.config import Limits
from anmok.data.names import escape, is_hidden, is_inside
from anmok.data.source import Entry, missing, outside, quarantine, stamp_of, too_large, too_many, unreadable
from anmok.errors import DamagedPicture, PictureError, UnknownSource
from anmok.i18n import _
from anmok.records import Quarantined
from anmok.storage import storage_error

# Python unpacks these in small, bounded steps. Its LZMA and bzip2 readers unpack all that they are given at once,
# so a small member could fill the memory.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED, _UTF8 = 0x1, 0x800
_UNIX = 3


class ZipSource:
    """All files of a zip archive.

    Names without the UTF-8 mark are read as UTF-8, else as CP949 (Windows in Korea), else as CP437 (the standard),
    folder by folder, so that one folder never gets two names.

    Raises:
        UnknownSource: the file is no zip, or damaged.
        StorageError: it cannot be read.
        DataError: it holds more files than the limits allow.
    """

    def __init__(self, file: Path, *, limits: Limits) -> None:
        self.location = file.absolute()
        self.name = escape(file.name)
        self._limits = limits
        self._lock = threading.Lock()
        self._archive = _opened(file)
        self._stamp = _archive_stamp(self._archive)
        self._entries: list[Entry | Quarantined] = []
        self._members: dict[str, zipfile.ZipInfo] = {}
        try:
            if len(self._archive.filelist) > limits.max_files:
                raise too_many(self.name, limits.max_files)
            for info in self._archive.filelist:
                self._add(info)
        except BaseException:
            self.close()
            raise

    def _add(self, info: zipfile.ZipInfo) -> None:
        path = member_path(info)
        parts = path.split("/")
        if path.endswith("/") or (".." not in parts and any(map(is_hidden, parts))):
            return
        error = self._refusal(info, path)
        if error is not None:
            self._entries.append(quarantine(error, path))
            return
        self._members[path] = info
        self._entries.append(Entry(path, info.file_size))

    def _refusal(self, info: zipfile.ZipInfo, path: str) -> PictureError | None:
        # A backslash has become "\x5c" by now; Windows would take it for a separator, and "C:" for a drive.
        if not is_inside(path) or "\\x5c" in path or re.match("[A-Za-z]:", path):
            return outside(path)
        if info.file_size > self._limits.max_bytes:
            return too_large(path, info.file_size, self._limits.max_bytes)
        code, reason = "", ""
        if info.create_system == _UNIX and stat.S_ISLNK(info.external_attr >> 16):
            code, reason = "link", _("{path} is a link inside a zip; it was not followed.")
        elif path in self._members:
            code, reason = "duplicate-name", _("{path} stands in the zip twice; the first was taken.")
        elif info.flag_bits & _ENCRYPTED:
            code, reason = "encrypted", _("{path} is locked with a password; unpack the zip and give the folder.")
        elif info.compress_type not in _METHODS:
            code, reason = "compression", _("{path} is not packed with Deflate; make the zip anew with usual settings.")
        return unreadable(code, reason.format(path=path)) if code else None

    def entries(self) -> Iterator[Entry | Quarantined]:
        """Go through all files in the order in which they stand in the zip."""
        return iter(self._entries)

    def read(self, path: str, /) -> bytes:
        """Return the unpacked bytes of one file. Threads wait for each other only while reading from the disk."""
        info = self._members.get(path)
        if info is None:
            raise missing(path) if is_inside(path) else outside(path)
        try:
            with self._lock:
                stream = self._archive.open(info)
            try:
                # `read` stops at the size that the header declares, which was checked; a header that lies about it
                # is found by the checksum, or by bytes that are wanting.
                data = stream.read(self._limits.max_bytes + 1)
            finally:
                with self._lock:
                    stream.close()
        except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, RuntimeError) as error:
            raise _damaged(path, error) from error
        except OSError as error:
            raise unreadable(
                "unreadable", _("{path} could not be read from the zip ({reason}).").format(path=path, reason=error)
            ) from error
        if len(data) != info.file_size:
            raise _damaged(path, EOFError(f"{len(data)} of {info.file_size} bytes"))
        return data

    def stamp(self, path: str, /) -> str | None:
        """Tell one state of one file in the zip from all others."""
        info = self._members.get(path)
        if info is None or self._stamp is None:
            return None
        return f"{self._stamp} {info.header_offset >> 18}\0{info.header_offset} {info.file_size} {info.CRC}"

    def close(self) -> None:
        """Close the zip; closing twice is fine."""
        self._archive.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self.close()


def member_path(info: zipfile.ZipInfo) -> str:
    """Return the path of a member as it stands in manifests."""
    # `orig_filename` is what the zip says; `filename` was cut at a NUL and had separators exchanged.
    name = info.orig_filename
    if not info.flag_bits & _UTF8:
        name = "/".join(map(_decoded, name.split("/")))
    return escape(name.removeprefix("./"))


def _decoded(part: str) -> str:
    raw = part.encode("cp437")
    for encoding in ("utf-8", "cp949"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return part


def _opened(file: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(file)
    except OSError as error:
        raise storage_error(error, file) from error
    except Exception as error:
        reason = re.sub(r"\s+", " ", str(error))[:120] or type(error).__name__
        raise UnknownSource(
            _("{file} cannot be read as a zip ({reason}).").format(file=escape(str(file)), reason=reason),
            hint=_(
                "It is probably damaged or was not fully downloaded; get it again, or unpack it and give the folder."
            ),
        ) from error


def _archive_stamp(archive: zipfile.ZipFile) -> str | None:
    # Of the file that is open, whatever may stand under its name by now.
    stamp = stamp_of(os.fstat(archive.fp.fileno())) if archive.fp else None
    return stamp and stamp.replace("\0", " ")


def _damaged(path: str, error: Exception) -> DamagedPicture:
    return DamagedPicture(_("{path} is damaged inside the zip ({reason}).").format(path=path, reason=error))
