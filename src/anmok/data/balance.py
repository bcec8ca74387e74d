"""Classes of unequal size made more equal: who goes, how large a class should be, what an error should cost.

Only training pictures are counted and removed. Valid and test stay as the world is, or the figures would say how well
a model does on pictures that nobody has.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from anmok.config import BalanceRule
from anmok.data.cut import picture_groups
from anmok.data.manifest import Manifest
from anmok.errors import UnknownName, UsageError
from anmok.i18n import _, ngettext
from anmok.records import TRAIN, Quarantined

CODE = "undersampled"
"""What the quarantine calls pictures that were left out for balance."""

_NAMED = 12


@dataclass(frozen=True, slots=True)
class ClassChange:
    """How many training pictures one class has before, and what balancing does to it."""

    label: str
    before: int
    removed: int = 0
    added: int = 0

    @property
    def after(self) -> int:
        """How many it has then."""
        return self.before - self.removed + self.added


def training_rows(manifest: Manifest) -> NDArray[np.bool_]:
    """Return (N,) bool: pictures that are, or will be, learned from: in train, or in no split (``assign_splits``)."""
    chosen: NDArray[np.bool_] = manifest.table["split"].isin((TRAIN, "")).to_numpy(dtype=bool)
    return chosen


def training_sizes(manifest: Manifest) -> dict[str, int]:
    """Return the number of training pictures of each class, in the order of the classes; 0 where there is none."""
    counts = manifest.table.loc[training_rows(manifest), "label"].value_counts()
    return {label: int(counts.get(label, 0)) for label in manifest.classes}


def target_size(sizes: Mapping[str, int], rule: BalanceRule) -> int:
    """Return the size, at least 1, to which ``rule`` brings its classes.

    Args:
        sizes: training pictures of each class. Classes without any do not count as others.

    Raises:
        UnknownName: the rule names a class that is not there.
        UsageError: it names all classes, and the size of the others.
    """
    named = known_classes(sizes, rule.classes)
    if isinstance(rule.to, int):
        return rule.to
    others = [size for label, size in sizes.items() if size and label not in named]
    if not others:
        raise UsageError(
            _("All classes are named, so there are no others whose {word} could be taken.").format(word=rule.to),
            hint=_("Name fewer classes, or give a number."),
        )
    size = float(pd.Series(others).agg(rule.to))
    return max(1, math.floor(size + 0.5))


def known_classes(sizes: Mapping[str, int], names: Sequence[str]) -> frozenset[str]:
    """Return the classes of these names, however their letters are composed (a Mac writes Hangul as single letters).

    Raises:
        UnknownName: there is no such class.
    """
    found = {unicodedata.normalize("NFC", label): label for label in sizes}
    wanted = [unicodedata.normalize("NFC", name) for name in names]
    for name in wanted:
        if name not in found:
            more = ", …" if len(sizes) > _NAMED else ""
            raise UnknownName(
                _("There is no class {name}.").format(name=repr(name)),
                hint=_("The classes are: {names}.").format(names=", ".join(list(sizes)[:_NAMED]) + more),
            )
    return frozenset(found[name] for name in wanted)


def undersample(manifest: Manifest, classes: Sequence[str] = (), *, to: str | int = "mean", seed: int = 0) -> Manifest:
    """Take training pictures out of large classes until none of these has more than the target.

    What tells least goes first: copies of a picture that stays, then further pictures of a group of which one stays,
    then pictures by lot. A lot is a hash of the picture's id under the seed, so neither names nor the order of rows
    matter, and a picture that is added later changes hardly which others stay. Smaller classes stay as they are.
    Reference E did the same to its two over-full classes, without looking for copies.

    Args:
        classes: which; empty: all.
        to: a number; or ``mean``, ``median``, ``min``, ``max`` of the sizes of the classes that are not named.

    Returns:
        A manifest without these pictures; they stand in its quarantine as ``undersampled``, with the reason.

    Raises:
        UnknownName, UsageError: as ``target_size``.
    """
    rule = BalanceRule(classes=tuple(classes), to=to)
    sizes = training_sizes(manifest)
    target = target_size(sizes, rule)
    named = known_classes(sizes, rule.classes) or frozenset(sizes)
    goes = _who_goes(manifest, named, target, seed)
    if not goes.any():
        note = _("No class to undersample has more than {target} training pictures; nothing was left out.")
        return manifest.with_table(manifest.table, notes=(note.format(target=target),))
    reason = _("{path} was left out so that the class {label} has {target} training pictures.")
    quarantined = tuple(
        Quarantined(path, CODE, reason.format(path=path, label=label, target=target))
        for path, label in manifest.table.loc[goes, ["path", "label"]].itertuples(index=False)
    )
    notes = [_note(label, sizes[label], target, seed) for label in sorted(named) if sizes[label] > target]
    if (manifest.table["split"] == "").any():
        notes.append(
            _(
                "Pictures were left out before a split was made, so the test pictures are balanced too, unlike "
                "real data."
            )
        )
    return manifest.with_table(manifest.table[~goes], quarantined=quarantined, notes=tuple(notes))


def _note(label: str, before: int, target: int, seed: int) -> str:
    text = ngettext(
        "{count} of {before} training pictures of the class {label} was left out for balance (seed {seed}).",
        "{count} of {before} training pictures of the class {label} were left out for balance (seed {seed}).",
        before - target,
    )
    return text.format(count=before - target, before=before, label=label, seed=seed)


def _who_goes(manifest: Manifest, named: frozenset[str], target: int, seed: int) -> NDArray[np.bool_]:
    """Return (N,) bool: the training pictures of these classes beyond the target."""
    table = manifest.table
    rows = np.flatnonzero(training_rows(manifest) & table["label"].isin(named).to_numpy(dtype=bool))
    goes = np.zeros(len(table), dtype=bool)
    if not len(rows):
        return goes
    labels = manifest.label_indices()[rows]
    ids = table["id"].to_numpy(dtype=object)[rows]
    paths = table["path"].to_numpy(dtype=object)[rows]
    by_lot = np.lexsort((pd.factorize(paths, sort=True)[0], lots(ids, seed)))
    # In the order of the lots: how many copies, and how many of its group, stand before each picture in its class.
    frame = pd.DataFrame({"label": labels, "id": ids, "group": picture_groups(table)[rows]}).iloc[by_lot]
    copy = frame.groupby(["label", "id"], sort=False).cumcount().to_numpy()
    frame["copy"] = copy > 0
    place = frame.groupby(["label", "group", "copy"], sort=False).cumcount().to_numpy()
    order = by_lot[np.lexsort((np.arange(len(rows)), place, copy))]
    rank = pd.Series(labels[order]).groupby(labels[order]).cumcount().to_numpy()
    goes[rows[order[rank >= target]]] = True
    return goes


def lots(ids: NDArray[Any], seed: int) -> NDArray[np.uint64]:
    """Return (N,) uint64, the lot of each picture: the SipHash of its id under the seed."""
    # The key is another one than that of splits: who was held out must say nothing of who stays.
    return pd.util.hash_array(ids, hash_key=f"balance{seed % 10**9:09d}", categorize=False)


def class_weights(labels: NDArray[np.int64], *, classes: int | None = None) -> NDArray[np.float32]:
    """Return what an error on a picture of each class should cost so that all classes cost the same.

    ``N / (K * n)`` for a class of n among N pictures of K classes, as scikit-learn's ``class_weight="balanced"`` (King
    and Zeng: Logistic Regression in Rare Events Data, 2001): the mean over all pictures is 1, so a learning rate keeps
    its meaning. A model that learns so gives the probabilities of a world in which each class is as frequent: of rare
    classes too high for the pictures as they came. A temperature, one number for all classes, does not mend that.

    >>> class_weights(np.array([0, 0, 0, 0, 0, 1]))
    array([0.6, 3. ], dtype=float32)

    Args:
        labels: int64 ``(N,)``, class numbers from 0.
        classes: length of the result; by default one more than the largest label.

    Returns:
        float32 ``(classes,)``; 1 for a class without pictures.
    """
    counts = np.bincount(labels, minlength=classes or 0)
    weights = np.ones(len(counts), dtype=np.float32)
    there = counts > 0
    weights[there] = len(labels) / (there.sum() * counts[there])
    return weights
