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
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from anmok.bundle.archive import MiB, damaged, read_members, unzip, zip_bytes
from anmok.bundle.card import render_card
from anmok.bundle.graph import GraphRefused, GraphShape, check_graph
from anmok.bundle.info import BundleInfo, Measured, NewerFormat, info_from_json
from anmok.bundle.reference import Reference
from anmok.bundle.unknown.rule import UnknownRule
from anmok.errors import BundleError
from anmok.i18n import _
from anmok.storage import write_bytes

SUFFIX = ".anmok"
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
    return _bundle(path, read_members(path, MEMBERS), reference=reference)


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
    write_bytes(path, zip_bytes(contents))


def update_bundle_info(
    path: Path,
    *,
    measured: Measured | None = None,
    temperature: float | None = None,
    unknown: UnknownRule | None = None,
) -> BundleInfo:
    """Store in a bundle what was found out after its export; what is None stays as it is.

    The file is replaced in one step, so a reader sees the old bundle or the new one.

    Raises:
        BundleError, StorageError: as ``read_bundle`` and ``write_bundle`` do.
    """
    contents = read_members(path, MEMBERS)
    info = _bundle(path, contents, reference=False).info
    info = replace(
        info,
        measured=info.measured if measured is None else measured,
        temperature=info.temperature if temperature is None else temperature,
        unknown=info.unknown if unknown is None else unknown,
    )
    contents["bundle.json"] = _json_bytes(info)
    contents["card.md"] = render_card(info).encode("utf-8")
    write_bytes(path, zip_bytes(contents))
    return info


def _json_bytes(info: BundleInfo) -> bytes:
    text = json.dumps(info.to_json(), ensure_ascii=False, indent=2, sort_keys=True, allow_nan=False)
    return (text + "\n").encode("utf-8")


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
    return zip_bytes(contents)


def _read_reference(path: Path, data: bytes, shape: GraphShape) -> Reference:
    parts = unzip(path, data, _REFERENCE_MEMBERS)
    try:
        embeddings = _read_array(parts["embeddings.npy"], ("<f2", "<f4"), 2)
        labels = _read_array(parts["labels.npy"], ("<i4",), 1)
    except ValueError as error:
        raise damaged(path, _("its reference embeddings are damaged ({reason})").format(reason=error)) from error
    known = len(labels) == 0 or 0 <= labels.min() <= labels.max() < shape.classes
    if embeddings.shape != (len(labels), shape.dim) or not known or not np.isfinite(embeddings).all():
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
