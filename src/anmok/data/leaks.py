"""Pictures that stand where they must not: one picture under two labels, or in two splits. Found, repaired, refused."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from anmok.config import LeakPolicy
from anmok.data.cut import NEAR, picture_groups
from anmok.data.manifest import Manifest
from anmok.errors import LabelConflict, SplitLeak
from anmok.i18n import _, ngettext
from anmok.records import TEST, TRAIN, VALID, Quarantined

_NAMED = 3
# What is held out more strictly has the greater number; pictures without a split cannot leak.
RANK = {"": -1, TRAIN: 0, VALID: 1, TEST: 2}


@dataclass(frozen=True, slots=True)
class Conflict:
    """The same picture (same id) under several labels; ``paths`` and ``labels`` belong together one by one."""

    paths: tuple[str, ...]
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Leak:
    """A picture that also stands in a split that is held out from its own.

    Attributes:
        path, split: the picture that leaks, in ``train`` or ``valid``.
        other_path, other_split: where it stands too.
        same_picture: True if both have the same bytes, False if they are only of one group.
        nearly: True if that group is one of near copies (``cut.NEAR``).
    """

    path: str
    split: str
    other_path: str
    other_split: str
    same_picture: bool
    nearly: bool = False

    @property
    def kind(self) -> str:
        """Return ``"same"``, ``"nearly"`` or ``"group"``."""
        return "same" if self.same_picture else "nearly" if self.nearly else "group"


def find_conflicts(manifest: Manifest) -> tuple[Conflict, ...]:
    """Return the pictures that stand under several labels, sorted by their first path."""
    table = manifest.table
    ids, labels = _codes(table["id"]), _codes(table["label"])
    first = np.zeros(ids.max(initial=-1) + 1, dtype=np.int64)
    first[ids] = labels
    torn = np.zeros(len(first), dtype=bool)
    torn[ids[labels != first[ids]]] = True
    rows = table.loc[torn[ids], ["id", "path", "label"]].sort_values(["path", "label"])
    found = [Conflict(tuple(part["path"]), tuple(part["label"])) for _id, part in rows.groupby("id", sort=False)]
    return tuple(found)


def find_leaks(manifest: Manifest) -> tuple[Leak, ...]:
    """Return the pictures of train and valid of whose group (see ``picture_groups``) one is held out from them.

    Sorted by path. Each names the strictest split that its group stands in (test before valid), and there a picture
    of the same bytes rather than another one.
    """
    table = manifest.table
    rank = table["split"].map(RANK).to_numpy().astype(np.int64)
    others = _stricter(picture_groups(table), rank)
    copies = _stricter(_codes(table["id"]), rank)
    same = (copies >= 0) & (rank[copies] == rank[others])
    others[same] = copies[same]
    rows = np.flatnonzero(others >= 0)
    paths, splits = table["path"].to_numpy(dtype=object), table["split"].to_numpy(dtype=object)
    rows = rows[np.argsort(paths[rows], kind="stable")]
    nearly = ~same & table["group"].str.startswith(NEAR).to_numpy(dtype=bool)
    return tuple(
        Leak(paths[i], splits[i], paths[others[i]], splits[others[i]], bool(same[i]), bool(nearly[i])) for i in rows
    )


def _stricter(keys: NDArray[np.int64], rank: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return for each row a row of the same key and the greatest rank, where that exceeds its own; else -1."""
    result = np.full(len(keys), -1, dtype=np.int64)
    rows = np.flatnonzero(rank >= 0)
    # By rank, so that for each key the row of the greatest rank is written last and stays.
    rows = rows[np.argsort(rank[rows], kind="stable")]
    strictest = np.full(keys.max(initial=-1) + 1, -1, dtype=np.int64)
    strictest[keys[rows]] = rows
    candidates = strictest[keys[rows]]
    leaking = rank[candidates] > rank[rows]
    result[rows[leaking]] = candidates[leaking]
    return result


def repair(manifest: Manifest) -> Manifest:
    """Put into quarantine what makes measuring unfair, so that neither conflicts nor leaks are left.

    All copies of a picture that stands under several labels (``label-conflict``); then pictures of train and valid
    of whose group one is in test (``duplicate-of-test``); and pictures of train of whose group one is in valid, but
    none in test (``duplicate-of-valid``). Copies inside one split stay.
    """
    return _without_leaks(_without_conflicts(manifest))


def _without_conflicts(manifest: Manifest) -> Manifest:
    conflicts = find_conflicts(manifest)
    if not conflicts:
        return manifest
    quarantined = []
    for conflict in conflicts:
        labels = ", ".join(sorted(set(conflict.labels)))
        for path in conflict.paths:
            reason = _("{path} stands under several labels: {labels}.").format(path=path, labels=labels)
            quarantined.append(Quarantined(path, "label-conflict", reason))
    paths = {path for conflict in conflicts for path in conflict.paths}
    ids = manifest.table.loc[manifest.table["path"].isin(paths), "id"]
    table = manifest.table[~manifest.table["id"].isin(ids)]
    note = ngettext(
        "{count} picture that stands under several labels was left out, with all its copies.",
        "{count} pictures that stand under several labels were left out, with all their copies.",
        len(conflicts),
    )
    return manifest.with_table(table, quarantined=tuple(quarantined), notes=(note.format(count=len(conflicts)),))


