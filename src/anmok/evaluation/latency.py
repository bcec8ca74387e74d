"""How long one waits for the answer to one picture: what a web page or a shop till feels, unlike pictures a second."""

from __future__ import annotations

import statistics
import time
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from anmok.errors import PictureError

if TYPE_CHECKING:
    from anmok.data.manifest import Manifest
    from anmok.inference.predictor import Predictor

#: Pictures that are asked about, spread over the split.
ASKED = 30


def measure_latency(predictor: Predictor, manifest: Manifest, split: str, *, asked: int = ASKED) -> float | None:
    """Return the median of milliseconds from one picture's file to its answer, one picture at a time.

    Reading, decoding, resizing and the model count. The first picture is asked about once before, since a program that
    has just begun is slower. The median is not moved by the one or other picture during which the machine did something
    else.

    Returns:
        None where no picture of the split could be read.
    """
    paths = [str(path) for path in manifest.of_split(split).table["path"]]
    chosen = [paths[number] for number in np.unique(np.linspace(0, len(paths) - 1, min(asked, len(paths))).astype(int))]
    times = []
    with manifest.open_source() as source:
        for path in [*chosen[:1], *chosen]:
            item = path, partial(source.read, path)
            begin = time.perf_counter()
            ((_path, answer),) = predictor.answers([item])
            took = time.perf_counter() - begin
            if not isinstance(answer, PictureError):
                times.append(took)
    return 1000 * statistics.median(times[1:]) if len(times) > 1 else None
