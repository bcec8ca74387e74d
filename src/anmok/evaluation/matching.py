"""Brings the classes of a source and of a model together by name, and says in words where they do not fit."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anmok.errors import DataError
from anmok.i18n import _

NAMED = 5


@dataclass(frozen=True, slots=True)
class Matched:
    """Labels of pictures as class numbers of the model.

    Attributes:
        known: bool ``(M,)``: which of the pictures are of a class that the model knows.
        y_true: int64 ``(N,)``: class numbers of those N.
        unknown: pictures by class, of the others.
    """

    known: NDArray[np.bool_]
    y_true: NDArray[np.int64]
    unknown: Mapping[str, int]


def match_classes(classes: Sequence[str], labels: Sequence[str], *, known_only: bool = False) -> Matched:
    """Match the labels of M pictures with the classes of a model.

    Raises:
        DataError: no label fits; or some do not, and ``known_only`` is not set.
    """
    numbers = {name: number for number, name in enumerate(classes)}
    unknown = Counter(label for label in labels if label not in numbers)
    absent = sorted(set(classes) - set(labels))
    if len(absent) == len(classes):
        raise DataError(
            _(
                "The model and the source have no class in common. The model knows {known}; the source has {found}."
            ).format(known=name_some(classes), found=name_some(sorted(unknown))),
            hint=_("Name the class folders as the model's classes are named, or train a model on these pictures."),
        )
    if unknown and not known_only:
        raise _unknown_classes(unknown, absent)
    known = np.array([label in numbers for label in labels], dtype=bool)
    y_true = np.array([numbers[label] for label in labels if label in numbers], dtype=np.int64)
    return Matched(known, y_true, dict(sorted(unknown.items())))


def name_some(names: Collection[str], most: int = NAMED) -> str:
    """Return the names with commas; of many, the first few and how many more there are."""
    shown = ", ".join(list(names)[:most])
    if len(names) <= most:
        return shown
    return _("{names} and {count} more").format(names=shown, count=len(names) - most)


def _unknown_classes(unknown: Mapping[str, int], absent: Sequence[str]) -> DataError:
    message = _("The source has {count} pictures of classes that the model does not know: {names}.").format(
        count=sum(unknown.values()), names=name_some(sorted(unknown))
    )
    if absent:
        message += " " + _("The model also knows these, of which the source has no picture: {names}.").format(
            names=name_some(absent)
        )
    hint = _("Leave these pictures out with --known-only, or name the folders as the model's classes are named.")
    twins = _look_alikes(unknown, absent)
    if twins:
        pairs = ", ".join(f"{found!r} -> {meant!r}" for found, meant in twins.items())
        hint += " " + _("Perhaps these are meant to be the same: {pairs}.").format(pairs=pairs)
    return DataError(message, hint=hint)


def _look_alikes(found: Iterable[str], absent: Sequence[str]) -> dict[str, str]:
    """Return class names that differ little (case, an ending, a space) from one that is missing."""
    folded = {name.casefold(): name for name in absent}
    close = ((name, difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.75)) for name in sorted(found))
    return dict([(name, folded[match[0]]) for name, match in close if match][:NAMED])
