"""Divides a source into train, valid and test: scan, near copies kept together, leaks settled, then the cut."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from anmok.clean.near_groups import with_groups
from anmok.config import CleanConfig, LeakPolicy, Limits, SplitConfig
from anmok.data.cut import picture_groups
from anmok.data.manifest import Manifest
from anmok.data.scan import scan
from anmok.data.split import assign_splits, check, require_valid
from anmok.progress import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Division:
    """A manifest with splits, and what was kept together.

    Attributes:
        manifest: every picture has a split.
        groups: of two or more pictures (copies, near copies, groups of the source); none is divided.
        grouped: pictures in those.
        largest: pictures in the largest one.
    """

    manifest: Manifest
    groups: int
    grouped: int
    largest: int


def divide(
    source: str | Path,
    config: SplitConfig,
    *,
    leaks: LeakPolicy = "refuse",
    drop_small_classes: bool = False,
    near: bool = True,
    flips: bool = False,
    limits: Limits = Limits(),  # noqa: B008
    threads: int = 0,
    progress: Progress | None = None,
) -> Division:
    """Give every picture of a source a split; splits that the source gives are kept.

    Args:
        source: as for ``scan``.
        leaks: what happens to pictures in two splits or under two labels.
        near: look for near copies and keep them together.
        flips: near copies may be mirrored.

    Raises:
        LabelConflict, SplitLeak, TooFewPictures, DataError: as ``split.check`` and ``split.assign_splits``.
        SourceNotFound, UnknownSource, EmptySource, StorageError: as ``scan``.
    """
    manifest = scan(source, limits=limits, threads=threads, progress=progress)
    if near:
        manifest = with_groups(manifest, CleanConfig(flips=flips), limits=limits, threads=threads, progress=progress)
    manifest = assign_splits(check(manifest, leaks, drop_small_classes), config)
    require_valid(manifest)
    sizes = np.bincount(picture_groups(manifest.table))
    many = sizes[sizes > 1]
    return Division(manifest=manifest, groups=len(many), grouped=int(many.sum()), largest=int(sizes.max(initial=0)))