def _without_leaks(manifest: Manifest) -> Manifest:
    leaks = find_leaks(manifest)
    if not leaks:
        return manifest
    quarantined = tuple(
        Quarantined(leak.path, f"duplicate-of-{leak.other_split}", _sentence_of(leak)) for leak in leaks
    )
    table = manifest.table
    rows = _row_keys(table["path"], table["split"]).isin([f"{leak.split} {leak.path}" for leak in leaks])
    notes = []
    for split, count in sorted(Counter(leak.other_split for leak in leaks).items()):
        text = ngettext(
            "{count} picture to learn from that stands in {split} too was left out.",
            "{count} pictures to learn from that stand in {split} too were left out.",
            count,
        )
        notes.append(text.format(count=count, split=split))
    notes += _nearly(leaks)
    return manifest.with_table(table[~rows], quarantined=quarantined, notes=tuple(notes))


def _row_keys(paths: pd.Series[Any], splits: pd.Series[Any]) -> pd.Series[Any]:
    # A CSV may list one path twice, in two splits; only one of the two rows leaks.
    return splits + " " + paths


def _sentence_of(leak: Leak) -> str:
    return leak_sentence(
        path=leak.path, split=leak.split, other=leak.other_path, other_split=leak.other_split, kind=leak.kind
    )


def leak_sentence(*, path: str, split: str, other: str, other_split: str, kind: str) -> str:
    """Return what is wrong with a picture that leaks; ``kind`` as in ``Leak.kind``."""
    texts = {
        "same": _("{path} ({split}) is the same picture as {other} ({other_split})."),
        "nearly": _("{path} ({split}) is nearly the same picture as {other} ({other_split})."),
        "group": _("{path} ({split}) is of the same group as {other} ({other_split})."),
    }
    return texts[kind].format(path=path, split=split, other=other, other_split=other_split)


def settle(manifest: Manifest, policy: LeakPolicy) -> Manifest:
    """Do what ``policy`` says about conflicts and leaks: refuse them, repair them, or allow them with a note.

    Raises:
        LabelConflict, SplitLeak: with ``refuse``; they name up to three pairs of files and the ways out.
    """
    if policy == "repair":
        return repair(manifest)
    conflicts, leaks = find_conflicts(manifest), find_leaks(manifest)
    if policy == "refuse":
        if conflicts:
            raise _conflict_error(conflicts)
        if leaks:
            raise _leak_error(leaks)
        return manifest
    notes = []
    if conflicts:
        text = ngettext(
            "{count} picture stands under several labels; this was allowed.",
            "{count} pictures stand under several labels; this was allowed.",
            len(conflicts),
        )
        notes.append(text.format(count=len(conflicts)))
    if leaks:
        text = ngettext(
            "{count} picture to learn from stands among the validation or test pictures too; this was allowed, so the "
            "results look better than they are.",
            "{count} pictures to learn from stand among the validation or test pictures too; this was allowed, so the "
            "results look better than they are.",
            len(leaks),
        )
        notes += [text.format(count=len(leaks)), *_nearly(leaks)]
    return manifest.with_table(manifest.table, notes=tuple(notes))


def _conflict_error(conflicts: tuple[Conflict, ...]) -> LabelConflict:
    lines = []
    for conflict in conflicts[:_NAMED]:
        other = next(i for i, label in enumerate(conflict.labels) if label != conflict.labels[0])
        lines.append(f"- {conflict.paths[0]} = {conflict.paths[other]}")
    text = ngettext(
        "{count} picture stands under several labels:\n{pairs}",
        "{count} pictures stand under several labels:\n{pairs}",
        len(conflicts),
    )
    return LabelConflict(
        text.format(count=len(conflicts), pairs=_listed(lines, len(conflicts))),
        hint=_("Delete the wrong copies, or leave all of them out with --repair."),
    )


def _leak_error(leaks: tuple[Leak, ...]) -> SplitLeak:
    # Copies first: they are beyond doubt.
    first = sorted(leaks, key=lambda leak: leak.nearly)[:_NAMED]
    lines = [f"- {leak.path} {'≈' if leak.nearly else '='} {leak.other_path}" for leak in first]
    text = ngettext(
        "{count} picture to learn from stands among the validation or test pictures too, so no result would be "
        "honest:\n{pairs}",
        "{count} pictures to learn from stand among the validation or test pictures too, so no result would be "
        "honest:\n{pairs}",
        len(leaks),
    )
    return SplitLeak(
        "\n".join([text.format(count=len(leaks), pairs=_listed(lines, len(leaks))), *_nearly(leaks)]),
        hint=_("Leave those copies out with --repair, or measure all the same with --allow-leaks."),
    )


def _nearly(leaks: tuple[Leak, ...]) -> list[str]:
    """Return a sentence on how many are near copies only, if any are."""
    count = sum(leak.nearly for leak in leaks)
    text = ngettext(
        "{count} of them is nearly the same picture (≈), not the same file.",
        "{count} of them are nearly the same pictures (≈), not the same files.",
        count,
    )
    return [text.format(count=count)] if count else []


def _listed(lines: list[str], count: int) -> str:
    more = [_("… and {count} more.").format(count=count - len(lines))] if count > len(lines) else []
    return "\n".join(lines + more)


def _codes(column: pd.Series[Any]) -> NDArray[np.int64]:
    codes, _values = pd.factorize(column)
    return codes.astype(np.int64)
