"""Divides pictures into train, valid and test: by class, by groups, and so that the same pictures go the same way.

``check`` first (nothing may leak, no class may be too small), then ``assign_splits``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from anmok.config import LeakPolicy, SplitConfig
from anmok.data.cut import Cuttable, cut, picture_groups
from anmok.data.leaks import Conflict, Leak, find_conflicts, find_leaks, repair, settle
from anmok.data.manifest import Manifest
from anmok.errors import DataError, TooFewPictures
from anmok.i18n import _, ngettext
from anmok.records import TEST, TRAIN, VALID, Quarantined

__all__ = ["Conflict", "Leak", "assign_splits", "check", "find_conflicts", "find_leaks", "repair", "require_valid"]

_NAMED = 5


def check(manifest: Manifest, policy: LeakPolicy, drop_small_classes: bool = False) -> Manifest:
    """Make sure that a fair comparison is possible.

    Args:
        policy: what happens to pictures under two labels or in two splits; see ``leaks.settle``.
        drop_small_classes: put classes that cannot be divided into quarantine (``small-class``), instead of refusing.

    Raises:
        LabelConflict, SplitLeak: found, and the policy is ``refuse``.
        TooFewPictures: one class only; or a class with no usable picture, with one, or with copies of one only.
    """
    # Which classes there were is remembered, so that none is lost unsaid when all of its pictures are left out.
    manifest = replace(settle(manifest, policy), classes=manifest.classes)
    if drop_small_classes:
        manifest = _without_small_classes(manifest)
    require_classes(manifest)
    return manifest


def require_classes(manifest: Manifest) -> None:
    """Raise ``TooFewPictures`` unless there are two classes, each with two different pictures (or groups) at least."""
    small = _small_classes(manifest)
    if small:
        label, path = next(iter(small.items()))
        count = manifest.table.loc[manifest.table["label"] == label, "id"].nunique()
        if count > 1:
            text = _(
                "All {count:,} pictures of the class {label} (such as {path}) belong together, as copies, near copies "
                "or pictures of one group do; some to learn from and others to measure with are wanted."
            )
        elif path:
            text = _(
                "The class {label} has only one picture ({path}), or copies of one; one to learn from and another one "
                "to measure with are wanted."
            )
        else:
            text = _("The class {label} has no picture that can be used; the quarantine says why.")
        others = ", ".join(list(small)[1:_NAMED])
        more = " " + _("Too small as well: {names}.").format(names=others) if others else ""
        raise TooFewPictures(
            text.format(label=label, path=path, count=count) + more,
            hint=_("Add pictures, or leave such classes out with --drop-small-classes."),
        )
    if len(manifest.classes) < 2:
        names = ", ".join(manifest.classes) or "–"
        raise TooFewPictures(
            _("There is only one class ({names}); two or more are wanted.").format(names=names),
            hint=_("Put the pictures of each class into a folder of its own, all folders into one, and name that one."),
        )


def _small_classes(manifest: Manifest) -> dict[str, str]:
    """Return the classes with fewer than two groups, each with the path of its first picture (``""``: it has none)."""
    labels, groups = manifest.label_indices(), picture_groups(manifest.table)
    width = groups.max(initial=0) + 1
    counts = np.bincount(np.unique(labels * width + groups) // width, minlength=len(manifest.classes))
    paths = manifest.table["path"]
    return {manifest.classes[number]: min(paths[labels == number], default="") for number in np.flatnonzero(counts < 2)}


def _without_small_classes(manifest: Manifest) -> Manifest:
    small = _small_classes(manifest)
    if not small:
        return manifest
    rows = manifest.table["label"].isin(list(small))
    reason = _("{path} is of the class {label}, which is too small to be divided.")
    quarantined = tuple(
        Quarantined(path, "small-class", reason.format(path=path, label=label))
        for path, label in manifest.table.loc[rows, ["path", "label"]].itertuples(index=False)
    )
    note = ngettext(
        "{count} class that is too small to be divided was left out: {names}.",
        "{count} classes that are too small to be divided were left out: {names}.",
        len(small),
    )
    notes = (note.format(count=len(small), names=", ".join(small)),)
    return manifest.with_table(manifest.table[~rows], quarantined=quarantined, notes=notes)


def assign_splits(manifest: Manifest, config: SplitConfig) -> Manifest:
    """Give every picture a split, keeping those that the source gives.

    - A source with test pictures keeps them; without valid ones, valid is cut from train.
    - A source with valid pictures but no test: they become the test (as they are the only ones set apart), and valid
      is cut from train. A note tells so.
    - Else test is cut from all, then valid from the rest.

    A cut is stratified, keeps groups together, and depends on nothing but the pictures, their labels and the seed:
    not on their order or names. See ``cut``. Every class gets a test picture and keeps a training picture.

    Raises:
        TooFewPictures: see ``require_classes``.
        DataError: no training pictures, or validation or test pictures of a class that training lacks.
    """
    require_classes(manifest)
    table = manifest.table
    splits = table["split"].to_numpy(dtype=object, copy=True)
    given = set(splits) - {""}
    notes = []
    if given and (splits == "").any():
        count = int((splits == "").sum())
        text = ngettext(
            "{count} picture has no split; it was taken for training.",
            "{count} pictures have no split; they were taken for training.",
            count,
        )
        notes.append(text.format(count=count))
    splits[splits == ""] = TRAIN
    if VALID in given and TEST not in given:
        splits[splits == VALID] = TEST
        notes.append(_("There is no test split; the validation pictures are the test, and were not used for training."))
    pictures = Cuttable(manifest.label_indices(), picture_groups(table), table["id"].to_numpy(dtype=object))
    if not given & {VALID, TEST}:
        _cut_from_train(splits, TEST, pictures, config, manifest.classes)
        notes.append(
            _("{share:.0%} of the pictures of each class were set apart as the test (seed {seed}).").format(
                share=config.test, seed=config.seed
            )
        )
    _require_training(table, splits)
    if not (splits == VALID).any():
        _cut_from_train(splits, VALID, pictures, config, manifest.classes)
        notes.append(
            _("{share:.0%} of the other pictures were set apart for validation (seed {seed}).").format(
                share=config.valid, seed=config.seed
            )
        )
    return manifest.with_table(table.assign(split=pd.array(splits, dtype="str")), notes=tuple(notes))


def _cut_from_train(
    splits: NDArray[Any], split: str, pictures: Cuttable, config: SplitConfig, classes: tuple[str, ...]
) -> None:
    rows = np.flatnonzero(splits == TRAIN)
    share = config.test if split == TEST else config.valid
    chosen, without = cut(pictures.take(rows), share=share, seed=config.seed, every_class=split == TEST)
    if len(without):
        raise TooFewPictures(
            _("The groups of the class {label} cannot be divided: each holds the last pictures of some class.").format(
                label=classes[without[0]]
            ),
            hint=_("Make smaller groups, add pictures, or give the splits yourself."),
        )
    splits[rows[chosen]] = split


def require_valid(manifest: Manifest) -> None:
    """Raise ``TooFewPictures`` where a set is so small that no picture could be spared for choosing."""
    splits = manifest.table["split"]
    if (splits == VALID).any():
        return
    counts = manifest.table.loc[splits == TRAIN, "label"].value_counts()
    raise TooFewPictures(
        _(
            "There are too few pictures: the largest class keeps {count} to learn from, and none can be set apart "
            "for validation."
        ).format(count=int(counts.max())),
        hint=_("Five pictures of each class are the least that works; thirty or more make the figures mean something."),
    )


def _require_training(table: pd.DataFrame, splits: NDArray[Any]) -> None:
    in_train = set(table.loc[splits == TRAIN, "label"].unique())
    if not in_train:
        raise DataError(
            _("There are no training pictures; all stand in valid or test."),
            hint=_("Put pictures to learn from into a folder train, with a folder for each class in it."),
        )
    lacking = sorted(set(table["label"].unique()) - in_train)
    if lacking:
        path = min(table.loc[table["label"] == lacking[0], "path"])
        text = ngettext(
            "{count} class has validation or test pictures, but none to learn from: {names} (for example {path}).",
            "{count} classes have validation or test pictures, but none to learn from: {names} (for example {path}).",
            len(lacking),
        )
        raise DataError(
            text.format(count=len(lacking), names=", ".join(lacking[:_NAMED]), path=path),
            hint=_("Add such pictures to train, or take those classes out; a misspelt folder name makes a class too."),
        )
