"""Pictures in a folder of the disk, and single files. Links out of the folder are not followed. Light."""

# Strings and os.path, because a Path for each of a million files would cost more than the walk itself.
# ruff: noqa: PTH114, PTH116, PTH118, PTH119, PTH120

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from anmok.config import Limits
from anmok.data.names import escape, is_hidden, is_inside, unescape
from anmok.data.source import (
    Closing,
    Entry,
    from_os_error,
    missing,
    not_a_file,
    outside,
    quarantine,
    stamp_of,
    too_large,
    too_many,
)
from anmok.errors import PictureError
from anmok.i18n import _
from anmok.records import Quarantined
from anmok.storage import explained, storage_error

# Opening a pipe would wait for a writer; so would a device. O_NONBLOCK and O_CLOEXEC exist on POSIX only.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
# Windows has none.
_NO_LINKS = getattr(os, "O_NOFOLLOW", 0)


class FolderSource(Closing):
    """All files below a folder.

    A link is followed if what it leads to lies inside the folder. A folder link is not followed where it leads
    to a folder that it stands in (a loop), nor from inside another linked folder: else a few links that cross
    each other would make endless paths.
    """

    def __init__(self, folder: Path, *, limits: Limits, location: Path | None = None, name: str = "") -> None:
        self.location = location or folder.absolute()
        self.name = name or escape(self.location.name) or str(self.location)
        self._limits = limits
        self._root = os.path.realpath(folder)
        # By path inside the source with a "/" behind: where the folder is on the disk, if it lies inside.
        self._folders_inside: dict[str, str | None] = {}

    def entries(self) -> Iterator[Entry | Quarantined]:
        """Go through all files, folder by folder, sorted by name."""
        # (folder on disk, its path inside the source with a "/" behind, whether a link led here)
        stack: list[tuple[str, str, bool]] = [(self._root, "", False)]
        files = 0
        while stack:
            folder, prefix, linked = stack.pop()
            try:
                with os.scandir(folder) as scan:
                    found = sorted(scan, key=lambda entry: escape(entry.name))
            except OSError as error:
                if not prefix:
                    raise storage_error(error, self.location) from error
                yield quarantine(from_os_error(error, prefix), prefix.rstrip("/"))
                continue
            below: list[tuple[str, str, bool]] = []
            for entry in found:
                if is_hidden(entry.name):
                    continue
                path = prefix + escape(entry.name)
                try:
                    result = self._look_at(entry, path, linked)
                except OSError as error:
                    result = quarantine(from_os_error(error, path), path)
                if isinstance(result, bool):
                    below.append((entry.path, path + "/", linked or result))
                    continue
                files += 1
                if files > self._limits.max_files:
                    raise too_many(self.name, self._limits.max_files)
                yield result
            stack.extend(reversed(below))

    def _look_at(self, entry: os.DirEntry[str], path: str, linked: bool) -> Entry | Quarantined | bool:
        """Return what ``entry`` is; for a folder, whether it is a link."""
        is_link = entry.is_symlink()
        if is_link:
            real = os.path.realpath(entry.path)
            if not self._holds(real):
                return quarantine(outside(path), path)
        if entry.is_dir():
            if is_link and (linked or _is_within(os.path.realpath(os.path.dirname(entry.path)), real)):
                reason = _("{path} is a link to a folder that was read already; it was not followed.").format(path=path)
                return Quarantined(path, "loop", reason)
            return is_link
        status = entry.stat()
        if not stat.S_ISREG(status.st_mode):
            return quarantine(not_a_file(path), path)
        return Entry(path, status.st_size)

    def read(self, path: str, /) -> bytes:
        """Return the bytes of one file."""
        if _NO_LINKS:
            # That it is no link is made sure by opening it, which is both faster and surer than to look before.
            with contextlib.suppress(OSError, ValueError):
                descriptor = os.open(self._place(path), _FLAGS | _NO_LINKS)
                return _read_open(descriptor, path, self._limits.max_bytes)
        return read_file(self._file(path), path, self._limits.max_bytes)

    def stamp(self, path: str, /) -> str | None:
        """Tell one state of one file from all others; its hard links have the same."""
        try:
            status = os.lstat(self._place(path))
            if not stat.S_ISREG(status.st_mode):
                status = os.stat(self._file(path))
        except (OSError, ValueError, PictureError):
            return None
        return stamp_of(status) if stat.S_ISREG(status.st_mode) else None

    def file(self, path: str) -> Path:
        """Return where one file lies on the disk.

        Raises:
            PictureError: it lies outside.
        """
        return Path(self._file(path))

    def size(self, path: str) -> int:
        """Return the size of one file in bytes.

        Raises:
            PictureError: it is not there, is no file, or lies outside.
        """
        try:
            status = os.stat(self._file(path))
        except OSError as error:
            raise from_os_error(error, path) from error
        if not stat.S_ISREG(status.st_mode):
            raise not_a_file(path)
        return status.st_size

    def exists(self, path: str) -> bool:
        """Tell whether there is something of that path, wherever a link may lead."""
        return is_inside(path) and os.path.lexists(self._on_disk(path))

    def _file(self, path: str) -> str:
        """Return where the file lies on the disk, made sure that it lies inside.

        Checked here and not only in `entries`: paths also come from manifests, which others may have written.
        """
        file = self._place(path)
        if os.path.islink(file) and not self._holds(os.path.realpath(file)):
            raise outside(path)
        return file

    def _place(self, path: str) -> str:
        """Return where the file lies on the disk; its folder is inside, but it may itself be a link out."""
        slash = path.rfind("/") + 1
        parent, name = path[:slash], path[slash:]
        try:
            folder = self._folders_inside[parent]
        except KeyError:
            folder = self._folders_inside[parent] = self._folder_inside(parent)
        if "\\" in name:
            name = unescape(name)
        # On Windows an escaped backslash would be a separator, and "C:" a drive.
        if folder is None or name in ("", ".", "..") or "\0" in name or os.path.basename(name) != name:
            raise outside(path)
        return folder + name

    def _folder_inside(self, parent: str) -> str | None:
        if parent and not is_inside(parent[:-1]):
            return None
        folder = self._on_disk(parent[:-1])
        return os.path.join(folder, "") if self._holds(os.path.realpath(folder)) else None

    def _on_disk(self, path: str) -> str:
        return os.path.join(self._root, *map(unescape, path.split("/"))) if path else self._root

    def _holds(self, real: str) -> bool:
        return _is_within(real, self._root)


