"""Features that people thought of, written as an ONNX graph, become an extractor like any other."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from anmok.config import ResizeRule
from anmok.errors import UsageError
from anmok.features.extractor import Extractor
from anmok.i18n import _
from anmok.locations import cache_dir
from anmok.storage import write_bytes

if TYPE_CHECKING:
    import onnx


def handmade_extractor(
    name: str, graph: Callable[[], onnx.ModelProto], *, size: int, dim: int, image_size: int, resize: ResizeRule
) -> Extractor:
    """Return the extractor of a graph, which is written into the cache if it is not there yet.

    Args:
        graph: makes it; asked once in a process.
        size: side of the square that it looks at, pixels; dim: length of its vectors.
        image_size: what was asked for; 0 takes ``size``.

    Raises:
        UsageError: another size than its own was asked for.
        StorageError: the cache cannot be written.
    """
    if image_size not in (0, size):
        raise UsageError(
            _("The handcrafted features look at {size} pixels, not at {asked}.").format(size=size, asked=image_size),
            hint=_("Write image_size = 0 in the recipe."),
        )
    data = _graph_bytes(graph)
    digest = hashlib.sha256(data).hexdigest()
    path = cache_dir() / "handcrafted" / f"{digest[:16]}.onnx"
    if not path.is_file() or path.read_bytes() != data:
        write_bytes(path, data)
    return Extractor(name=name, onnx=path, sha256=digest, input_size=size, resize=resize, dim=dim)


@functools.cache
def _graph_bytes(graph: Callable[[], onnx.ModelProto]) -> bytes:
    data: bytes = graph().SerializeToString(deterministic=True)
    return data
