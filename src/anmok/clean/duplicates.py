"""The checks for copies: the same bytes, and nearly the same picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anmok.clean.evidence import Evidence
from anmok.clean.near_copies import NearCopies, near_copies
from anmok.clean.near_groups import group_names
from anmok.clean.registry import CheckResult, register_check
from anmok.data.leaks import RANK
from anmok.i18n import gettext, ngettext
from anmok.i18n import marked as _
from anmok.records import Action


def _exact_reason(values: Mapping[str, Any]) -> str:
    return gettext("The same file, byte for byte, as {other}.").format(other=values["other"])


@register_check(
    name="exact-duplicate",
    title=_("Exact copies"),
    about=_(
        "Files with the same bytes. One of each is kept: a test picture rather than one of validation, and that rather"
        " than one of training."
    ),
    needs="facts",
    action="remove",
    reason=_exact_reason,
)
def find_exact(evidence: Evidence) -> CheckResult:
    """Flag all files of the same bytes but one: that of the strictest split, then the first by path.

    Where they stand under several labels, which one goes is a question of which label is right: removing any but the
    first would settle it unseen, and may leave the wrong one. Those are only to be looked at.
    """
    table = evidence.manifest.table
    ids, paths = table["id"].to_numpy(dtype=object), table["path"].to_numpy(dtype=object)
    rank = table["split"].map(RANK).to_numpy().astype(np.int64)
    kept = _kept(ids, rank, paths)
    flags = kept != np.arange(len(table))
    labels = table["label"].to_numpy(dtype=object)
    disputed = np.zeros(len(table), dtype=bool)
    disputed[kept[labels != labels[kept]]] = True
    actions: tuple[Action, ...] = tuple("review" if several else "remove" for several in disputed[kept])
    return CheckResult(
        scores=np.where(flags, 0.0, 1.0),
        flags=flags,
        others=np.where(flags, kept, -1),
        actions=actions,
        values={int(row): {"other": str(paths[kept[row]])} for row in np.flatnonzero(flags)},
    )


def _kept(ids: NDArray[Any], rank: NDArray[np.int64], paths: NDArray[Any]) -> NDArray[np.int64]:
    """Return (N,) int64: for each row the row of the same id that is kept."""
    order = np.lexsort((paths.astype(str), -rank, ids.astype(str)))
    codes = np.unique(ids.astype(str), return_inverse=True)[1]
    first = np.empty(codes.max(initial=-1) + 1, dtype=np.int64)
    # Written from the last to the first, so that the first of each id stays.
    first[codes[order[::-1]]] = order[::-1]
    return first[codes]


@dataclass(frozen=True, slots=True, eq=False)
class Partners:
    """For each row of the manifest its most alike near copy.

    Attributes:
        others: int64 ``(N,)``, row of the copy, -1 where there is none.
        alike: float32 ``(N,)``, likeness to it.
        scores: float64 ``(N,)``, 0-0.5 where there is a copy, the more alike the lower; above 0.5 elsewhere.
    """

    others: NDArray[np.int64]
    alike: NDArray[np.float32]
    scores: NDArray[np.float64]


def row_pairs(evidence: Evidence, near: NearCopies) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return int64 ``(P, 2)`` and the likeness: near pairs both ways round, and for all files of the same bytes.

    Sorted by the first row, then the most alike, then the other's path.
    """
    table = evidence.manifest.table
    codes = np.unique(table["id"].to_numpy(dtype=object).astype(str), return_inverse=True)[1]
    both = np.concatenate([near.pairs, near.pairs[:, ::-1]])
    alike = np.tile(near.alike, 2)
    order = np.argsort(codes, kind="stable")
    begins = np.searchsorted(codes[order], np.arange(codes.max(initial=-1) + 2))
    for column in (0, 1):
        code = codes[both[:, column]]
        counts = begins[code + 1] - begins[code]
        which = np.repeat(np.arange(len(both)), counts)
        within = np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts)
        both, alike = both[which], alike[which]
        both[:, column] = order[begins[codes[both[:, column]]] + within]
    paths = table["path"].to_numpy(dtype=object).astype(str)
    order = np.lexsort((paths[both[:, 1]], -alike, both[:, 0]))
    return both[order], alike[order]


def partners(evidence: Evidence) -> Partners:
    """Return the most alike near copy of each row."""
    near = near_copies(evidence)
    count = len(evidence.manifest)
    others, alike = np.full(count, -1, dtype=np.int64), np.zeros(count, dtype=np.float32)
    pairs, likenesses = row_pairs(evidence, near)
    rows, first = np.unique(pairs[:, 0], return_index=True)
    others[rows], alike[rows] = pairs[first, 1], likenesses[first]
    above = 0.5 * (1 - alike.astype(np.float64)) / (1 - near.bar)
    below = 1 - 0.49 * near.nearest / near.bar
    scores = np.where(others >= 0, above, below)
    return Partners(others, alike, np.clip(scores, 0, 1))


def _near_reason(values: Mapping[str, Any]) -> str:
    text = ngettext(
        "Nearly the same picture as {other} (likeness {alike}); {count} picture is kept together with it.",
        "Nearly the same picture as {other} (likeness {alike}); {count} pictures belong together.",
        values["count"],
    )
    return text.format(other=values["other"], alike=f"{values['alike']:.3f}", count=values["count"])


@register_check(
    name="near-duplicate",
    title=_("Near copies"),
    about=_(
        "Pictures that show nearly the same: rescaled, compressed anew, brighter or darker, cut by up to 5%. They "
        "stay together when the pictures are split."
    ),
    needs="thumbs",
    action="group",
    reason=_near_reason,
)
def find_near(evidence: Evidence) -> CheckResult:
    """Flag all pictures that have a near copy; the group to join is suggested."""
    near, mates = near_copies(evidence), partners(evidence)
    flags = mates.others >= 0
    names = group_names(evidence)
    paths = evidence.manifest.table["path"].to_numpy(dtype=object)
    sizes = Counter(names[flags].tolist())
    values = {
        int(row): {
            "other": str(paths[mates.others[row]]),
            "alike": round(float(mates.alike[row]), 4),
            "count": sizes[str(names[row])],
        }
        for row in np.flatnonzero(flags)
    }
    return CheckResult(
        scores=mates.scores,
        flags=flags,
        others=mates.others,
        suggested=tuple(str(name) if flag else "" for name, flag in zip(names, flags, strict=True)),
        values=values,
        thresholds={"likeness": near.bar},
        about={
            "pairs": len(near.pairs),
            "groups": len(sizes),
            "largest": max(sizes.values(), default=0),
            "compared": near.compared,
            "crowded": near.crowded,
        },
    )
