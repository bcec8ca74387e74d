"""The checks for copies where they must not be: on both sides of a split, or under two labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from anmok.clean.duplicates import partners, row_pairs
from anmok.clean.evidence import Evidence
from anmok.clean.near_copies import near_copies
from anmok.clean.near_groups import grouped
from anmok.clean.registry import CheckResult, register_check
from anmok.data.leaks import find_conflicts, find_leaks, leak_sentence
from anmok.i18n import gettext
from anmok.i18n import marked as _
from anmok.records import Action


def _leak_reason(values: Mapping[str, Any]) -> str:
    return leak_sentence(**values)


@register_check(
    name="leak",
    title=_("Leaks between splits"),
    about=_(
        "Pictures to learn from that stand among the validation or test pictures too, the same or nearly the same: "
        "what is measured on those would look better than it is."
    ),
    needs="thumbs",
    action="remove",
    reason=_leak_reason,
)
def find_split_leaks(evidence: Evidence) -> CheckResult:
    """Flag what ``split.check`` would refuse once near copies are grouped: the side that is held out less."""
    table = evidence.manifest.table
    count = len(table)
    scores, flags = np.ones(count), np.zeros(count, dtype=bool)
    others = np.full(count, -1, dtype=np.int64)
    values: dict[int, Mapping[str, Any]] = {}
    row_of = {key: row for row, key in enumerate(zip(table["split"], table["path"], strict=True))}
    leaks = find_leaks(grouped(evidence))
    mates = partners(evidence) if leaks else None
    paths, splits = table["path"].to_numpy(dtype=object), table["split"].to_numpy(dtype=object)
    for leak in leaks:
        row, other = row_of[leak.split, leak.path], row_of[leak.other_split, leak.other_path]
        assert mates is not None
        mate = int(mates.others[row])
        # The most alike one says more than another one of the same group.
        if leak.nearly and mate >= 0 and splits[mate] == leak.other_split:
            other = mate
        flags[row], others[row] = True, other
        scores[row] = 0.0 if leak.same_picture else min(0.5, float(mates.scores[row]))
        values[row] = {
            "path": leak.path,
            "split": leak.split,
            "other": str(paths[other]),
            "other_split": leak.other_split,
            "kind": leak.kind,
        }
    return CheckResult(scores=scores, flags=flags, others=others, values=values)


def _conflict_reason(values: Mapping[str, Any]) -> str:
    if values["same"]:
        text = gettext(
            "The same file stands under {label} here and under {other_label} as {other}; one of the two is wrong."
        )
    else:
        text = gettext("Nearly the same picture stands under {label} here and under {other_label} as {other}.")
    return text.format(label=values["label"], other_label=values["other_label"], other=values["other"])


@register_check(
    name="label-conflict",
    title=_("One picture, two labels"),
    about=_("The same picture, or nearly the same one, under two labels: at most one of them is right."),
    needs="thumbs",
    action="remove",
    reason=_conflict_reason,
)
def find_label_conflicts(evidence: Evidence) -> CheckResult:
    """Flag pictures under several labels: to be removed where the bytes are the same, else to be looked at."""
    table = evidence.manifest.table
    count = len(table)
    labels, paths = table["label"].to_numpy(dtype=object), table["path"].to_numpy(dtype=object)
    scores, others = np.ones(count), np.full(count, -1, dtype=np.int64)
    same = np.zeros(count, dtype=bool)
    rows_of: dict[tuple[str, str], list[int]] = {}
    for row, key in enumerate(zip(paths, labels, strict=True)):
        rows_of.setdefault(key, []).append(row)
    for conflict in find_conflicts(evidence.manifest):
        places = list(zip(conflict.paths, conflict.labels, strict=True))
        for path, label in places:
            other = next(place for place in places if place[1] != label)
            for row in rows_of[path, label]:
                scores[row], others[row], same[row] = 0.0, rows_of[other][0], True
    pairs, _alike = row_pairs(evidence, near_copies(evidence))
    pairs = pairs[(labels[pairs[:, 0]] != labels[pairs[:, 1]]) & ~same[pairs[:, 0]]]
    rows, first = np.unique(pairs[:, 0], return_index=True)
    if len(rows):
        others[rows], scores[rows] = pairs[first, 1], np.maximum(partners(evidence).scores[rows], 1e-3)
    flags = others >= 0
    actions: tuple[Action, ...] = tuple("remove" if exact else "review" for exact in same)
    values = {
        int(row): {
            "label": str(labels[row]),
            "other": str(paths[others[row]]),
            "other_label": str(labels[others[row]]),
            "same": bool(same[row]),
        }
        for row in np.flatnonzero(flags)
    }
    return CheckResult(scores=scores, flags=flags, others=others, actions=actions, values=values)
