"""Heat maps of a model's most confident mistakes, small enough to be stored with its figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from anmok import images
from anmok.config import Limits
from anmok.errors import PictureError, UsageError
from anmok.evaluation.results import Mistake, StoredHeatMap
from anmok.i18n import _
from anmok.inference.heat_map import HeatMap, Span
from anmok.inference.heat_mapper import HeatMapper
from anmok.progress import Progress, SilentProgress

#: Mistakes of each model that get a map: as many as a reader looks at.
MOST = 24


def heat_maps_of(
    mapper: HeatMapper,
    mistakes: Sequence[Mistake],
    read: Callable[[str], bytes],
    *,
    most: int = MOST,
    progress: Progress | None = None,
) -> dict[str, StoredHeatMap]:
    """Return where each of the first mistakes speaks for the class that was wrongly answered, by path.

    A picture that cannot be read any more is passed over. Of a model that does not answer from its feature map alone
    there are none: covering parts of each picture takes too long to do it unasked.

    Args:
        mistakes: the most confident first.
        read: gives the bytes of a picture by its path.
    """
    size, found = mapper.info.image_size, {}
    if not mapper.has_cam or not mistakes:
        return {}
    title, total = _("Heat maps of mistakes"), min(most, len(mistakes))
    with (progress or SilentProgress()).task(title, total, unit=_("pictures")) as task:
        for mistake in mistakes[:most]:
            try:
                pixels = images.decode(read(mistake.path), name=mistake.path, limits=Limits(), at_least=2 * size).pixels
            except (PictureError, OSError, LookupError):
                continue
            finally:
                task.advance()
            try:
                found[mistake.path] = stored(mapper.heat_map(pixels, label=mistake.predicted, method="cam"))
            except UsageError:
                return {}
    return found


def stored(heat_map: HeatMap) -> StoredHeatMap:
    """Return a heat map as plain values, each place in 256 steps."""
    steps = np.rint(heat_map.values * 255).astype(np.uint8)
    rows = tuple(row.tobytes().hex() for row in steps)
    return StoredHeatMap(heat_map.label, heat_map.method, rows, heat_map.box, heat_map.seen)


def opened(values: StoredHeatMap, *, index: int = 0) -> HeatMap:
    """Return a stored heat map as one that can be laid over its picture; what it was in logits is not kept.

    Raises:
        ValueError: the values make no map.
    """
    steps = np.array([list(bytes.fromhex(row)) for row in values.rows], dtype=np.float32)
    if steps.ndim != 2 or 0 in steps.shape:
        raise ValueError(f"a heat map of {len(values.rows)} rows that are not equally long, or empty")
    return HeatMap(
        steps / np.float32(255), values.label, index, values.method, 0.0, _span(values.box), _span(values.seen)
    )


def _span(values: Sequence[float]) -> Span:
    x0, y0, x1, y1 = values
    return x0, y0, x1, y1
