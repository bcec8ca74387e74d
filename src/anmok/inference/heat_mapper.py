"""Makes heat maps: which places of a picture speak for a class, from the bundle alone. Light.

Two ways, which ask different things:

- ``cam`` asks the feature map. Each place of the map is made a little stronger, and the class's score answers. Where
  the score is affine in the map (pooling and one layer) that is the class activation map (Zhou et al., Learning deep
  features for discriminative localization, 2016); behind several layers it is HiResCAM (Draelos and Carin, Use HiResCAM
  instead of Grad-CAM for faithful explanations, 2020): the gradient times the value, summed over channels. All places
  are asked in one batch of the last part of the graph alone, so no gradient is needed and it takes milliseconds.
- ``occlusion`` asks the whole model, with a grey square laid over one place after another (Zeiler and Fergus,
  Visualizing and understanding convolutional networks, 2014). A hundred times slower, for any model.

A class's score is its logit less the mean of all logits: what is added to all of them changes no answer.
"""

from __future__ import annotations

import math
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from anmok import images
from anmok.bundle.archive import damaged
from anmok.bundle.format import Bundle, read_bundle
from anmok.bundle.graph import INPUT
from anmok.bundle.info import BundleInfo
from anmok.bundle.serving import explained_run
from anmok.errors import UnknownName, UsageError
from anmok.features.session import count_threads, open_session
from anmok.i18n import _
from anmok.inference.heat_map import HeatMap, Span
from anmok.inference.heat_map_graph import LOGITS, Cut, NoCut, cut_at_map, places_of
from anmok.inference.map_place import map_span
from anmok.progress import Progress, SilentProgress

#: What one asks for; ``auto`` is ``cam`` where the model allows it.
Method = Literal["auto", "cam", "occlusion"]
METHODS: tuple[Method, ...] = ("auto", "cam", "occlusion")

#: A feature map of more places is asked in blocks of them.
MOST_PLACES = 196
#: By this share a place is made stronger and weaker where the score is not affine: so little that few neurons and few
#: largest places change, so much that float32 tells the difference.
STEP = 0.004
#: Bytes of the values that the tail of the graph is given at a time.
BATCH_BYTES = 32 * 2**20
#: Of occlusion: the square is divided into cells by cells, and the patch covers so many of them each way.
CELLS, PATCH = 12, 3
#: Pictures that one thread runs through the whole graph at a time.
OCCLUDED_BATCH = 8


