"""The bundle file ``*.anmok``: a zip of a few known members, written to the byte, read with suspicion.

    bundle.json     what it is (``anmok.bundle.info``)
    model.onnx      uint8 NHWC pictures in; logits, embedding and feature map out
    reference.npz   embeddings of some training pictures, for "none of these" and for classes added later
    card.md         the model card for people

The same content gives the same bytes on every machine: members are sorted and carry no time.
"""

from __future__ import annotations

import io
import json
import math
import os
import re
import stat
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from anmok.bundle.card import render_card
from anmok.bundle.graph import GraphRefused, GraphShape, check_graph
from anmok.bundle.info import BundleInfo, Measured, NewerFormat, info_from_json
from anmok.errors import BundleError, SourceNotFound
from anmok.i18n import _
from anmok.storage import explained, write_bytes

SUFFIX = ".anmok"
MiB = 2**20
#: The members that a bundle may hold, and how large each may become, bytes.
MEMBERS: Mapping[str, int] = {
    "bundle.json": 8 * MiB,
    "card.md": 8 * MiB,
    "model.onnx": 2048 * MiB - 1,  # protobuf reads no more
    "reference.npz": 256 * MiB,
}
_REFERENCE_MEMBERS: Mapping[str, int] = {"embeddings.npy": 256 * MiB, "labels.npy": 64 * MiB}
_NPY_HEADER = re.compile(
    rb"\x93NUMPY\x01\x00..\{'descr': '(?P<kind><[fi][248])', 'fortran_order': False, "
    rb"'shape': \((?P<shape>\d{1,12}(?:, ?\d{1,12})?,?)\), \} *\n",
    re.DOTALL,
)
_EPOCH = (1980, 1, 1, 0, 0, 0)
_END_RECORD, _END_SIZE = b"PK\x05\x06", 22
_ZIP64_LOCATOR, _ZIP64_SIZE = b"PK\x06\x07", 20


