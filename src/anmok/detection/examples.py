"""Pictures with boxes as training and measuring take them: decoded once, made to fit, in memory."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anmok.config import Limits
from anmok.data.sources import open_source
from anmok.detection.boxset import BoxedPicture, BoxSet
from anmok.detection.fitting import CELL, load_fitted
from anmok.errors import EmptySource, PictureError
from anmok.features.session import count_threads
from anmok.i18n import _, current_language, speak
from anmok.progress import Progress


@dataclass(frozen=True, slots=True)
class Example:
    """A picture and what is to be found in it.

    Attributes:
        picture: its facts.
        pixels: uint8 ``(h, w, 3)``, fitted.
        boxes: float64 ``(G, 4)`` edges in pixels of the full picture. labels: ``(G,)``.
    """

    picture: BoxedPicture
    pixels: NDArray[np.uint8]
    boxes: NDArray[np.float64]
    labels: NDArray[np.int64]

    @property
    def fitted_boxes(self) -> NDArray[np.float64]:
        """The boxes in pixels of ``pixels``."""
        height, width = self.pixels.shape[:2]
        scale = np.array([width / self.picture.width, height / self.picture.height] * 2)
        boxes: NDArray[np.float64] = self.boxes * scale
        return boxes

    @property
    def shape(self) -> tuple[int, int]:
        """Width and height of the full picture."""
        return self.picture.width, self.picture.height


def load_examples(
    boxes: BoxSet, pictures: Sequence[BoxedPicture], *, side: int, threads: int, progress: Progress
) -> tuple[Example, ...]:
    """Decode pictures; those that cannot be read are said and left out.

    Raises:
        EmptySource: none can be read.
    """

    def work(picture: BoxedPicture) -> Example | PictureError:
        try:
            pixels, _size = load_fitted(source.read(picture.path), name=picture.path, side=side, limits=Limits())
        except PictureError as error:
            return error
        edges = np.array([(box.x0, box.y0, box.x1, box.y1) for box in picture.boxes], dtype=np.float64).reshape(-1, 4)
        labels = np.array([boxes.numbers[box.label] for box in picture.boxes], dtype=np.int64)
        return Example(picture, pixels, edges, labels)

    examples: list[Example] = []
    pool = ThreadPoolExecutor(count_threads(threads), "anmok-boxes", initializer=speak, initargs=(current_language(),))
    with (
        open_source(boxes.source) as source,
        pool,
        progress.task(_("Decoding pictures"), len(pictures), unit=_("pictures")) as task,
    ):
        for found in pool.map(work, pictures):
            if isinstance(found, Example):
                examples.append(found)
            else:
                progress.say(str(found))
            task.advance()
    if not examples:
        raise EmptySource(_("None of the pictures in {name} can be read.").format(name=boxes.name))
    return tuple(examples)


def canvases_of(examples: Sequence[Example], side: int) -> list[tuple[int, int]]:
    """Return for each example the canvas it is learned on: one for lying and one for standing pictures.

    Returns:
        Height and width of each, multiples of 32; the longer is ``side``.
    """
    ratios: dict[bool, list[float]] = {True: [], False: []}
    for example in examples:
        height, width = example.pixels.shape[:2]
        ratios[width > height].append(min(height, width) / max(height, width))
    shorter = {lies: _cells(side * float(np.median(its))) if its else side for lies, its in ratios.items()}
    canvases = []
    for example in examples:
        height, width = example.pixels.shape[:2]
        canvases.append((shorter[True], side) if width > height else (side, shorter[False]))
    return canvases


def _cells(length: float) -> int:
    return max(CELL, -(-round(length) // CELL) * CELL)


def epoch_batches(canvases: Sequence[tuple[int, int]], batch_size: int, seed: tuple[int, ...]) -> list[list[int]]:
    """Return the batches of an epoch: places of examples, those of one batch on one canvas, all by chance."""
    random = np.random.default_rng(seed)
    batches: list[list[int]] = []
    for canvas in sorted(set(canvases)):
        places = np.array([place for place, its in enumerate(canvases) if its == canvas])
        random.shuffle(places)
        parts = np.array_split(places, max(1, round(len(places) / batch_size)))
        batches += [part.tolist() for part in parts]
    return [batches[number] for number in random.permutation(len(batches))]
