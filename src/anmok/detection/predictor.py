"""A detector's bundle answers for photos: boxes with name and score. ONNX Runtime and NumPy only; light::

with DetectionPredictor.open(Path("detector/best.anmok")) as detector:
    label = detector.detect(Path("table.jpg").read_bytes(), name="table.jpg").boxes[0].label
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anmok.config import Limits
from anmok.detection.bundle import INPUT, OUTPUTS, DetectorInfo, read_detector
from anmok.detection.decoding import LEAST_SCORE, Found, decode_boxes
from anmok.detection.fitting import load_fitted, on_canvas
from anmok.errors import PictureError
from anmok.features.session import count_threads, open_session
from anmok.i18n import current_language, speak
from anmok.notebook import ShownInNotebooks
from anmok.records import Box, PredictionFailure

Item = tuple[str, Callable[[], bytes]]


@dataclass(frozen=True, slots=True)
class Detection(ShownInNotebooks):
    """What was found in one photo.

    Attributes:
        path: as it was called.
        width, height: of the upright photo, pixels.
        boxes: the surest first, in pixels of the upright photo.
        indices: the class number of each.
    """

    path: str
    width: int
    height: int
    boxes: tuple[Box, ...]
    indices: tuple[int, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the fixed JSON form of ``anmok detect predict --json``."""
        return {
            "path": self.path,
            "width": self.width,
            "height": self.height,
            "boxes": [
                {
                    "class": box.label,
                    "index": index,
                    "score": round(box.score, 4),
                    "x0": round(box.x0, 2),
                    "y0": round(box.y0, 2),
                    "x1": round(box.x1, 2),
                    "y1": round(box.y1, 2),
                }
                for box, index in zip(self.boxes, self.indices, strict=True)
            ],
        }


class DetectionPredictor:
    """An open detector.

    Args:
        threshold: of the score, from which boxes are reported; None: the bundle's own.
        threads: for one photo's answer; many photos share them.
    """

    def __init__(self, info: DetectorInfo, model: bytes, *, threads: int = 0, threshold: float | None = None) -> None:
        self.info = info
        self.threshold = info.threshold if threshold is None else threshold
        self._threads = count_threads(threads)
        self._model = model
        self._session = open_session(model, threads=self._threads)

    @classmethod
    def open(cls, path: Path, *, threads: int = 0, threshold: float | None = None) -> DetectionPredictor:
        """Open a bundle.

        Raises:
            SourceNotFound, StorageError, BundleError: as ``read_detector``.
        """
        bundle = read_detector(path)
        return cls(bundle.info, bundle.model, threads=threads, threshold=threshold)

    def raw(self, canvas: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return scores ``(A, K)`` and distances ``(A, 4)`` for a canvas uint8 ``(H, W, 3)``."""
        scores, distances = self._session.run(list(OUTPUTS), {INPUT: canvas[None]})
        return scores[0], distances[0]

    def find(self, pixels: NDArray[np.uint8], size: tuple[int, int], *, least_score: float | None = None) -> Found:
        """Return the boxes of a fitted picture ``(h, w, 3)`` in pixels of the full one.

        Args:
            size: width and height of the full picture.
            least_score: None: the threshold.
        """
        canvas = on_canvas(pixels)
        scores, distances = self.raw(canvas)
        return decode_boxes(
            scores,
            distances,
            canvas=(canvas.shape[0], canvas.shape[1]),
            fitted=(pixels.shape[1], pixels.shape[0]),
            picture=size,
            least_score=max(self.threshold, LEAST_SCORE) if least_score is None else least_score,
        )

    def detect(self, data: bytes, *, name: str, limits: Limits = Limits()) -> Detection:  # noqa: B008
        """Return what is in one photo.

        Raises:
            PictureError: the bytes are no photo that can be read.
        """
        pixels, size = load_fitted(data, name=name, side=self.info.side, limits=limits)
        found = self.find(pixels, size)
        boxes = tuple(
            Box(self.info.labels[label], float(x0), float(y0), float(x1), float(y1), float(score))
            for (x0, y0, x1, y1), label, score in zip(found.boxes, found.labels, found.scores, strict=True)
        )
        return Detection(name, *size, boxes, tuple(map(int, found.labels)))

    def detect_items(
        self,
        items: Iterable[Item],
        *,
        limits: Limits = Limits(),  # noqa: B008
    ) -> Iterator[Detection | PredictionFailure]:
        """Yield an answer for each photo, in order; one that cannot be read is a ``PredictionFailure``."""

        def work(item: Item) -> Detection | PredictionFailure:
            name, read = item
            try:
                return self.detect(read(), name=name, limits=limits)
            except PictureError as error:
                return PredictionFailure(name, str(error))

        waiting: deque[Future[Detection | PredictionFailure]] = deque()
        pool = ThreadPoolExecutor(2, "anmok-detect", initializer=speak, initargs=(current_language(),))
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) > 8:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