@dataclass(frozen=True, slots=True)
class Reference:
    """Embeddings of training pictures.

    Attributes:
        embeddings: float16 or float32 ``(R, D)``, as the graph gives them (not normalised).
        labels: int32 ``(R,)``, class numbers in the order of the bundle's labels.
    """

    embeddings: NDArray[np.floating]
    labels: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle in memory. ``model`` is the serialised ONNX graph; ``reference`` is None where it was not read."""

    path: Path
    info: BundleInfo
    model: bytes
    card: str
    reference: Reference | None = None


def read_bundle(path: Path, *, reference: bool = True) -> Bundle:
    """Read and check a bundle.

    Args:
        reference: also read the training embeddings, which plain predictions do not need.

    Raises:
        SourceNotFound: there is no such file.
        StorageError: it cannot be read.
        BundleError: it is damaged, hostile, no bundle, or written by a newer Anmok.
    """
    return _bundle(path, _read_members(path), reference=reference)


def write_bundle(path: Path, *, info: BundleInfo, model: bytes, reference: Reference) -> None:
    """Write a bundle atomically; the model card is made from ``info``.

    Raises:
        StorageError: disk full, no permission.
    """
    contents = {
        "bundle.json": _json_bytes(info),
        "card.md": render_card(info).encode("utf-8"),
        "model.onnx": model,
        "reference.npz": _reference_bytes(reference),
    }
    write_bytes(path, _zip_bytes(contents))


def update_bundle_info(
    path: Path,
    *,
    measured: Measured | None = None,
    temperature: float | None = None,
    unknown_threshold: float | None = None,
) -> BundleInfo:
    """Store in a bundle what was found out after its export; what is None stays as it is.

    The file is replaced in one step, so a reader sees the old bundle or the new one.

    Raises:
        BundleError, StorageError: as ``read_bundle`` and ``write_bundle`` do.
    """
    contents = _read_members(path)
    info = _bundle(path, contents, reference=False).info
    info = replace(
        info,
        measured=info.measured if measured is None else measured,
        temperature=info.temperature if temperature is None else temperature,
        unknown_threshold=info.unknown_threshold if unknown_threshold is None else unknown_threshold,
    )
    contents["bundle.json"] = _json_bytes(info)
    contents["card.md"] = render_card(info).encode("utf-8")
    write_bytes(path, _zip_bytes(contents))
    return info


def damaged(path: Path, reason: str) -> BundleError:
    """Return the error for a bundle that cannot be used, with a part of a sentence that says why."""
    return BundleError(
        _("{path} is no usable Anmok bundle: {reason}.").format(path=path, reason=reason),
        hint=_("Copy it again from where it was made, or export the run again."),
    )


def _json_bytes(info: BundleInfo) -> bytes:
    text = json.dumps(info.to_json(), ensure_ascii=False, indent=2, sort_keys=True, allow_nan=False)
    return (text + "\n").encode("utf-8")


def _zip_bytes(contents: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in sorted(contents):
            member = zipfile.ZipInfo(name, _EPOCH)
            member.create_system = 3  # else the byte says on which system it was written
            member.external_attr = 0o644 << 16
            # Weights hardly shrink, and stored bytes do not depend on the version of zlib.
            archive.writestr(member, contents[name], compress_type=zipfile.ZIP_STORED)
    return stream.getvalue()


def _bundle(path: Path, contents: Mapping[str, bytes], *, reference: bool) -> Bundle:
    try:
        info = info_from_json(contents["bundle.json"])
        card = contents["card.md"].decode("utf-8")
    except NewerFormat as error:
        raise BundleError(
            _("{path} was written by a newer version of Anmok (format {version}).").format(path=path, version=error),
            hint=_("Update Anmok: pip install --upgrade anmok"),
        ) from error
    except ValueError as error:
        raise damaged(path, f"bundle.json: {error}") from error
    shape = _check_model(path, info, contents["model.onnx"])
    stored = _read_reference(path, contents["reference.npz"], shape) if reference else None
    return Bundle(path=path, info=info, model=contents["model.onnx"], card=card, reference=stored)


def _read_members(path: Path) -> dict[str, bytes]:
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
        if size > sum(MEMBERS.values()):
            raise damaged(path, _("it is too large"))
        # The whole file at once: what is checked is then what is used, even if somebody replaces the file.
        data = stream.read(size)
    return _unzip(path, data, MEMBERS)


def _unzip(path: Path, data: bytes, limits: Mapping[str, int]) -> dict[str, bytes]:
    """Read a zip that must hold exactly the members of ``limits``."""
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


def _check_model(path: Path, info: BundleInfo, model: bytes) -> GraphShape:

    try:
        shape = check_graph(model)
    except GraphRefused as error:
        raise damaged(path, _("its model is refused, because {reason}").format(reason=error)) from error
    if shape.classes != len(info.labels):
        raise damaged(
            path,
            _("it names {labels} classes, but its model knows {classes}").format(
                labels=len(info.labels), classes=shape.classes
            ),
        )
    if shape.image_size != info.image_size:
        raise damaged(
            path,
            _("it names pictures of {said} pixels, but its model takes {taken}").format(
                said=info.image_size, taken=shape.image_size
            ),
        )
    return shape


def _reference_bytes(reference: Reference) -> bytes:
    arrays = {"embeddings.npy": reference.embeddings, "labels.npy": reference.labels}
    contents = {}
    for name, array in arrays.items():
        stream = io.BytesIO()
        np.lib.format.write_array(stream, np.ascontiguousarray(array), version=(1, 0), allow_pickle=False)
        contents[name] = stream.getvalue()
    return _zip_bytes(contents)


def _read_reference(path: Path, data: bytes, shape: GraphShape) -> Reference:
    parts = _unzip(path, data, _REFERENCE_MEMBERS)
    try:
        embeddings = _read_array(parts["embeddings.npy"], ("<f2", "<f4"), 2)
        labels = _read_array(parts["labels.npy"], ("<i4",), 1)
    except ValueError as error:
        raise damaged(path, _("its reference embeddings are damaged ({reason})").format(reason=error)) from error
    known = len(labels) == 0 or 0 <= labels.min() <= labels.max() < shape.classes
    if embeddings.shape != (len(labels), shape.dim) or not known:
        raise damaged(path, _("its reference embeddings do not fit its classes"))
    return Reference(cast("NDArray[np.floating]", embeddings), cast("NDArray[np.int32]", labels))


def _read_array(data: bytes, kinds: tuple[str, ...], rank: int) -> NDArray[np.generic]:
    """Read an ``.npy`` array as ``write_array`` writes it; the bytes must be there before an array is made.

    NumPy's own reader evaluates the header as Python and makes room for whatever size it names.
    """
    header = _NPY_HEADER.match(data)
    if header is None:
        raise ValueError("npy header")
    kind = header["kind"].decode()
    shape = tuple(int(side) for side in header["shape"].split(b",") if side.strip())
    length = np.dtype(kind).itemsize * math.prod(shape)
    if kind not in kinds or len(shape) != rank or len(data) - header.end() != length:
        raise ValueError("npy shape")
    return np.frombuffer(data, dtype=kind, offset=header.end()).reshape(shape)
