"""What is different about the pictures of a second source, told while a bundle answers for them."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from anmok.bundle.format import Bundle
from anmok.bundle.origin_measures import MEASURES, distances_of
from anmok.data.manifest import Manifest
from anmok.data.names import unescape_path
from anmok.data.sources import open_source
from anmok.errors import AnmokError
from anmok.evaluation.measure import ALL
from anmok.evaluation.measure_shift import Seen, compare_with_origin
from anmok.evaluation.results import Evaluation
from anmok.evaluation.shift import Shift, Shifted
from anmok.evaluation.stored import read_result, write_result
from anmok.i18n import current_language
from anmok.pipeline.folder import holds_results, prepare_folder
from anmok.report.shift import render_shift

if TYPE_CHECKING:
    from anmok.inference.predictor import PictureAnswer

PAGE, RESULT = "shift.html", "shift.json"
#: Rises when an old reader could misread a new ``shift.json``.
FORMAT_VERSION = 1
#: Embeddings that are held before their distances are taken.
AT_ONCE = 256


class ShiftWatch:
    """Is shown every answer (``evaluate_predictor``'s ``watch``), and afterwards tells what is different.

    Args:
        bundle: read with its remembered embeddings.
    """

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._paths: list[str] = []
        self._waiting: list[NDArray[np.float32]] = []
        self._distances: list[NDArray[np.float64]] = []

    def watch(self, path: str, answer: PictureAnswer) -> None:
        """Take note of one answer."""
        self._paths.append(path)
        if self._remembers:
            self._waiting.append(answer.embedding)
            if len(self._waiting) == AT_ONCE:
                self._measure()

    def tell(self, manifest: Manifest, split: str, evaluation: Evaluation) -> Shift | None:
        """Return what is different; None where the bundle is too old to know, or too few pictures were seen.

        Args:
            manifest, split: as ``evaluate_predictor`` was given them; evaluation: what it gave back.
        """
        origin = self._bundle.info.origin
        if origin is None:
            return None
        self._measure()
        part = manifest if split == ALL else manifest.of_split(split)
        table = part.table.drop_duplicates("path").set_index("path").loc[self._paths].reset_index()
        numbers = {label: number for number, label in enumerate(self._bundle.info.labels)}
        seen = Seen(
            paths=tuple(self._paths),
            labels=np.array([numbers[str(label)] for label in table["label"]], dtype=np.int64),
            measures={name: measure(table) for name, measure in MEASURES.items()},
            formats=tuple(str(name) for name in table["format"]),
            distances=np.concatenate(self._distances) if self._distances else None,
        )
        return compare_with_origin(origin, self._bundle.info.measured, seen, evaluation)

    @property
    def _remembers(self) -> bool:
        return self._bundle.reference is not None and len(self._bundle.reference.labels) > 0

    def _measure(self) -> None:
        if self._waiting and self._bundle.reference is not None:
            self._distances.append(distances_of(np.stack(self._waiting), self._bundle.reference))
            self._waiting.clear()


def prepare_shift_folder(out: Path) -> None:
    """Make sure that the page may go to ``out``.

    Raises:
        StorageError: it holds something else.
    """
    prepare_folder(out, is_ours=lambda folder: holds_results(folder, RESULT, PAGE))


def write_shift(found: Shifted, out: Path) -> Path:
    """Leave ``shift.html`` and ``shift.json`` in ``out`` and return the page.

    Raises:
        StorageError: disk full, no permission.
    """
    page = _draw(found, out / PAGE, language=current_language())
    write_result(out / RESULT, "shift", found, version=FORMAT_VERSION)
    return page


def redraw(folder: Path, out: Path | None, *, language: str) -> Path:
    """Draw the page again from the stored values, into ``out`` or where it was; return the file written.

    Raises:
        StorageError: they are damaged, or the page could not be written.
    """
    found = read_result(Shifted, folder / RESULT, "shift", version=FORMAT_VERSION)
    return _draw(found, out or folder / PAGE, language=language)


def _draw(found: Shifted, path: Path, *, language: str) -> Path:
    with ExitStack() as stack:
        read = None
        # The figures are all there; a source that was moved away costs the thumbnails only.
        with suppress(AnmokError):
            read = stack.enter_context(open_source(unescape_path(found.location))).read
        return render_shift(found, path, read_picture=read, language=language)
