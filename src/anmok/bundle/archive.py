"""The zip that a bundle is: written to the byte, read with suspicion. Light."""

from __future__ import annotations

import io
import os
import stat
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

from anmok.errors import BundleError, SourceNotFound
from anmok.i18n import _
from anmok.storage import explained

MiB = 2**20
_EPOCH = (1980, 1, 1, 0, 0, 0)
_END_RECORD, _END_SIZE = b"PK\x05\x06", 22
_ZIP64_LOCATOR, _ZIP64_SIZE = b"PK\x06\x07", 20


def damaged(path: Path, reason: str) -> BundleError:
    """Return the error for a bundle that cannot be used, with a part of a sentence that says why."""
    return BundleError(
        _("{path} is no usable Anmok bundle: {reason}.").format(path=path, reason=reason),
        hint=_("Copy it again from where it was made, or export the run again."),
    )


def zip_bytes(contents: Mapping[str, bytes]) -> bytes:
    """Return a zip of some members; the same contents give the same bytes on every machine."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in sorted(contents):
            member = zipfile.ZipInfo(name, _EPOCH)
            member.create_system = 3  # else the byte says on which system it was written
            member.external_attr = 0o644 << 16
            # Weights hardly shrink, and stored bytes do not depend on the version of zlib.
            archive.writestr(member, contents[name], compress_type=zipfile.ZIP_STORED)
    return stream.getvalue()


def read_members(path: Path, members: Mapping[str, int]) -> dict[str, bytes]:
    """Read a file that is such a zip.

    Args:
        members: the names that it must hold, no more and no less, and how large each may become, bytes.

    Raises:
        SourceNotFound: there is no such file. StorageError: it cannot be read. BundleError: it is no such zip.
    """
    if not path.exists():
        raise SourceNotFound(
            _("There is no bundle {path}.").format(path=path),
            hint=_("Check the spelling. `anmok compare SOURCE --out FOLDER` leaves one in FOLDER/best.anmok."),
        )
    # Non-blocking, because opening a pipe that nobody writes to would wait for ever.
    with explained(path), os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as stream:
        facts = os.fstat(stream.fileno())
        if not stat.S_ISREG(facts.st_mode):
            raise damaged(path, _("it is not an ordinary file"))
        size = facts.st_size
        if size > sum(members.values()):
            raise damaged(path, _("it is too large"))
        # The whole file at once: what is checked is then what is used, even if somebody replaces the file.
        data = stream.read(size)
    return unzip(path, data, members)


def unzip(path: Path, data: bytes, limits: Mapping[str, int]) -> dict[str, bytes]:
    """Return the members of a zip that must hold exactly those of ``limits``; raises ``BundleError``."""
    _check_directory(path, data, len(limits))
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            if sorted(member.filename for member in members) != sorted(limits):
                names = ascii([member.filename[:40] for member in members])
                raise damaged(path, _("it holds {names}").format(names=names))
            return {member.filename: _read_member(path, archive, member, limits[member.filename]) for member in members}
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise damaged(path, _("the archive is damaged ({reason})").format(reason=error)) from error


def _read_member(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo, limit: int) -> bytes:
    bomb = member.file_size > 32 * MiB and member.file_size > 20 * member.compress_size
    if member.file_size > limit or bomb:
        raise damaged(path, _("{name} is too large").format(name=member.filename))
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise damaged(path, _("{name} is packed in an unusual way").format(name=member.filename))
    # zipfile hands out no more than the declared size, whatever the packed bytes expand to, and checks the sum.
    with archive.open(member) as stream:
        data = stream.read(member.file_size + 1)
    if len(data) != member.file_size:
        raise damaged(path, _("{name} is cut off").format(name=member.filename))
    return data


def _check_directory(path: Path, data: bytes, members: int) -> None:
    """Look at the zip's end record first: ``zipfile`` would read a huge directory whole."""
    record = data[-_END_SIZE:]
    count, length = int.from_bytes(record[10:12], "little"), int.from_bytes(record[12:16], "little")
    small = count == members and length <= 1024 * members
    zip64 = data[-_END_SIZE - _ZIP64_SIZE :].startswith(_ZIP64_LOCATOR)
    if record[:4] != _END_RECORD or record[20:] != b"\0\0" or not small or zip64:
        raise damaged(path, _("it is cut off, or no bundle at all"))
