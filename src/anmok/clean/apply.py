"""Does what was accepted: from a manifest and decisions a new manifest. No original is touched; undo is the old one.

Where accepted rows contradict each other, the picture's safety comes first:

- A picture that is to be removed is not also relabelled or grouped.
- A picture that is to have two different classes keeps its own.
- Of copies of one picture (``COPIES``) one stays, unless each is removed by a check of another kind too: what was
  called superfluous was so because the other one stays.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from anmok.clean.apply_words import notes_of, warnings_of
from anmok.clean.decisions import UNREADABLE, Decision
from anmok.clean.matching import Matched, known_class, match
from anmok.clean.registry import all_checks
from anmok.data.cut import picture_groups
from anmok.data.manifest import Manifest
from anmok.errors import EmptySource
from anmok.i18n import _
from anmok.records import Quarantined

#: Checks that call a picture superfluous because another one, its copy, stays.
COPIES = frozenset({"exact-duplicate", "near-duplicate", "leak"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """A new manifest and what was done to make it.

    Attributes:
        manifest: the pictures that stay, with their new labels and groups, and the reasons of the others.
        removed: how many pictures were removed, by check.
        relabelled, grouped: how many pictures got another label, another group.
        kept: paths of pictures that stay although their removal was accepted, because no copy would be left.
        warnings: sentences on what was not done, or had a consequence that one may not expect.
    """

    manifest: Manifest
    removed: Mapping[str, int] = field(default_factory=dict)
    relabelled: int = 0
    grouped: int = 0
    kept: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def apply_decisions(manifest: Manifest, decisions: Sequence[Decision], *, file: Path = Path("findings.csv")) -> Applied:
    """Return the manifest that the accepted decisions make.

    Args:
        decisions: all of them; those that are not accepted only leave their names in ``flags``.
        file: where they stand, for messages.

    Raises:
        UsageError: an accepted decision names a picture or a class that the manifest does not have.
        EmptySource: no picture would be left.
    """
    matched = match(manifest, decisions, file=file)
    accepted = [row for row in matched if row.decision.accept == "yes"]
    removed, kept = _removals(manifest, [row for row in accepted if row.decision.finding.action == "remove"])
    table = manifest.table.copy()
    table["flags"] = with_flags(table, matched)
    stays = np.ones(len(table), dtype=bool)
    stays[list(removed)] = False
    if not stays.any():
        raise EmptySource(
            _("With all accepted findings applied, no picture would be left."),
            hint=_("Accept fewer of them: look into {file}.").format(file=file.name),
        )
    groups = _groups(table, [row for row in accepted if row.decision.finding.action == "group"])
    labels, torn = _labels(manifest, [row for row in accepted if row.decision.finding.action == "relabel"], stays)
    relabelled = int((labels != table["label"].to_numpy(dtype=object))[stays].sum())
    grouped = int((groups != table["group"].to_numpy(dtype=object))[stays].sum())
    table["label"], table["group"] = pd.Series(labels, dtype=str), pd.Series(groups, dtype=str)
    paths = table["path"].to_numpy(dtype=object)
    by_check = Counter(decision.finding.check for decision in removed.values())
    quarantined = tuple(_quarantined(paths[row], removed[row]) for row in sorted(removed))
    made = manifest.with_table(
        table[stays], quarantined=quarantined, notes=notes_of(by_check, relabelled=relabelled, grouped=grouped)
    )
    kept_paths = tuple(str(paths[row]) for row in kept)
    looks = sum(row.decision.finding.action == "review" for row in accepted)
    return Applied(
        manifest=made,
        removed=dict(by_check),
        relabelled=relabelled,
        grouped=grouped,
        kept=kept_paths,
        warnings=warnings_of(
            manifest,
            made,
            relabelled=relabelled,
            kept=kept_paths,
            torn=tuple(str(paths[row]) for row in torn),
            looks=looks,
        ),
    )


def with_flags(table: pd.DataFrame, matched: Iterable[Matched]) -> pd.Series[Any]:
    """Return the column ``flags`` with the names of the checks added that flagged the pictures."""
    order = {check.name: place for place, check in enumerate(all_checks())}
    flags: dict[int, set[str]] = {}
    for found in matched:
        if found.decision.finding.check != UNREADABLE:
            for row in found.rows:
                flags.setdefault(row, set()).add(found.decision.finding.check)
    column = table["flags"].tolist()
    for row, names in flags.items():
        names.update(filter(None, column[row].split(",")))
        column[row] = ",".join(sorted(names, key=lambda name: (order.get(name, len(order)), name)))
    return pd.Series(column, index=table.index, dtype=str)


def _removals(manifest: Manifest, accepted: Sequence[Matched]) -> tuple[dict[int, Decision], list[int]]:
    """Return the rows to remove, each with its surest decision, and the rows that stay as the last of their copies."""
    why: dict[int, list[Decision]] = {}
    for found in accepted:
        for row in found.rows:
            why.setdefault(row, []).append(found.decision)
    ids = pd.factorize(manifest.table["id"])[0].astype(np.int64)
    edges = [
        (ids[row], ids[other])
        for found in accepted
        if found.decision.finding.check in COPIES
        for row in found.rows
        for other in found.others
    ]
    pictures = _linked(edges, int(ids.max(initial=-1)) + 1)[ids]
    stays = np.ones(len(ids), dtype=bool)
    stays[list(why)] = False
    alive = np.bincount(pictures, weights=stays) > 0
    lost: dict[int, list[int]] = {}
    for row, decisions in why.items():
        if not alive[pictures[row]] and all(decision.finding.check in COPIES for decision in decisions):
            lost.setdefault(int(pictures[row]), []).append(row)
    # Of each picture without a copy left that one stays which is the least surely wrong; then the first.
    kept = sorted(min(rows, key=lambda row: (_surest(why[row]).certainty, row)) for rows in lost.values())
    staying = set(kept)
    return {row: _surest(decisions) for row, decisions in why.items() if row not in staying}, kept


def _surest(decisions: Sequence[Decision]) -> Decision:
    return max(decisions, key=lambda decision: decision.certainty)


def _linked(edges: Sequence[tuple[int, int]], count: int) -> NDArray[np.int64]:
    """Return (count,) int64: numbers of the connected parts that the edges make."""
    ends = np.array(edges, dtype=np.int64).reshape(-1, 2)
    graph = coo_array((np.ones(len(ends), dtype=np.int8), (ends[:, 0], ends[:, 1])), shape=(count, count))
    parts: NDArray[np.int64] = connected_components(graph, directed=False)[1].astype(np.int64)
    return parts


def _labels(
    manifest: Manifest, accepted: Sequence[Matched], stays: NDArray[np.bool_]
) -> tuple[NDArray[Any], list[int]]:
    """Return the new labels, and the rows that were to have several and keep theirs."""
    labels = manifest.table["label"].to_numpy(dtype=object).copy()
    wanted: dict[int, set[str]] = {}
    for found in accepted:
        name = known_class(found.decision.finding.suggested, manifest.classes)
        assert name is not None  # _Finder has looked
        for row in found.rows:
            if stays[row]:
                wanted.setdefault(row, set()).add(name)
    for row, names in wanted.items():
        if len(names) == 1:
            labels[row] = next(iter(names))
    return labels, sorted(row for row, names in wanted.items() if len(names) > 1)


def _groups(table: pd.DataFrame, accepted: Sequence[Matched]) -> NDArray[Any]:
    """Return the column ``group``: pictures that are linked, also through groups they had before, share a name."""
    names = table["group"].to_numpy(dtype=object).copy()
    if not accepted:
        return names
    before = picture_groups(table)
    member = {name: row for row, name in enumerate(names.tolist()) if name}
    edges: list[tuple[int, int]] = []
    called: dict[int, set[str]] = {}
    for found in accepted:
        first, suggested = found.rows[0], found.decision.finding.suggested
        others = [*found.rows[1:], *found.others]
        if suggested:
            others.append(member.setdefault(suggested, first))
            called.setdefault(first, set()).add(suggested)
        edges += [(int(before[first]), int(before[other])) for other in others]
    parts = _linked(edges, int(before.max()) + 1)[before]
    offered: dict[int, set[str]] = {}
    for row, suggestions in called.items():
        offered.setdefault(int(parts[row]), set()).update(suggestions)
    touched = np.flatnonzero(np.isin(parts, parts[[found.rows[0] for found in accepted]]))
    ids = table["id"].to_numpy(dtype=object)
    touched = touched[np.argsort(parts[touched], kind="stable")]
    begins = np.flatnonzero(np.diff(parts[touched], prepend=-1))
    for rows in np.split(touched, begins[1:]):
        part = int(parts[rows[0]])
        had = {names[row] for row in rows} - {""}
        if len(rows) == 1 and not had and part not in offered:
            continue
        name = min(had or offered.get(part, set()), default=f"group-{min(ids[rows])[:16]}")
        names[rows] = name
    return names


def _quarantined(path: str, decision: Decision) -> Quarantined:
    finding = decision.finding
    reason = finding.reason or _("removed, as the check {check} proposed.").format(check=finding.check)
    if path not in reason:  # quarantine is also read without its first column
        reason = _("{path}: {reason}").format(path=path, reason=reason)
    return Quarantined(path, f"removed-{finding.check}", reason)
