"""Answers with their reasons: for each picture the classes, and where it speaks for one of them. Light.

>>> for one in explain("colours.anmok", "holiday.zip"):
...     print(one.prediction.path, one.heat_map.method)
0.jpg cam
1.jpg cam
2.jpg cam
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anmok import images
from anmok.bundle.format import read_bundle
from anmok.config import Limits
from anmok.errors import PictureError
from anmok.features.engine import Item
from anmok.inference.heat_map import HeatMap
from anmok.inference.heat_mapper import HeatMapper, Method
from anmok.inference.inputs import Inputs
from anmok.inference.overlay import LONGEST, heat_map_png, shrunk
from anmok.inference.predictor import Predictor
from anmok.notebook import ShownInNotebooks
from anmok.progress import Progress
from anmok.records import Prediction, PredictionFailure


@dataclass(frozen=True, slots=True, eq=False)
class Explanation(ShownInNotebooks):
    """The answer for one picture, and where the picture speaks for a class.

    Attributes:
        prediction: the answer.
        heat_map: of the class that was asked for, else of the answer's.
        pixels: uint8 ``(H, W, 3)``, the whole upright picture, its longer side at most 640 pixels.
    """

    prediction: Prediction
    heat_map: HeatMap
    pixels: NDArray[np.uint8]

    def to_png(self) -> bytes:
        """Return the picture under its heat map as the bytes of a PNG."""
        return heat_map_png(self.pixels, self.heat_map)


class Explainer:
    """A bundle that answers and shows where it looked.

    Attributes:
        mapper: makes its heat maps.
    """

    def __init__(self, predictor: Predictor, mapper: HeatMapper, *, limits: Limits) -> None:
        self._predictor, self.mapper, self._limits = predictor, mapper, limits

    @classmethod
    def open(cls, path: str | Path, *, threads: int = 0, limits: Limits | None = None) -> Explainer:
        """Read a bundle and make it ready.

        Raises:
            SourceNotFound, BundleError: as ``Predictor.open``.
        """
        bundle = read_bundle(Path(path))
        limits = limits or Limits()
        predictor = Predictor(bundle, threads=threads, limits=limits)
        return cls(predictor, HeatMapper(bundle, threads=threads), limits=limits)

    def explain_items(
        self,
        items: Sequence[Item],
        *,
        label: str | None = None,
        method: Method = "auto",
        top_k: int = 3,
        progress: Progress | None = None,
    ) -> Iterator[Explanation | PredictionFailure]:
        """Answer for pictures in their order; one that cannot be read gives a failure.

        Args:
            items: names of pictures and how to read their bytes.
            label: the class to look for; None takes each picture's most probable one.
            top_k: classes named in each answer.
            progress: told of the places that occlusion covers.

        Raises:
            UnknownName, UsageError: as ``HeatMapper.heat_map``.
        """
        if label is not None:
            self.mapper.index_of(label)
        answers = self._predictor.predict_items(items, top_k=top_k)
        for (name, read), answer in zip(items, answers, strict=True):
            if isinstance(answer, PredictionFailure):
                yield answer
                continue
            try:
                data = read()
                pixels = self._decoded(data, name, 2 * self.mapper.info.image_size)
                shown = shrunk(self._decoded(data, name, LONGEST), LONGEST)
            except PictureError as error:  # it changed since it was answered for
                yield PredictionFailure(path=name, error=str(error))
                continue
            asked = answer.label if label is None else label
            found = self.mapper.heat_map(pixels, label=asked, method=method, progress=progress)
            yield Explanation(answer, found, shown)

    def _decoded(self, data: bytes, name: str, at_least: int) -> NDArray[np.uint8]:
        return images.decode(data, name=name, limits=self._limits, at_least=at_least).pixels


def explain(
    bundle: str | Path,
    places: str | Path | Sequence[str | Path],
    *,
    label: str | None = None,
    method: Method = "auto",
    threads: int = 0,
) -> Iterator[Explanation | PredictionFailure]:
    """Say what pictures show, and where each speaks for its class: what ``anmok explain`` draws.

    >>> (one,) = explain("best.anmok", "cat.jpg")
    >>> one.pixels.shape, one.heat_map.values.shape, one.to_png()[:4]
    ((160, 160, 3), (12, 12), b'\\x89PNG')

    Args:
        bundle: a file ``*.anmok``.
        places: pictures, folders, zips; one or several.
        label: the class to look for; None takes each picture's most probable one.
        method: ``cam`` asks the feature map (milliseconds), ``occlusion`` covers parts of the picture (a second or
            more), ``auto`` takes ``cam`` where the model allows it.
        threads: of decoding and inference; 0 takes all cores.

    Yields:
        ``Explanation`` for each picture, in order; ``PredictionFailure`` for one that cannot be read.

    Raises:
        SourceNotFound, UnknownSource, EmptySource, StorageError, BundleError: as ``Predictor`` does.
        UnknownName: the bundle knows no class ``label``.
        UsageError: ``cam`` was asked for, and the model does not answer from its feature map alone.
    """
    listed = [places] if isinstance(places, str | Path) else places
    explainer = Explainer.open(bundle, threads=threads)
    with Inputs([str(place) for place in listed], limits=Limits()) as inputs:
        yield from explainer.explain_items(inputs.items, label=label, method=method)