class FileSource(Closing):
    """One file, which is called by its name."""

    def __init__(self, file: Path, *, limits: Limits) -> None:
        self.location = file.absolute()
        self.name = escape(file.name)
        self._limits = limits

    def entries(self) -> Iterator[Entry | Quarantined]:
        """Give the one file."""
        with explained(self.location):
            size = self.location.stat().st_size
        yield Entry(self.name, size)

    def read(self, path: str, /) -> bytes:
        """Return the bytes of the file."""
        if path != self.name:
            raise missing(path)
        return read_file(os.fspath(self.location), path, self._limits.max_bytes)

    def stamp(self, _path: str, /) -> str | None:
        """Return none: one file is read quickly."""
        return None


def read_file(file: str, path: str, limit: int) -> bytes:
    """Read a file of at most ``limit`` bytes; ``path`` is what errors call it.

    Raises:
        PictureError: it cannot be read, is no file, or is larger.
    """
    try:
        return _read_open(os.open(file, _FLAGS), path, limit)
    except OSError as error:
        raise from_os_error(error, path) from error
    except ValueError as error:  # a NUL in the name: no disk can hold that
        raise missing(path) from error


def _read_open(descriptor: int, path: str, limit: int) -> bytes:
    """Read and close an open file."""
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise not_a_file(path)
        if status.st_size > limit:
            raise too_large(path, status.st_size, limit)
        # One byte more than the size: a file that grows meanwhile is seen, and cannot grow over the limit.
        data = os.read(descriptor, status.st_size + 1)
        while len(data) < status.st_size and (more := os.read(descriptor, status.st_size + 1 - len(data))):
            data += more  # the system may give less at a time: of very large files, or when a signal comes
    finally:
        os.close(descriptor)
    if len(data) > limit:
        raise too_large(path, len(data), limit)
    return data


def _is_within(real: str, folder: str) -> bool:
    return real == folder or real.startswith(folder.rstrip(os.sep) + os.sep)
