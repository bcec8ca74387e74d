"""One bundle that answers, and how one is opened: checked in full before anybody is answered by it."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anmok.config import Limits
from anmok.errors import BundleError
from anmok.i18n import _
from anmok.inference.predictor import Predictor
from anmok.records import Prediction
from anmok.service.hosting import metrics
from anmok.service.hosting.batching import Batching
from anmok.storage import explained

#: Letters of a version: enough to tell the bundles of one service apart.
VERSION_LETTERS = 12
#: A photo's name and its square, uint8 ``(S, S, 3)``.
Square = tuple[str, NDArray[np.uint8]]


@dataclass(frozen=True, slots=True)
class Serving:
    """How the bundles of a process answer.

    Attributes:
        turns: who may use the processor at the same time. together: photos that go through a model at a time.
        candidates: classes that an answer names. limits: on the photos.
    """

    turns: threading.Semaphore
    together: int
    candidates: int
    limits: Limits


@dataclass(frozen=True, slots=True)
class Look:
    """A file as one look at it sees it: where it lies, and what tells that it was replaced or written to."""

    path: Path
    device: int
    inode: int
    size: int
    changed: int


def look_at(path: Path) -> Look | None:
    """Return what a file looks like, or None where there is none."""
    try:
        facts = path.stat()
    except OSError:
        return None
    return Look(path, facts.st_dev, facts.st_ino, facts.st_size, facts.st_ctime_ns)


class HostedBundle:
    """A bundle that is open. Used by many threads at once; who holds one is answered by it, whatever follows it.

    Attributes:
        name: under which it answers. path: the file that it was read from.
        version: the first letters of that file's SHA-256.
        predictor: the open bundle.
    """

    def __init__(self, name: str, path: Path, version: str, predictor: Predictor, serving: Serving) -> None:
        self.name, self.path, self.version, self.predictor = name, path, version, predictor
        # Not a method of this object: the two would hold each other, and an exchanged model's memory with them.
        self._batching: Batching[Square, Prediction] = Batching(
            partial(_answers, predictor, serving.candidates), turns=serving.turns, together=serving.together
        )

    @property
    def mark(self) -> str:
        """What an upload's row says of who answered for it: name and version."""
        return f"{self.name}@{self.version}"

    def ask(self, name: str, square: NDArray[np.uint8]) -> Prediction:
        """Answer for one photo.

        Args:
            name: what the answer calls it.
            square: uint8 ``(S, S, 3)``, as ``images.load`` gives it for this bundle.

        Raises:
            BundleError: the graph fails.
        """
        began = time.perf_counter()
        answer = self._batching.ask((name, square))
        metrics.count_answer(self.name, answer.label, unknown=answer.unknown, seconds=time.perf_counter() - began)
        return answer


def _answers(predictor: Predictor, candidates: int, squares: Sequence[Square]) -> Sequence[Prediction]:
    names = [name for name, _square in squares]
    return predictor.predict_squares(names, np.stack([square for _name, square in squares]), top_k=candidates)


def open_bundle(name: str, path: Path, serving: Serving) -> HostedBundle:
    """Open a bundle, and let it answer for a grey picture before it answers for anybody.

    Raises:
        SourceNotFound: there is no such file.
        BundleError: it is damaged, hostile, of a newer Anmok, or changed while it was read.
        StorageError: it cannot be read.
    """
    before = look_at(path)
    predictor = Predictor.open(path, threads=1, limits=serving.limits)
    version = version_of(path)
    if look_at(path) != before:
        raise changed_meanwhile(path)
    side = predictor.info.image_size
    grey = np.full((1, side, side, 3), 128, np.uint8)
    predictor.predict_squares(["grey"], grey, top_k=1)
    return HostedBundle(name, path, version, predictor, serving)


def version_of(path: Path) -> str:
    """Return the version of a bundle's file.

    Raises:
        StorageError: it cannot be read.
    """
    with explained(path), path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()[:VERSION_LETTERS]


def changed_meanwhile(path: Path) -> BundleError:
    """Return the error for a bundle that somebody writes to while it is read."""
    return BundleError(
        _("{path} changed while it was read.").format(path=path),
        hint=_("Wait until it is written, and try again."),
    )
