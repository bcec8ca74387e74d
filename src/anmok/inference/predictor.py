"""The predictor: a bundle in, answers for pictures out. Light: NumPy, Pillow and ONNX Runtime.

>>> predictor = Predictor.open(Path("best.anmok"))
>>> for answer in predictor.predict_source("holiday.zip"):
...     print(answer.path, answer.label)
0.jpg Cheonjiyeon waterfall
1.jpg Cheonjiyeon waterfall
2.jpg Cheonjiyeon waterfall
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from math import isfinite
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anmok import images
from anmok.bundle.archive import damaged
from anmok.bundle.format import Bundle, read_bundle
from anmok.bundle.info import BundleInfo
from anmok.bundle.serving import GraphAnswer, ServedGraph
from anmok.bundle.unknown.registry import Score
from anmok.bundle.unknown.rule import UnknownRule
from anmok.config import Limits
from anmok.data.folders import read_file
from anmok.data.names import escape
from anmok.data.source import Source
from anmok.errors import PictureError
from anmok.features.engine import BATCH, Item
from anmok.i18n import _
from anmok.inference.heat_map import HeatMap
from anmok.inference.heat_mapper import HeatMapper, Method
from anmok.inference.inputs import Inputs, source_items
from anmok.probabilities import softmax
from anmok.records import Prediction, PredictionFailure


class PixelAnswers(NamedTuple):
    """What the model says of a batch of ready pixels.

    Attributes:
        probabilities: float32 ``(N, K)``, after temperature, in the order of the labels; rows sum to 1.
        embeddings: float32 ``(N, D)``.
        unknown_scores: float64 ``(N,)``, the higher, the less like any class; None where the bundle has no such score.
    """

    probabilities: NDArray[np.float32]
    embeddings: NDArray[np.float32]
    unknown_scores: NDArray[np.float64] | None = None


class PictureAnswer(NamedTuple):
    """What the model says of one picture.

    Attributes:
        probabilities: float32 ``(K,)``, after temperature. embedding: float32 ``(D,)``.
        unknown_score: the higher, the less like any class; None where the bundle has no such score.
        unknown: True where "none of these" is the answer.
    """

    probabilities: NDArray[np.float32]
    embedding: NDArray[np.float32]
    unknown_score: float | None = None
    unknown: bool = False


class Predictor:
    """A bundle that answers. One predictor may be used from several threads at once.

    >>> predictor = Predictor.open("best.anmok")
    >>> (answer,) = predictor.predict_source("cat.jpg")
    >>> len(answer.top), 0 < answer.probability <= 1
    (3, True)
    >>> predictor.heat_map("cat.jpg").method
    'occlusion'

    Args:
        bundle: read with its reference embeddings, if it shall answer "none of these".
        threads: of decoding and inference; 0 takes all cores.
        limits: on the pictures that it will be asked about.
        unknown: answer "none of these", if the bundle can; otherwise every picture gets the name of a class.

    Attributes:
        info: all that the bundle says of itself.
        rule: when the answer is "none of these"; None: never.

    Raises:
        BundleError: ONNX Runtime cannot run its graph, or its rule does not fit what it remembers.
    """

    def __init__(self, bundle: Bundle, *, threads: int = 0, limits: Limits | None = None, unknown: bool = True) -> None:
        self.info: BundleInfo = bundle.info
        self.rule: UnknownRule | None = bundle.info.unknown if unknown else None
        self._limits = limits or Limits()
        self._graph = ServedGraph(bundle, threads=threads)
        self._score = None if self.rule is None else _score(bundle, self.rule)
        self._path = bundle.path
        self._mapper: HeatMapper | None = None

    @classmethod
    def open(
        cls, path: str | Path, *, threads: int = 0, limits: Limits | None = None, unknown: bool = True
    ) -> Predictor:
        """Read a bundle and make it ready.

        Args:
            threads, limits, unknown: as of the class.

        Raises:
            SourceNotFound: there is no such file.
            BundleError: it is damaged, hostile, or written by a newer Anmok.
        """
        return cls(read_bundle(Path(path), reference=unknown), threads=threads, limits=limits, unknown=unknown)

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
        scores = None if self._score is None else self._score(embeddings, logits)
        return PixelAnswers(softmax(logits, self.info.temperature), embeddings, scores)

    def predict_squares(self, names: Sequence[str], squares: NDArray[np.uint8], *, top_k: int = 3) -> list[Prediction]:
        """Answer for pictures that are resized already as ``predict_items`` does for files, with no threads of its own.

        Args:
            names: what the answers call them.
            squares: uint8 ``(N, S, S, 3)``, one for each name, as ``predict_pixels`` takes them.

        Raises:
            ValueError: another shape or dtype.
            BundleError: the graph fails.
        """
        rows = zip(*self._graph.run(squares), strict=True)
        given = [(name, GraphAnswer(*row)) for name, row in zip(names, rows, strict=True)]
        return [
            self._prediction(name, answer, top_k)
            for name, answer in self._answered(given)
            if not isinstance(answer, PictureError)
        ]

    def answers(self, items: Iterable[Item]) -> Iterator[tuple[str, PictureAnswer | PictureError]]:
        """Answer for pictures in full, in order; decoding runs in threads beside the model.

        Args:
            items: names of pictures and how to read their bytes; taken as they come, a few batches ahead.
        """
        stream = self._graph.stream(items, limits=self._limits)
        # As many as a worker of the graph hands over together: none is kept waiting, and they share one comparison
        # with what the bundle remembers.
        while part := list(islice(stream, BATCH)):
            yield from self._answered(part)

    def _answered(
        self, part: Sequence[tuple[str, GraphAnswer | PictureError]]
    ) -> Iterator[tuple[str, PictureAnswer | PictureError]]:
        good = [outcome for _name, outcome in part if not isinstance(outcome, PictureError)]
        scores, unknown = self._unknown(good)
        numbers = iter(range(len(good)))
        for name, outcome in part:
            if isinstance(outcome, PictureError):
                yield name, outcome
                continue
            number = next(numbers)
            probabilities = softmax(outcome.logits[None], self.info.temperature)[0]
            yield name, PictureAnswer(probabilities, outcome.embedding, scores[number], unknown[number])

    def _unknown(self, answers: Sequence[GraphAnswer]) -> tuple[Sequence[float | None], Sequence[bool]]:
        """Return each picture's score and whether it is above the threshold."""
        if self._score is None or self.rule is None or not answers:
            return [None] * len(answers), [False] * len(answers)
        logits, embeddings = (np.stack(rows) for rows in zip(*answers, strict=True))
        scores = self._score(embeddings, logits)
        # An embedding that is no number gives a score that is none, which JSON could not hold; it is refused.
        return [score if isfinite(score) else None for score in scores.tolist()], self.rule.refuses(scores).tolist()

    def predict_items(self, items: Iterable[Item], *, top_k: int = 3) -> Iterator[Prediction | PredictionFailure]:
        """Answer for pictures with the ``top_k`` most probable classes each, in order; see ``answers``."""
        for name, answer in self.answers(items):
            if isinstance(answer, PictureError):
                yield PredictionFailure(path=name, error=str(answer))
            else:
                yield self._prediction(name, answer, top_k)

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

    def heat_map(
        self, picture: str | Path | bytes | NDArray[np.uint8], *, label: str | None = None, method: Method = "auto"
    ) -> HeatMap:
        """Return where a picture speaks for a class; the first call reads the bundle again.

        Args:
            picture: a file, its bytes, or uint8 ``(H, W, 3)`` RGB, upright and of any size.
            label: the class; None takes the most probable one.
            method: ``cam`` (milliseconds), ``occlusion`` (a second or more), or ``auto``: ``cam`` where that is
                possible.

        Raises:
            PictureError: there is no such picture, or it cannot be read.
            UnknownName, UsageError: as ``HeatMapper.heat_map``.
            BundleError: the bundle's file was replaced by another model since.
        """
        mapper = self._mapper or HeatMapper.open(self._path)
        if (mapper.info.labels, mapper.info.data_hash) != (self.labels, self.info.data_hash):
            raise damaged(self._path, _("it was replaced by another model since it was opened"))
        self._mapper = mapper
        if isinstance(picture, np.ndarray):
            return mapper.heat_map(picture, label=label, method=method)
        name = _("the picture") if isinstance(picture, bytes) else escape(str(picture))
        data = picture if isinstance(picture, bytes) else read_file(str(picture), name, self._limits.max_bytes)
        decoded = images.decode(data, name=name, limits=self._limits, at_least=2 * self.info.image_size)
        return mapper.heat_map(decoded.pixels, label=label, method=method)

    def _prediction(self, name: str, answer: PictureAnswer, top_k: int) -> Prediction:
        # Stable, so that of equal probabilities the class that stands first wins, as argmax has it.
        probabilities = answer.probabilities
        order = np.argsort(-probabilities, kind="stable")[: max(top_k, 1)]
        best = int(order[0])
        return Prediction(
            path=name,
            label=self.labels[best],
            index=best,
            probability=float(probabilities[best]),
            unknown=answer.unknown,
            top=tuple((self.labels[i], float(probabilities[i])) for i in order),
            unknown_score=answer.unknown_score,
        )


def _score(bundle: Bundle, rule: UnknownRule) -> Score:
    """Return the score of a bundle's rule."""
    if bundle.reference is None:
        raise ValueError('the bundle was read without its reference embeddings, which "none of these" needs')
    try:
        return rule.make_score(bundle.reference)
    except ValueError as error:
        reason = _('it remembers too little to answer "none of these" ({reason})').format(reason=error)
        raise damaged(bundle.path, reason) from error
