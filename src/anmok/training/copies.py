"""Augmented copies that are drawn once and then learned from beside their originals, as reference A did.

How a strategy uses them (``recipe.copies`` > 0): load the pixels, then

    learned = with_copies(pixels, rows, ids, recipe, progress=progress)
    train = PictureSet(learned.pixels, labels[learned.origin], np.arange(len(learned.origin)))

and train with the policy ``none``, since an epoch shows originals and copies and changes neither further.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anmok.config import Recipe
from anmok.features.pixels import PixelFile
from anmok.i18n import _
from anmok.locations import cache_dir
from anmok.progress import Progress, SilentProgress
from anmok.training.augmentation import draw, get_policy
from anmok.training.augmentation.chance import owns_its_chance
from anmok.training.augmentation.drawing import variant_seed

#: Rises when a policy draws otherwise than before, so that no copy in the cache outlives the change.
DRAWING_VERSION = 1
#: Copies that a thread draws at a time.
HANDFUL = 32


@dataclass(frozen=True, slots=True)
class WithCopies:
    """Originals and their copies, as one array.

    Attributes:
        pixels: uint8 ``(len(rows) * (1 + copies), S, S, 3)``, memory-mapped and read-only: originals in the order of
            ``rows``, then the first copy of each in this order, then the second of each, and so on.
        origin: int64, for each of these the row of its original in the array that was given.
    """

    pixels: NDArray[np.uint8]
    origin: NDArray[np.int64]


def with_copies(
    pixels: NDArray[np.uint8],
    rows: NDArray[np.int64],
    ids: Sequence[str],
    recipe: Recipe,
    *,
    threads: int = 0,
    progress: Progress | None = None,
) -> WithCopies:
    """Return the pictures of ``rows`` and ``recipe.copies`` augmented copies of each, drawn once.

    They lie in a file of the cache that later calls use again. It holds the originals, too, so that what learns from
    it reads one array. A copy depends on the recipe's seed and policy, its picture and its number alone.

    Args:
        pixels: uint8 ``(M, S, S, 3)``.
        rows: int64 ``(N,)``, the pictures to learn from.
        ids: of all ``M`` pictures, the SHA-256 of each one's bytes.
        threads: that draw; 0 takes all cores. What is drawn does not depend on it.

    Raises:
        UnknownName: there is no such policy.
        StorageError: the cache's disk is full, or may not be written.
    """
    progress = progress or SilentProgress()
    origin = np.tile(rows, 1 + recipe.copies)
    chosen = [ids[row] for row in rows]
    file = _file_of(pixels, rows, chosen, recipe)
    if (ready := file.open()) is None:
        title = _("{name}: drawing augmented copies").format(name=recipe.name)
        with progress.task(title, len(rows) * recipe.copies, unit=_("pictures")) as task, file.writing() as write:
            for row in rows:
                write(pixels[row])
            with contextlib.closing(draw_copies(pixels, rows, chosen, recipe, threads=threads)) as drawn:
                for copy in drawn:
                    write(copy)
                    task.advance()
        ready = file.open()
        assert ready is not None
    return WithCopies(ready, origin)


def draw_copies(
    pixels: NDArray[np.uint8], rows: NDArray[np.int64], ids: Sequence[str], recipe: Recipe, *, threads: int = 0
) -> Generator[NDArray[np.uint8]]:
    """Yield the copies one after another: the first of each row, then the second of each; a few are in memory.

    Args:
        pixels: uint8 ``(M, S, S, 3)``.
        rows: int64 ``(N,)``. ids: of these pictures, ``N``.
        threads: 0 takes all cores.
    """
    total = len(rows) * recipe.copies
    # Torchvision's own transforms draw from the one generator of the process, which threads would share.
    alone = not owns_its_chance(get_policy(recipe.augmentation))
    count = 1 if alone else threads or os.cpu_count() or 1

    def work(handful: range) -> list[NDArray[np.uint8]]:
        policy = get_policy(recipe.augmentation)
        return [
            draw(
                pixels[rows[place]],
                policy,
                seed=variant_seed(recipe.seed, recipe.augmentation, ids[place], number + 1),
            )
            for number, place in (divmod(job, len(rows)) for job in handful)
        ]

    waiting: deque[Future[list[NDArray[np.uint8]]]] = deque()
    with ThreadPoolExecutor(count, "anmok-copies", _one_thread) as pool:
        try:
            for begin in range(0, total, HANDFUL):
                waiting.append(pool.submit(work, range(begin, min(begin + HANDFUL, total))))
                if len(waiting) > 2 * count:
                    yield from waiting.popleft().result()
            while waiting:
                yield from waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _one_thread() -> None:
    import torch

    # Of its own in each thread: torch's threads inside of ours would wait for each other.
    torch.set_num_threads(1)


def _file_of(pixels: NDArray[np.uint8], rows: NDArray[np.int64], ids: Sequence[str], recipe: Recipe) -> PixelFile:
    """Return where the copies lie; its name holds all that they depend on, the pixels of the originals included."""
    digest = hashlib.sha256()
    settings = (DRAWING_VERSION, recipe.augmentation, recipe.copies, recipe.seed, pixels.shape[1])
    digest.update("\n".join((*map(str, settings), *ids)).encode())
    # Resizing by another rule gives other pixels under the same ids; a few pictures tell.
    for row in rows[:: max(1, len(rows) // 8)]:
        digest.update(np.ascontiguousarray(pixels[row]).data)
    count = len(rows) * (1 + recipe.copies)
    return PixelFile(cache_dir() / "pixels" / f"{digest.hexdigest()}.npy", count, pixels.shape[1])
