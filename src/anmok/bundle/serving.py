"""A bundle's graph at work: pictures in, logits and embeddings out. Light; used by parity and by the predictor.

Both go through this file, so what parity compares is what is served.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anmok.bundle.archive import damaged
from anmok.bundle.format import Bundle
from anmok.bundle.graph import INPUT
from anmok.config import Limits
from anmok.errors import PictureError
from anmok.features.engine import BATCH, Item, run_graph
from anmok.features.session import count_threads, open_session
from anmok.i18n import _

_WANTED = ("logits", "embedding")


class GraphAnswer(NamedTuple):
    """What the graph gives for one picture: ``logits`` float32 ``(K,)``, ``embedding`` float32 ``(D,)``."""

    logits: NDArray[np.float32]
    embedding: NDArray[np.float32]


class ServedGraph:
    """The graph of a bundle, ready to run. May be used from several threads at once.

    Args:
        threads: of decoding and inference; 0 takes all cores.

    Attributes:
        dim: D of the embeddings.

    Raises:
        BundleError: ONNX Runtime cannot run it.
    """

    def __init__(self, bundle: Bundle, *, threads: int = 0) -> None:
        self._path, self._info = bundle.path, bundle.info
        self._threads = count_threads(threads)
        with explained_run(self._path):
            # One thread a batch: the engine, the pool below and a web server's threads each run batches of their own.
            self._session = open_session(bundle.model, threads=1)
        shapes = {output.name: output.shape for output in self._session.get_outputs()}
        self.dim = int(shapes["embedding"][1])

    def run(self, pixels: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return logits ``(N, K)`` and embeddings ``(N, D)``, float32, for pixels uint8 ``(N, S, S, 3)``, N >= 1.

        Raises:
            ValueError: the pixels have another shape or dtype.
            BundleError: the graph fails, or gives something other than finite numbers of the shape it declared.
        """
        side = self._info.image_size
        if pixels.dtype != np.uint8 or pixels.shape[1:] != (side, side, 3) or len(pixels) == 0:
            wanted = f"uint8 (N, {side}, {side}, 3), N >= 1"
            raise ValueError(f"pixels {pixels.dtype} {pixels.shape} came; {wanted} is wanted")
        if len(pixels) <= BATCH:
            return self._run_batch(pixels)
        with ThreadPoolExecutor(self._threads) as pool:
            parts = list(pool.map(self._run_batch, np.split(pixels, range(BATCH, len(pixels), BATCH))))
        return np.concatenate([logits for logits, _e in parts]), np.concatenate([embedding for _l, embedding in parts])

    def stream(self, items: Iterable[Item], *, limits: Limits) -> Iterator[tuple[str, GraphAnswer | PictureError]]:
        """Answer for pictures in order, a few batches ahead of the reader, in bounded memory.

        Args:
            items: names of pictures and how to read their bytes (may raise PictureError).

        Raises:
            BundleError: as ``run``.
        """
        with explained_run(self._path):
            for name, outcome in run_graph(
                items,
                self._session,
                outputs=_WANTED,
                size=self._info.image_size,
                rule=self._info.resize,
                limits=limits,
                threads=self._threads,
            ):
                if isinstance(outcome, PictureError):
                    yield name, outcome
                else:
                    logits, embedding = outcome
                    self._check(logits[None], 1)
                    yield name, GraphAnswer(logits, embedding)

    def _run_batch(self, pixels: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        with explained_run(self._path):
            logits, embeddings = self._session.run(list(_WANTED), {INPUT: np.ascontiguousarray(pixels)})
        self._check(logits, len(pixels))
        return logits, embeddings

    def _check(self, logits: NDArray[np.float32], pictures: int) -> None:
        # What a graph declares and what it gives may differ.
        if logits.shape != (pictures, len(self._info.labels)) or not np.isfinite(logits).all():
            raise damaged(self._path, _("its model gives no usable answer"))


@contextmanager
def explained_run(path: Path) -> Iterator[None]:
    """Turn ONNX Runtime's errors, which share no base class, into one about the bundle at ``path``."""
    from onnxruntime.capi import onnxruntime_pybind11_state as runtime

    kinds = (
        RuntimeError,
        ValueError,
        runtime.Fail,
        runtime.InvalidArgument,
        runtime.InvalidGraph,
        runtime.InvalidProtobuf,
    )
    more = (runtime.NotImplemented, runtime.RuntimeException, runtime.EPFail, runtime.NoSuchFile)
    try:
        yield
    except (*kinds, *more) as error:
        reason = " ".join(str(error).split())[:300]
        raise damaged(path, _("ONNX Runtime cannot run its model ({reason})").format(reason=reason)) from error
