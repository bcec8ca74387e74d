"""The manifest of a folder of originals and variants: what a scan says of them, groups, notes of what was added."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from anmok.config import Limits
from anmok.data.balance_plan import Plan, Variant
from anmok.data.folders import FolderSource
from anmok.data.manifest import Manifest, make_table
from anmok.data.manifest_file import SCHEMA
from anmok.data.measuring import measure_files, work_through
from anmok.data.names import escape_path
from anmok.data.scancache import Facts, ScanCache
from anmok.errors import DataError
from anmok.i18n import _, ngettext
from anmok.progress import Progress
from anmok.records import Quarantined

#: So many variants of each picture are much more of the same, which is said.
MANY = 10


def measure_variants(
    out: Path, variants: Sequence[Variant], limits: Limits, *, threads: int, progress: Progress
) -> list[Facts]:
    """Return what a scan of the folder ``out`` says of the variants, in their order.

    Raises:
        DataError: one of the files is not the picture that was written.
    """
    facts: list[Facts] = []
    with (
        FolderSource(out, limits=limits) as made,
        ScanCache.open(progress) as cache,
        progress.task(_("Reading pictures"), len(variants), unit=_("pictures")) as task,
    ):

        def work(handful: Sequence[Variant]) -> list[Facts | Quarantined]:
            return measure_files(made, [variant.path for variant in handful], cache, limits)

        for handful, results in work_through(work, variants, threads or os.cpu_count() or 1):
            for result in results:
                if not isinstance(result, Facts):
                    raise DataError(
                        result.reason, hint=_("Delete that file and run the same command again: it is drawn anew.")
                    )
                facts.append(result)
            task.advance(len(handful))
    return facts


def variant_manifest(
    manifest: Manifest, plan: Plan, facts: list[Facts], out: Path, *, policy: str, seed: int
) -> Manifest:
    """Return the manifest of the folder ``out``: originals, then variants, each in the group of its original.

    Args:
        manifest: of the originals. plan: what stands in the folder.
        facts: what a scan says of the variants, in the order of the plan.
        policy, seed: with which they were drawn.
    """
    table = manifest.table.reset_index(drop=True)
    rows = np.array([variant.row for variant in plan.variants], dtype=np.int64)
    groups = table["group"].to_numpy(dtype=object).copy()
    nameless = np.unique(rows[groups[rows] == ""]) if len(rows) else rows
    groups[nameless] = table["id"].to_numpy(dtype=object)[nameless]
    originals = table.assign(path=pd.Series([copy.path for copy in plan.copies], dtype=str), group=groups)
    columns: dict[str, Any] = {name: originals[name].tolist() for name in SCHEMA.names}
    drawn: dict[str, Any] = {name: originals[name].iloc[rows].tolist() for name in SCHEMA.names}
    drawn |= {name: [getattr(fact, name) for fact in facts] for name in Facts._fields}
    drawn["path"] = [variant.path for variant in plan.variants]
    both = {name: columns[name] + drawn[name] for name in SCHEMA.names}
    made = Manifest(
        table=make_table(both),
        source=escape_path(out),
        name=out.name,
        classes=manifest.classes,
        quarantined=manifest.quarantined,
        notes=manifest.notes + _notes(manifest, rows, policy=policy, seed=seed),
    )
    return made


def _notes(manifest: Manifest, rows: NDArray[np.int64], *, policy: str, seed: int) -> tuple[str, ...]:
    if not len(rows):
        return (_("No class to oversample has too few training pictures; nothing was added."),)
    text = ngettext(
        "{count} augmented picture was added to the training pictures (policy {policy}, seed {seed}).",
        "{count} augmented pictures were added to the training pictures (policy {policy}, seed {seed}).",
        len(rows),
    )
    notes = [text.format(count=len(rows), policy=policy, seed=seed)]
    originals, counts = np.unique(rows, return_counts=True)
    if counts.max() > MANY:
        label = manifest.table["label"].iloc[originals[counts.argmax()]]
        many = _(
            "Each picture of the class {label} stands there {count} times: that is still no more than one picture."
        )
        notes.append(many.format(label=label, count=int(counts.max()) + 1))
    return tuple(notes)
