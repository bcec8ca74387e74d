"""Pictures through an ONNX graph as fast as the cores allow: in order, in bounded memory. Light.

Each worker thread takes some pictures, reads and decodes them, and runs the graph on them by itself, on one core.
So decoding and inference never compete for cores, nothing waits for the slowest, and no queue can grow. Decoding
(Pillow) and inference (ONNX Runtime) both release Python's lock.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from anmok import images
from anmok.config import Limits, ResizeRule
from anmok.errors import PictureError
from anmok.features.session import count_threads
from anmok.i18n import current_language, speak

if TYPE_CHECKING:
    import onnxruntime

INPUT = "pictures"
#: Pictures that a worker takes at a time; on a GPU they run through the graph together.
#:
#: On the CPU they run one by one: what one picture needs then stays in the core's own cache. Milliseconds of processor
#: time a picture, MobileNetV2 at 224 pixels, two cores, two workers (medians; the share of ONNX Runtime alone, at its
#: best, in brackets): batches of 16 run together 9.3 (0.70), of 4 8.7 (0.74); one by one, decoded one by one 8.0
#: (0.81), 8 at a time 7.5 (0.86), 16 at a time 7.5 (0.86); decoding in a pool beside a session with two threads was as
#: fast as batches of 16 at best, and a third slower where waiting threads spin.
BATCH, GPU_BATCH = 8, 64
#: Batches that are begun, or wait, beyond the one that is asked for, for each worker: enough that none is idle while
#: another one's batch, which must come first, takes longer.
AHEAD = 3

#: A name, and what gives the bytes of that picture.
Item = tuple[str, Callable[[], bytes]]
#: A name and its pixels, uint8 ``(S, S, 3)``, to pixels of the same shape.
Change = Callable[[str, NDArray[np.uint8]], NDArray[np.uint8]]
#: One picture's row of each output.
Rows = tuple[NDArray[Any], ...]
ResultT = TypeVar("ResultT")


def stream_pixels(
    items: Iterable[Item],
    *,
    size: int,
    rule: ResizeRule,
    limits: Limits = Limits(),  # noqa: B008
    threads: int = 0,
) -> Generator[tuple[str, NDArray[np.uint8] | PictureError]]:
    """Decode pictures in threads.

    Args:
        items: names, and functions that give the bytes; these are called in worker threads.
        size: side of the square, pixels.
        threads: 0 takes all cores.

    Yields:
        For each item, in order, its name and uint8 ``(size, size, 3)``, or what is wrong with the picture.
    """

    def work(batch: Sequence[Item], stopped: threading.Event) -> list[tuple[str, NDArray[np.uint8] | PictureError]]:
        return list(_decoded(batch, size, rule, limits, stopped))

    yield from _in_batches(items, work, batch=BATCH, threads=threads)


def run_graph(
    items: Iterable[Item],
    session: onnxruntime.InferenceSession,
    *,
    outputs: Sequence[str],
    size: int,
    rule: ResizeRule,
    limits: Limits = Limits(),  # noqa: B008
    threads: int = 0,
    batch: int = 0,
    change: Change | None = None,
) -> Generator[tuple[str, Rows | PictureError]]:
    """Decode pictures and run a graph on them.

    Args:
        items: names, and functions that give the bytes; these are called in worker threads.
        session: takes ``pictures`` uint8 ``(N, size, size, 3)``; opened with ``threads=1``.
        outputs: names of what the graph shall give, each ``(N, ...)``.
        threads: workers; 0 takes all cores.
        batch: pictures that a worker takes at a time; 0 takes what suits the device.
        change: applied to each picture between decoding and graph, in the worker threads.

    Yields:
        For each item, in order, its name and its row of each output, or what is wrong with the picture.
    """
    names = list(outputs)
    is_gpu = session.get_providers()[0] != "CPUExecutionProvider"
    batch = batch or (GPU_BATCH if is_gpu else BATCH)
    together = batch if is_gpu else 1

    def work(part: Sequence[Item], stopped: threading.Event) -> list[tuple[str, Rows | PictureError]]:
        decoded = list(_decoded(part, size, rule, limits, stopped))
        good = [
            pixels if change is None else change(name, pixels)
            for name, pixels in decoded
            if not isinstance(pixels, PictureError)
        ]
        rows: list[Rows] = []
        for start in range(0, len(good), together):
            if stopped.is_set():
                return []
            pictures = good[start][None] if together == 1 else np.stack(good[start : start + together])
            rows.extend(zip(*session.run(names, {INPUT: pictures}), strict=True))
        answers = iter(rows)
        return [(name, result if isinstance(result, PictureError) else next(answers)) for name, result in decoded]

    yield from _in_batches(items, work, batch=batch, threads=threads)


def _decoded(
    batch: Sequence[Item], size: int, rule: ResizeRule, limits: Limits, stopped: threading.Event
) -> Iterator[tuple[str, NDArray[np.uint8] | PictureError]]:
    for name, read in batch:
        if stopped.is_set():
            return
        try:
            yield name, images.load(read(), name=name, size=size, rule=rule, limits=limits)
        except PictureError as error:
            yield name, error


def _in_batches(
    items: Iterable[Item],
    work: Callable[[Sequence[Item], threading.Event], list[ResultT]],
    *,
    batch: int,
    threads: int,
) -> Iterator[ResultT]:
    """Run ``work`` on batches of ``items`` in threads; results in order, a bounded number of batches under way."""
    workers = count_threads(threads)
    waiting: deque[Future[list[ResultT]]] = deque()
    stopped = threading.Event()
    source = iter(items)
    pool = ThreadPoolExecutor(workers, "anmok-engine", initializer=speak, initargs=(current_language(),))
    try:
        while part := list(islice(source, batch)):
            waiting.append(pool.submit(work, part, stopped))
            if len(waiting) >= workers * (1 + AHEAD):
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()
    finally:
        # Reached by Ctrl-C and by a caller that stops listening too: no new picture is begun.
        stopped.set()
        pool.shutdown(wait=True, cancel_futures=True)
