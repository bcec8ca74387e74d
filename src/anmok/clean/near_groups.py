"""Near copies as groups of a manifest, which splitting, leak checks and cross-validation keep together."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from anmok.clean.evidence import Evidence
from anmok.clean.near_copies import NearCopies, near_copies
from anmok.clean.near_hashes import components
from anmok.config import CleanConfig, Limits
from anmok.data.cut import NEAR, picture_groups
from anmok.data.manifest import Manifest
from anmok.i18n import ngettext
from anmok.progress import Progress

_NAMED, _DIGITS = 3, 16


def with_groups(
    manifest: Manifest,
    config: CleanConfig | None = None,
    *,
    limits: Limits = Limits(),  # noqa: B008
    threads: int = 0,
    progress: Progress | None = None,
) -> Manifest:
    """Return the manifest with near copies in one group each; needs small pictures only, no vectors and no weights.

    Args:
        config: ``flips`` counts. limits, threads, progress: as in ``Evidence``.

    Raises:
        DataError, SourceNotFound: a picture changed or went since the scan.
    """
    return grouped(Evidence(manifest, config, limits=limits, threads=threads, progress=progress))


def grouped(evidence: Evidence) -> Manifest:
    """Return the manifest of the evidence with its near copies in one group each.

    Groups of the source that share a near copy become one and keep their names (``a+b``); other groups are called
    ``near-`` and the beginning of their smallest id. What has no near copy keeps what it had. Doing it twice changes
    nothing more.
    """
    names = group_names(evidence)
    manifest = evidence.manifest
    if (names == manifest.table["group"].to_numpy(dtype=object)).all():
        return manifest
    table = manifest.table.assign(group=pd.array(names, dtype="str"))
    return manifest.with_table(table, notes=(_note(near_copies(evidence), table),))


def _note(near: NearCopies, table: pd.DataFrame) -> str:
    sizes = np.bincount(picture_groups(table))
    count = len(np.unique(near.pairs))
    text = ngettext(
        "{count} picture is nearly the same as another one; such pictures are kept together, {largest} in the largest "
        "group.",
        "{count} pictures are nearly the same as others; such pictures are kept together, {largest} in the largest "
        "group.",
        count,
    )
    return text.format(count=count, largest=int(sizes.max(initial=0)))


def group_names(evidence: Evidence) -> NDArray[Any]:
    """Return (N,) str: the group of each picture; ``""`` where it has none."""
    table = evidence.manifest.table
    names = table["group"].to_numpy(dtype=object, copy=True)
    pairs = near_copies(evidence).pairs
    if not len(pairs):
        return names
    codes = picture_groups(table)
    joined = components(int(codes.max()) + 1, codes[pairs])[codes]
    touched = np.isin(joined, joined[pairs.ravel()])
    rows = pd.DataFrame({"group": joined, "name": names, "id": table["id"]})[touched]
    for _number, part in rows.groupby("group", sort=False):
        names[part.index] = _name(sorted(set(part["name"]) - {""}), min(part["id"]))
    return names


def _name(names: list[str], smallest_id: str) -> str:
    given = [name for name in names if not name.startswith(NEAR)]
    if not given:
        return NEAR + smallest_id[:_DIGITS]
    if len(given) <= _NAMED:
        return "+".join(given)
    # A hundred names in one would only fill the table.
    return given[0] + "+" + hashlib.sha256("\n".join(given).encode()).hexdigest()[:_DIGITS]
