"""Data sets that can be named instead of a folder. What needs no download is made here, once, into the cache. Light."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from anmok.data.names import escape
from anmok.errors import StorageError, UnknownName
from anmok.i18n import _, current_language
from anmok.locations import cache_dir
from anmok.progress import Progress, SilentProgress
from anmok.storage import explained

SAMPLE_PER_CLASS, SAMPLE_SEED, SAMPLE_PICTURES = 60, 2026, 327


@dataclass(frozen=True, slots=True)
class DatasetInfo:
    """A data set that can be named.

    Attributes:
        name: what one types.
        pictures, classes: counts.
        summary: what it is, in the user's language.
    """

    name: str
    pictures: int
    classes: int
    summary: str


@dataclass(frozen=True, slots=True)
class _Dataset:
    pictures: int
    classes: int
    summary: Callable[[], str]
    write: Callable[[Path, Progress], None]
    # Part of the name of the folder in the cache: changes whenever other files would be written.
    version: Callable[[], str]


def dataset_names() -> tuple[str, ...]:
    """Return all names, in the order of the list."""
    return tuple(_DATASETS)


def list_datasets() -> tuple[DatasetInfo, ...]:
    """Return all data sets that can be named."""
    return tuple(DatasetInfo(name, d.pictures, d.classes, d.summary()) for name, d in _DATASETS.items())


def get_dataset(name: str, into: Path | None = None, *, progress: Progress | None = None) -> Path:
    """Write a data set as class folders and return the folder.

    Args:
        into: a new or empty folder; None takes one in the cache, where a second call finds it ready.

    Raises:
        UnknownName: there is no data set of that name.
        StorageError: the folder holds something, or cannot be written.
    """
    dataset = _DATASETS.get(name)
    if dataset is None:
        raise UnknownName(
            _("There is no data set {name}.").format(name=escape(name)),
            hint=_("Data sets: {names}.").format(names=", ".join(_DATASETS)),
        )
    folder = into or cache_dir() / "datasets" / f"{name}-{dataset.version()}"
    if into is None and folder.is_dir():
        return folder
    with explained(folder):
        if into is not None and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise StorageError(
                _("{path} exists and is not empty.").format(path=folder), hint=_("Name a new or empty folder.")
            )
        _write_whole(folder, dataset, progress or SilentProgress())
    return folder


def _write_whole(folder: Path, dataset: _Dataset, progress: Progress) -> None:
    """Write into a sibling and rename it, so that the folder is complete or absent, also with two processes."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".part", dir=folder.parent))
    try:
        inner = part / "data"
        inner.mkdir()
        dataset.write(inner, progress)
        try:
            # POSIX renames a folder over an empty one; Windows would not.
            with contextlib.suppress(OSError):
                folder.rmdir()
            inner.rename(folder)
        except OSError:
            # Another process may have been faster; then its folder is as good as ours.
            if not (folder.is_dir() and any(folder.iterdir())):
                raise
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _write_sample(folder: Path, progress: Progress) -> None:
    from anmok.data.sample import draw_sample

    with progress.task(_("Drawing the sample"), SAMPLE_PICTURES, unit=_("pictures")) as task:
        draw_sample(
            folder,
            per_class=SAMPLE_PER_CLASS,
            seed=SAMPLE_SEED,
            lang=current_language(),
            progress=lambda _done, _total: task.advance(),
        )


def _write_digits(folder: Path, progress: Progress) -> None:
    import numpy as np
    from PIL import Image
    from sklearn.datasets import load_digits

    bunch = load_digits()
    # 17 levels of grey, 0 is white paper, 16 is black ink; 0-255 so that a picture viewer shows what it is.
    pictures = np.rint(255 - bunch.images * (255 / 16)).astype(np.uint8)
    with progress.task(_("Writing digits"), len(pictures), unit=_("pictures")) as task:
        for number, (pixels, digit) in enumerate(zip(pictures, bunch.target, strict=True)):
            place = folder / str(digit)
            place.mkdir(exist_ok=True)
            Image.fromarray(pixels).save(place / f"{number:04d}.png")
            task.advance()


_DATASETS = {
    "sample": _Dataset(
        SAMPLE_PICTURES,
        5,
        lambda: _("Five sights of Jeju, drawn by code, with planted faults; 160x160 pixels"),
        _write_sample,
        lambda: f"{SAMPLE_PER_CLASS}-{SAMPLE_SEED}-{current_language()}-1",
    ),
    "digits": _Dataset(
        1797,
        10,
        lambda: _("Handwritten digits of scikit-learn; 8x8 pixels, grey"),
        _write_digits,
        lambda: "1",
    ),
}
