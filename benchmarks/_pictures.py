"""The same pictures for all sides: divided and decoded once by Anmok, handed to other tools as one ``.npz``."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from anmok.clean.evidence import Evidence
from anmok.clean.near_groups import grouped
from anmok.config import CleanConfig, SplitConfig
from anmok.data.manifest import Manifest
from anmok.data.scan import scan
from anmok.data.split import assign_splits, check
from anmok.features.extraction import load_pixels


def divided(source: Path, *, valid: float, seed: int = 0) -> Manifest:
    """Return the manifest that ``anmok compare SOURCE --repair --valid SHARE`` learns from."""
    manifest = grouped(Evidence(scan(source), CleanConfig()))
    return assign_splits(check(manifest, "repair"), SplitConfig(valid=valid, seed=seed))


def export(manifest: Manifest, size: int, path: Path) -> None:
    """Write ``pictures`` uint8 ``(N, S, S, 3)``, ``labels`` int64 ``(N,)`` and ``splits``, strings ``(N,)``."""
    pixels = load_pixels(manifest, size, "squash")
    splits = manifest.table["split"].to_numpy().astype(str)
    np.savez(path, pictures=pixels, labels=manifest.label_indices(), splits=splits)
