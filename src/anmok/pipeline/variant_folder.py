"""Writes a folder with originals, as hard links, and variants of them, drawn from an augmentation policy."""

from __future__ import annotations

import errno
import hashlib
import importlib.util
import io
import os
import shutil
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from anmok.config import Limits
from anmok.data.balance_plan import Plan, Variant, is_lossless, plan_folder
from anmok.data.folders import FolderSource
from anmok.data.manifest import Manifest
from anmok.data.names import unescape
from anmok.data.source import Source
from anmok.errors import DataError, MissingExtra, StorageError, UsageError
from anmok.i18n import _, current_language, speak
from anmok.images import decode
from anmok.pipeline.variant_manifest import measure_variants, variant_manifest
from anmok.progress import Progress
from anmok.storage import explained, write_bytes

#: A JPEG is decoded at a scale at which both sides keep so many pixels: models see a quarter of it, and 12 megapixels
#: would take seconds to draw.
DRAWN_SIDE = 1024
JPEG_QUALITY = 95
#: Hard links are not to be had across devices, on some file systems, and beyond some number; a copy always is.
_NO_LINK = (errno.EXDEV, errno.EPERM, errno.EACCES, errno.EMLINK, errno.ENOTSUP, errno.ENOSYS)
#: What must stay free on the disk beside what is written, as a share of it.
SPARE = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """How variants are drawn.

    Attributes:
        policy: name of the augmentation.
        seed: of the chance.
        limits: on the pictures.
        threads: that decode; 0 takes all cores.
    """

    policy: str
    seed: int = 0
    limits: Limits = field(default_factory=Limits)
    threads: int = 0


def write_folder(
    manifest: Manifest,
    out: Path,
    wanted: Callable[[], Mapping[int, int]],
    drawing: Drawing,
    *,
    progress: Progress,
    begin: Callable[[], None],
) -> Manifest:
    """Make the folder ``out/<split>/<class>/<name>`` and return its manifest; what is there already is not made again.

    Originals are hard links to the source's files, or copies where that cannot be. A variant of ``cat.jpg`` is
    ``cat~aug1.jpg``: JPEG of quality 95, or PNG where the original is lossless. Original and variants are of one group,
    so nothing that reads the manifest parts them; a scan of the folder knows the splits, but not the groups. The chance
    of each variant comes from the seed, the policy, the original's id and the variant's number alone.

    Args:
        wanted: returns how many variants are to be drawn of which row; called when the policy is known to be in order.
        begin: called when all is known to be in order, before the first file is written.

    Raises:
        UsageError: the policy changes nothing.
        UnknownName: there is no such policy.
        MissingExtra: PyTorch is not installed.
        DataError: an original is not what the manifest says any more, or there are pictures without a split.
        StorageError: the disk is full, or too small from the beginning.
    """
    policy = _policy(drawing.policy)
    plan = plan_folder(manifest, wanted())
    with manifest.open_source(limits=drawing.limits) as source:
        work = _Work(manifest, out, plan, source, drawing)
        work.require_space()
        begin()
        work.take_over(progress)
        work.draw_all(policy, progress)
    facts = measure_variants(out, plan.variants, drawing.limits, threads=drawing.threads, progress=progress)
    return variant_manifest(manifest, plan, facts, out, policy=drawing.policy, seed=drawing.seed)


def _policy(name: str) -> Any:
    if importlib.util.find_spec("torch") is None:
        raise MissingExtra(
            _("Augmented pictures are drawn by PyTorch, which is not installed."),
            hint=_("Install it with: pip install 'anmok[train]'"),
        )
    from anmok.training.augmentation import get_policy

    if name == "none":
        raise UsageError(
            _("The policy none changes nothing, so it would only make copies."),
            hint=_("Name another one with --policy, for example flip-shift."),
        )
    return get_policy(name)


