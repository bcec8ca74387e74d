"""The predictor: a bundle in, answers for pictures out. Light: NumPy, Pillow and ONNX Runtime.

>>> predictor = Predictor.open(Path("best.anmok"))
>>> for answer in predictor.predict_source("holiday.zip"):
...     print(answer.path, answer.label, answer.probability)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anmok.bundle.format import Bundle, read_bundle
from anmok.bundle.info import BundleInfo
from anmok.bundle.serving import ServedGraph
from anmok.config import Limits
from anmok.data.source import Source
from anmok.errors import PictureError
from anmok.features.engine import Item
from anmok.inference.inputs import Inputs, source_items
from anmok.probabilities import softmax
from anmok.records import Prediction, PredictionFailure


class PixelAnswers(NamedTuple):
    """What the model says of a batch of ready pixels.

    Attributes:
        probabilities: float32 ``(N, K)``, after temperature, in the order of the labels; rows sum to 1.
        embeddings: float32 ``(N, D)``.
    """

    probabilities: NDArray[np.float32]
    embeddings: NDArray[np.float32]


class PictureAnswer(NamedTuple):
    """What the model says of one picture: ``probabilities`` float32 ``(K,)``, ``embedding`` float32 ``(D,)``."""

    probabilities: NDArray[np.float32]
    embedding: NDArray[np.float32]


class Predictor:
    """A bundle that answers. One predictor may be used from several threads at once.

    Attributes:
        info: all that the bundle says of itself.
    """

    def __init__(self, bundle: Bundle, *, threads: int = 0, limits: Limits | None = None) -> None:
        self.info: BundleInfo = bundle.info
        self._limits = limits or Limits()
        self._graph = ServedGraph(bundle, threads=threads)

    @classmethod
    def open(cls, path: str | Path, *, threads: int = 0, limits: Limits | None = None) -> Predictor:
        """Read a bundle and make it ready.

        Args:
            threads: of decoding and inference; 0 takes all cores.
            limits: on the pictures that it will be asked about.

        Raises:
            SourceNotFound: there is no such file.
            BundleError: it is damaged, hostile, or written by a newer Anmok.
        """
        return cls(read_bundle(Path(path), reference=False), threads=threads, limits=limits)

    @property
    def labels(self) -> tuple[str, ...]:
        """Class names in the order of probabilities."""
        return self.info.labels

    def predict_pixels(self, batch: NDArray[np.uint8]) -> PixelAnswers:
        """Answer for pictures that are resized already.

        Args:
            batch: uint8 ``(N, S, S, 3)`` RGB, S the bundle's image size, as ``images.load`` gives them.

        Raises:
            ValueError: another shape or dtype.
        """
        logits, embeddings = self._graph.run(batch)
        return PixelAnswers(softmax(logits, self.info.temperature), embeddings)

    def answers(self, items: Iterable[Item]) -> Iterator[tuple[str, PictureAnswer | PictureError]]:
        """Answer for pictures in full, in order; decoding runs in threads beside the model.

        Args:
            items: names of pictures and how to read their bytes; taken as they come, a few batches ahead.
        """
        for name, outcome in self._graph.stream(items, limits=self._limits):
            if isinstance(outcome, PictureError):
                yield name, outcome
            else:
                probabilities = softmax(outcome.logits[None], self.info.temperature)[0]
                yield name, PictureAnswer(probabilities, outcome.embedding)

    def predict_items(self, items: Iterable[Item], *, top_k: int = 3) -> Iterator[Prediction | PredictionFailure]:
        """Answer for pictures with the ``top_k`` most probable classes each, in order; see ``answers``."""
        for name, answer in self.answers(items):
            if isinstance(answer, PictureError):
                yield PredictionFailure(path=name, error=str(answer))
            else:
                yield self._prediction(name, answer.probabilities, top_k)

    def predict_source(self, source: Source | str | Path, top_k: int = 3) -> Iterator[Prediction | PredictionFailure]:
        """Answer for all pictures of a folder, zip, single file or open source, in its order.

        Raises:
            SourceNotFound, UnknownSource, EmptySource, StorageError: as opening the source does.
        """
        if isinstance(source, str | Path):
            with Inputs([str(source)], limits=self._limits) as inputs:
                yield from self.predict_items(inputs.items, top_k=top_k)
        else:
            yield from self.predict_items(source_items(source), top_k=top_k)

    def _prediction(self, name: str, probabilities: NDArray[np.float32], top_k: int) -> Prediction:
        # Stable, so that of equal probabilities the class that stands first wins, as argmax has it.
        order = np.argsort(-probabilities, kind="stable")[: max(top_k, 1)]
        best = int(order[0])
        probability = float(probabilities[best])
        threshold = self.info.unknown_threshold
        return Prediction(
            path=name,
            label=self.labels[best],
            index=best,
            probability=probability,
            unknown=threshold is not None and probability < threshold,
            top=tuple((self.labels[i], float(probabilities[i])) for i in order),
        )
