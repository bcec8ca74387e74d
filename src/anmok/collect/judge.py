"""Which fetched pictures are kept: decided in the order in which sources named them, however they arrived.

So the outcome does not depend on which server was fast, nor on kills. The first of several copies stays.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anmok.clean.near_likeness import likeness
from anmok.collect.checking import ENDINGS
from anmok.collect.plan import Plan
from anmok.collect.state import PictureRow, State
from anmok.config import Limits
from anmok.data.names import escape
from anmok.data.source import Source
from anmok.errors import PictureError
from anmok.images import load
from anmok.records import TEST, TRAIN

#: Bits in which the hashes of a picture and its copy differ at most, and how alike the two must be at 64 pixels. The
#: clean room learns its bar from the whole set; here there is none yet, so its highest one holds: above it the eye
#: finds no difference. What lies below is left to ``anmok clean``.
RADIUS, BAR, SIDE = 6, 0.985, 64


class Judge:
    """Decides about one class after the other; knows what all of them kept.

    Args:
        folder: the collection. staged: where fetched bytes wait, by the number of the picture.
    """

    def __init__(self, plan: Plan, state: State, folder: Path, staged: Path) -> None:
        self._plan, self._state, self._folder, self._staged = plan, state, folder, staged
        self._by_sha: dict[str, str] = {}
        self._hashes: NDArray[np.uint64] = np.zeros(1024, dtype=np.uint64)
        #: Of each hash: the picture's name, and the source that it stands in where that is not this collection.
        self._places: list[tuple[str, Source | None]] = []
        self._tests: dict[str, int] = {}
        self.kept: dict[str, int] = {}
        for row in state.pictures(states=("kept",)):
            self._keep(row, row.path)

    def avoid(self, source: Source, pictures: Iterable[tuple[str, str, str]]) -> None:
        """Refuse what has these pictures, or looks like one of them: id, perceptual hash and path in the source."""
        for digest, phash, path in pictures:
            name = f"{source.name}/{path}"
            self._remember(digest, phash, name, source)

    def decide(self, row: PictureRow) -> str:
        """Keep a fetched picture or refuse it; return its path in the collection, or ``""``."""
        assert row.facts is not None
        staged = self._staged / str(row.id)
        path = self._path(row)
        target = self._folder / path
        if row.sha256 in self._by_sha:
            return self._refuse(row, "duplicate", self._by_sha[row.sha256])
        near = self._near(row, staged if staged.exists() else target)
        if near:
            return self._refuse(row, "near-duplicate", near)
        target.parent.mkdir(parents=True, exist_ok=True)
        if staged.exists():  # else a kill came between the two steps below, and it stands there already
            staged.replace(target)
        self._state.set_kept(row.id, path)
        self._keep(row, path)
        return path

    def _path(self, row: PictureRow) -> str:
        """Return where the picture goes. Nothing of it comes from outside but the class, which the user named."""
        assert row.facts is not None
        name = f"{row.source}-{row.sha256[:16]}{ENDINGS[row.facts.format]}"
        return "/".join([*self._split(row.label), row.label, name])

    def _split(self, label: str) -> list[str]:
        """Return the folder of the split of the class's next picture: chance alone decides which go into test.

        Of the places that are left, each is as likely to be one of the test pictures that are still missing; so their
        number comes out right also where more is wanted than before, or somebody took pictures away. Source: Knuth, The
        Art of Computer Programming 2, 3.4.2, algorithm S.
        """
        plan, kept = self._plan, self.kept.get(label, 0)
        if not plan.test_per_class:
            return []
        missing = plan.test_per_class - self._tests.get(label, 0)
        drawn = random.Random(f"{plan.seed}:{label}:{kept}").random()  # noqa: S311
        return [TEST if drawn * (plan.wanted - kept) < missing else TRAIN]

    def _refuse(self, row: PictureRow, code: str, other: str) -> str:
        self._state.set_refused(row.id, code, other)
        (self._staged / str(row.id)).unlink(missing_ok=True)
        return ""

    def _keep(self, row: PictureRow, path: str) -> None:
        assert row.facts is not None
        self._remember(row.sha256, row.facts.phash, path, None)
        self.kept[row.label] = self.kept.get(row.label, 0) + 1
        if path.startswith(f"{TEST}/{row.label}/"):
            self._tests[row.label] = self._tests.get(row.label, 0) + 1

    def _remember(self, digest: str, phash: str, name: str, source: Source | None) -> None:
        count = len(self._places)
        if count == len(self._hashes):
            self._hashes = np.concatenate([self._hashes, np.zeros_like(self._hashes)])
        self._hashes[count] = int(phash, 16)
        self._places.append((name, source))
        self._by_sha.setdefault(digest, name)

    def _near(self, row: PictureRow, file: Path) -> str:
        """Return a kept picture that looks the same; ``""`` where there is none."""
        assert row.facts is not None
        count = len(self._places)
        distances = np.bitwise_count(self._hashes[:count] ^ np.uint64(int(row.facts.phash, 16)))
        close = np.flatnonzero(distances <= RADIUS)
        if not len(close):
            return ""
        own = _pixels(file)
        if own is None:
            return ""
        for place in close[np.argsort(distances[close], kind="stable")].tolist():
            name, source = self._places[place]
            if source is None:
                other = _pixels(self._folder / name)
            else:
                other = _pixels_in(source, name.removeprefix(f"{source.name}/"))
            if other is not None and float(likeness(own[None], other[None])[0]) >= BAR:
                return str(name)
        return ""


def _pixels(file: Path) -> NDArray[np.uint8] | None:
    """Return a small picture of a file; None where somebody took it away meanwhile."""
    try:
        return load(file.read_bytes(), name=escape(file.name), size=SIDE, rule="squash", limits=Limits())
    except (OSError, PictureError):
        return None


def _pixels_in(source: Source, path: str) -> NDArray[np.uint8] | None:
    try:
        return load(source.read(path), name=path, size=SIDE, rule="squash", limits=Limits())
    except PictureError:
        return None