@dataclass(frozen=True)
class _Work:
    """What is read and where it goes."""

    manifest: Manifest
    out: Path
    plan: Plan
    source: Source
    drawing: Drawing

    def require_space(self) -> None:
        """Raise ``StorageError`` where the disk cannot take what is still to be written, by a careful estimate."""
        table = self.manifest.table
        size, pixels = table["bytes"].to_numpy(), (table["width"] * table["height"]).to_numpy()
        lossless = table["format"].map(is_lossless).to_numpy(dtype=bool)
        # No PNG is much larger than its pixels; a JPEG of this quality takes about twice the bytes of a usual one.
        variant = np.where(lossless, 3 * pixels, np.minimum(2 * size, 3 * pixels))
        needed = sum(int(variant[v.row]) for v in self.plan.variants if not self._there(v.path))
        if not self._links():
            needed += sum(int(size[copy.row]) for copy in self.plan.copies if not self._there(copy.path))
        with explained(self.out):
            free = shutil.disk_usage(_existing(self.out)).free
        if needed * (1 + SPARE) > free:
            raise StorageError(
                _("The disk of {path} has {free:,} MB free; about {needed:,} MB are needed.").format(
                    path=self.out, free=free // 10**6, needed=-(-int(needed * (1 + SPARE)) // 10**6)
                ),
                hint=_("Free some space, choose another folder, or ask for fewer pictures a class."),
            )

    def _links(self) -> bool:
        """Tell whether originals can be hard links: they are files of the same device."""
        if not isinstance(self.source, FolderSource):
            return False
        with explained(self.out):
            return _existing(self.out).stat().st_dev == self.source.location.stat().st_dev

    def _there(self, path: str) -> bool:
        # Whatever is there is whole: links and renames happen at once.
        return (self.out / path).is_file()

    def take_over(self, progress: Progress) -> None:
        """Link or copy the originals."""
        with progress.task(_("Copying pictures"), len(self.plan.copies), unit=_("pictures")) as task:
            for copy in self.plan.copies:
                if not self._there(copy.path):
                    self._take_over(copy.row, self.out / copy.path)
                task.advance()

    def _take_over(self, row: int, target: Path) -> None:
        with explained(target):
            target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(self.source, FolderSource):
            path = self.manifest.table["path"].iloc[row]
            file = self.source.file(path).resolve()
            try:
                if file.stat().st_size != self.manifest.table["bytes"].iloc[row]:
                    raise _changed(path)
                target.hardlink_to(file)
                return
            except OSError as error:
                if error.errno not in _NO_LINK:
                    with explained(target):
                        raise
        write_bytes(target, self._original(row))

    def _original(self, row: int) -> bytes:
        """Return the bytes of an original, made sure that they are those of the manifest."""
        path, digest = self.manifest.table[["path", "id"]].iloc[row]
        data = self.source.read(path)
        if hashlib.sha256(data).hexdigest() != digest:
            raise _changed(path)
        return data

    def draw_all(self, policy: Any, progress: Progress) -> None:
        """Draw the variants that are not there yet.

        Decoding and storing run in threads; drawing does not, for torch has one generator.
        """
        from anmok.training.augmentation import draw
        from anmok.training.workers import Workers

        missing = [variant for variant in self.plan.variants if not self._there(variant.path)]
        waiting: deque[Future[None]] = deque()
        threads = self.drawing.threads or os.cpu_count() or 1
        with (
            progress.task(_("Drawing variants"), len(missing), unit=_("pictures")) as task,
            ThreadPoolExecutor(threads, "balance", initializer=speak, initargs=(current_language(),)) as pool,
            # Inside, torch computes with one thread: on two busy cores its own ones made small pictures twelve times
            # slower.
            Workers(1),
        ):
            try:
                for variants, pixels in self._decoded(missing, pool, ahead=2 * threads):
                    for variant in variants:
                        drawn = draw(pixels, policy, seed=self._seed(variant))
                        waiting.append(pool.submit(self._write, variant, drawn))
                        if len(waiting) >= 4 * threads:
                            waiting.popleft().result()
                            task.advance()
                while waiting:
                    waiting.popleft().result()
                    task.advance()
            finally:
                for future in waiting:
                    future.cancel()

    def _decoded(
        self, missing: list[Variant], pool: ThreadPoolExecutor, *, ahead: int
    ) -> Iterator[tuple[list[Variant], NDArray[np.uint8]]]:
        """Yield the variants of each original with its pixels, while only a few originals are in memory."""
        waiting: deque[tuple[list[Variant], Future[NDArray[np.uint8]]]] = deque()
        try:
            for row, group in groupby(missing, key=lambda variant: variant.row):
                waiting.append((list(group), pool.submit(self._pixels, row)))
                if len(waiting) >= ahead:
                    first, future = waiting.popleft()
                    yield first, future.result()
            while waiting:
                first, future = waiting.popleft()
                yield first, future.result()
        finally:
            for _variants, future in waiting:
                future.cancel()

    def _pixels(self, row: int) -> NDArray[np.uint8]:
        path = self.manifest.table["path"].iloc[row]
        return decode(self._original(row), name=path, limits=self.drawing.limits, at_least=DRAWN_SIDE).pixels

    def _seed(self, variant: Variant) -> int:
        from anmok.training.augmentation.drawing import variant_seed

        picture = self.manifest.table["id"].iloc[variant.row]
        return variant_seed(self.drawing.seed, self.drawing.policy, picture, variant.number)

    def _write(self, variant: Variant, drawn: NDArray[np.uint8]) -> None:
        target = self.out / variant.path
        write_bytes(target, _encoded(drawn, lossless=target.suffix == ".png"))


def _encoded(pixels: NDArray[np.uint8], *, lossless: bool) -> bytes:
    stream = io.BytesIO()
    image = Image.fromarray(pixels)
    if lossless:
        image.save(stream, "PNG")
    else:
        image.save(stream, "JPEG", quality=JPEG_QUALITY)
    return stream.getvalue()


def _existing(path: Path) -> Path:
    """Return ``path``, or the nearest folder above that exists."""
    path = path.absolute()
    return next(folder for folder in (path, *path.parents) if folder.exists())


def _changed(path: str) -> DataError:
    return DataError(
        _("{path} is not the picture that was scanned any more.").format(path=unescape(path)),
        hint=_("Scan the pictures again."),
    )