class HeatMapper:
    """Makes heat maps of a bundle's answers. May be used from several threads at once.

    >>> mapper = HeatMapper.open("colours.anmok")
    >>> picture = np.zeros((40, 40, 3), dtype=np.uint8)
    >>> picture[20:30, 20:30, 0] = 255
    >>> found = mapper.heat_map(picture, label="red")
    >>> found.method, [round(share, 1) for share in found.strongest]
    ('cam', [0.6, 0.6])

    Args:
        threads: of occlusion; 0 takes all cores.

    Attributes:
        info: all that the bundle says of itself.
        has_cam: whether the answers are made of the feature map alone, so that ``cam`` can ask it.

    Raises:
        BundleError: ONNX Runtime cannot run the graph.
    """

    def __init__(self, bundle: Bundle, *, threads: int = 0) -> None:
        self.info: BundleInfo = bundle.info
        self._path, self._threads = bundle.path, count_threads(threads)
        with explained_run(self._path):
            try:
                self._cut: Cut | None = cut_at_map(bundle.model)
            except NoCut:
                self._cut = None
            self._trunk = open_session(bundle.model if self._cut is None else self._cut.trunk)
            self._tail = None if self._cut is None else open_session(self._cut.tail)
            self._span = (0.0, 0.0, 1.0, 1.0) if self._cut is None else map_span(bundle.model, self.info.image_size)

    @classmethod
    def open(cls, path: str | Path, *, threads: int = 0) -> HeatMapper:
        """Read a bundle and make it ready.

        Raises:
            SourceNotFound, BundleError: as ``Predictor.open``.
        """
        return cls(read_bundle(Path(path), reference=False), threads=threads)

    @property
    def has_cam(self) -> bool:
        """Tell whether the answers are made of the feature map alone."""
        return self._cut is not None

    def index_of(self, label: str) -> int:
        """Return the number of a class.

        Raises:
            UnknownName: the bundle knows no class of that name.
        """
        label = unicodedata.normalize("NFC", label)
        if label not in self.info.labels:
            raise UnknownName(
                _("The bundle knows no class {label}.").format(label=repr(label)),
                hint=_("Its classes: {labels}.").format(labels=", ".join(self.info.labels[:100])),
            )
        return self.info.labels.index(label)

    def heat_map(
        self,
        pixels: NDArray[np.uint8],
        *,
        label: str | None = None,
        method: Method = "auto",
        progress: Progress | None = None,
    ) -> HeatMap:
        """Return where a picture speaks for a class.

        Args:
            pixels: uint8 ``(H, W, 3)``, upright, of any size; as ``images.decode`` gives them.
            label: the class; None takes the most probable one.
            method: ``auto`` takes ``cam`` where the model allows it, else ``occlusion``.

        Raises:
            UnknownName: the bundle knows no class of that name.
            UsageError: ``cam`` was asked for, and the answers are not made of the feature map alone.
            BundleError: the graph fails.
        """
        square = images.resize(pixels, self.info.image_size, self.info.resize)
        seen = images.square_in_picture(pixels.shape[1], pixels.shape[0], self.info.image_size, self.info.resize)
        index = self._most_probable(square) if label is None else self.index_of(label)
        found = self._by_cam(square, index) if method != "occlusion" else None
        if found is None and method == "cam":
            raise UsageError(
                _("{model} does not answer from its feature map alone, so there is no class activation map.").format(
                    model=self.info.name
                ),
                hint=_("Take the method occlusion, which works for every model."),
            )
        if found is None:
            found = self._by_occlusion(square, index, progress)
            return self._finished(found, index, "occlusion", seen, seen)
        is_affine = self._cut is not None and self._cut.is_affine
        return self._finished(found, index, "cam" if is_affine else "hirescam", _part(seen, self._span), seen)

    def _finished(self, evidence: NDArray[np.float64], index: int, method: str, box: Span, seen: Span) -> HeatMap:
        """Make a map of each place's evidence: what speaks against the class counts as nothing."""
        peak = max(float(evidence.max()), 0.0)
        values = np.clip(evidence, 0, None) / peak if peak > 0 else np.zeros_like(evidence)
        return HeatMap(values.astype(np.float32), self.info.labels[index], index, method, peak, box, seen)

    def _most_probable(self, square: NDArray[np.uint8]) -> int:
        return int(self._logits(square[None])[0].argmax())

    def _by_cam(self, square: NDArray[np.uint8], index: int) -> NDArray[np.float64] | None:
        """Return float64 ``(h, w)``: what each place of the feature map adds to the score; None where nothing does."""
        if self._cut is None or self._tail is None:
            return None
        with explained_run(self._path):
            (value,) = self._trunk.run([self._cut.value], {INPUT: square[None]})
            try:
                places = places_of(self._cut, value.shape[1:])
            except NoCut:
                return None
        if places.ndim != 3 or places.size == 0 or len(value) != 1:
            raise damaged(self._path, _("its feature map has the shape {shape}").format(shape=places.shape))
        regions, shape = _regions(places)
        flat, shape_of_value = value.reshape(-1), value.shape[1:]
        steps = (1.0, 0.0) if self._cut.is_affine else (STEP, -STEP)
        up, down = (self._raised(flat, shape_of_value, regions, step) for step in steps)
        change = (up - down) / (steps[0] - steps[1])
        if not change.any():
            return None  # a transformer that answers from a token beside its map
        return score(change, index).reshape(shape)

    def _raised(
        self, flat: NDArray[np.float32], shape: tuple[int, ...], regions: list[NDArray[np.int64]], step: float
    ) -> NDArray[np.float64]:
        """Return logits float64 ``(regions, K)``: one region each made stronger by the share ``step``."""
        if step == 0:
            return np.repeat(self._tail_logits(flat.reshape(1, *shape)), len(regions), axis=0)
        batch = max(1, BATCH_BYTES // (4 * flat.size))
        parts = []
        for start in range(0, len(regions), batch):
            part = regions[start : start + batch]
            values = np.repeat(flat[None], len(part), axis=0)
            for row, region in zip(values, part, strict=True):
                row[region] *= np.float32(1 + step)
            parts.append(self._tail_logits(values.reshape(len(part), *shape)))
        return np.concatenate(parts)

    def _tail_logits(self, values: NDArray[np.float32]) -> NDArray[np.float64]:
        assert self._cut is not None
        assert self._tail is not None
        with explained_run(self._path):
            (logits,) = self._tail.run([LOGITS], {self._cut.value: values})
        return self._checked(logits, len(values))

    def _by_occlusion(self, square: NDArray[np.uint8], index: int, progress: Progress | None) -> NDArray[np.float64]:
        """Return float64 ``(CELLS, CELLS)``: by how much the score falls, on average, while a cell is covered."""
        cells = min(CELLS, len(square))
        edges = np.rint(np.linspace(0, len(square), cells + 1)).astype(int)
        begins = range(1 - PATCH, cells)
        spots = [(_covered(y, cells), _covered(x, cells)) for y in begins for x in begins]
        whole = score(self._logits(square[None]), index)[0]

        def drops(part: list[tuple[slice, slice]]) -> NDArray[np.float64]:
            pictures = np.repeat(square[None], len(part), axis=0)
            for picture, (rows, columns) in zip(pictures, part, strict=True):
                picture[edges[rows.start] : edges[rows.stop], edges[columns.start] : edges[columns.stop]] = images.GREY
            fallen: NDArray[np.float64] = whole - score(self._logits(pictures), index)
            return fallen

        parts = [spots[start : start + OCCLUDED_BATCH] for start in range(0, len(spots), OCCLUDED_BATCH)]
        total, times = np.zeros((cells, cells)), np.zeros((cells, cells))
        task = (progress or SilentProgress()).task(_("Covering parts of the picture"), len(spots), unit=_("places"))
        with task, ThreadPoolExecutor(self._threads) as pool:
            for part, fallen in zip(parts, pool.map(drops, parts), strict=True):
                for spot, drop in zip(part, fallen, strict=True):
                    total[spot] += drop
                    times[spot] += 1
                task.advance(len(part))
        return total / times

    def _logits(self, pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
        with explained_run(self._path):
            (logits,) = self._trunk.run([LOGITS], {INPUT: pictures})
        return self._checked(logits, len(pictures))

    def _checked(self, logits: NDArray[np.float32], pictures: int) -> NDArray[np.float64]:
        # What a graph declares and what it gives may differ.
        if logits.shape != (pictures, len(self.info.labels)) or not np.isfinite(logits).all():
            raise damaged(self._path, _("its model gives numbers that are no answers"))
        return logits.astype(np.float64)


def score(logits: NDArray[np.float64], index: int) -> NDArray[np.float64]:
    """Return float64 ``(N,)``: how far the logit of class ``index`` lies above the mean of all, for ``(N, K)``."""
    result: NDArray[np.float64] = logits[:, index] - logits.mean(axis=1)
    return result


def _regions(places: NDArray[np.int64]) -> tuple[list[NDArray[np.int64]], tuple[int, int]]:
    """Return the numbers of each region of a map, and how many regions there are each way.

    Args:
        places: ``(C, h, w)``, as ``places_of`` gives them. Where there are many, neighbours are taken together.
    """
    height, width = places.shape[1:]
    side = max(1, math.ceil(math.sqrt(height * width / MOST_PLACES)))
    rows, columns = math.ceil(height / side), math.ceil(width / side)
    # Even regions, so that the map stays in place: of 30 places each way 10 regions of 3, of 13 places 7 of 1 or 2.
    tops, lefts = (np.rint(np.linspace(0, n, m + 1)).astype(int) for n, m in ((height, rows), (width, columns)))
    regions = [
        places[:, tops[row] : tops[row + 1], lefts[column] : lefts[column + 1]].reshape(-1)
        for row in range(rows)
        for column in range(columns)
    ]
    return regions, (rows, columns)


def _part(whole: Span, part: Span) -> Span:
    """Return a part of a part: ``part`` is given in shares of ``whole``."""
    width, height = whole[2] - whole[0], whole[3] - whole[1]
    return (
        whole[0] + part[0] * width,
        whole[1] + part[1] * height,
        whole[0] + part[2] * width,
        whole[1] + part[3] * height,
    )


def _covered(begin: int, cells: int) -> slice:
    return slice(max(begin, 0), min(begin + PATCH, cells))
