"""What people are told of decisions that were applied: notes of the new manifest, and warnings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from anmok.data.leaks import find_conflicts
from anmok.data.manifest import Manifest
from anmok.i18n import _, ngettext

#: Pictures or classes that a sentence names.
NAMED = 3


def notes_of(removed: Mapping[str, int], *, relabelled: int, grouped: int) -> tuple[str, ...]:
    """Return the notes of the new manifest.

    Args:
        removed: how many pictures, by check. relabelled, grouped: how many.
    """
    notes = []
    for check, count in removed.items():
        text = ngettext(
            "{count} picture was removed for the check {check}.",
            "{count} pictures were removed for the check {check}.",
            count,
        )
        notes.append(text.format(count=count, check=check))
    if relabelled:
        text = ngettext("{count} picture got another label.", "{count} pictures got other labels.", relabelled)
        notes.append(text.format(count=relabelled))
    if grouped:
        text = ngettext(
            "{count} picture was put into a group that a split keeps together.",
            "{count} pictures were put into groups that a split keeps together.",
            grouped,
        )
        notes.append(text.format(count=grouped))
    return tuple(notes)


def warnings_of(
    before: Manifest, after: Manifest, *, relabelled: int, kept: tuple[str, ...], torn: tuple[str, ...], looks: int
) -> tuple[str, ...]:
    """Return what was not done, or had a consequence that one may not expect.

    Args:
        before, after: the manifests. relabelled: how many pictures.
        kept: paths of pictures that stay as the last of their copies. torn: paths for which two labels were accepted.
        looks: accepted rows that say only "review".
    """
    said = []
    if kept:
        text = ngettext(
            "{count} picture stays although its removal was accepted, for else no copy of it would be left: {names}",
            "{count} pictures stay although their removal was accepted, for else no copy of them would be left: "
            "{names}",
            len(kept),
        )
        said.append(text.format(count=len(kept), names=_some(kept)))
    if torn:
        text = ngettext(
            "{count} picture keeps its label, for two different ones were accepted: {names}",
            "{count} pictures keep their labels, for two different ones were accepted for each: {names}",
            len(torn),
        )
        said.append(text.format(count=len(torn), names=_some(torn)))
    if looks:
        text = ngettext(
            "{count} accepted row says only “review”, so nothing was done; write remove, relabel or group, "
            "or --accept CHECK=remove.",
            "{count} accepted rows say only “review”, so nothing was done; write remove, relabel or group, "
            "or --accept CHECK=remove.",
            looks,
        )
        said.append(text.format(count=looks))
    gone = tuple(name for name in before.classes if name not in after.classes)
    if gone:
        text = ngettext(
            "{count} class has no picture left: {names}", "{count} classes have no picture left: {names}", len(gone)
        )
        said.append(text.format(count=len(gone), names=_some(gone)))
    if not relabelled:
        return tuple(said)
    known = {path for conflict in find_conflicts(before) for path in conflict.paths}
    new = tuple(conflict.paths[0] for conflict in find_conflicts(after) if conflict.paths[0] not in known)
    if new:
        text = ngettext(
            "{count} picture now stands under several labels, for not all its copies were relabelled: {names}",
            "{count} pictures now stand under several labels, for not all their copies were relabelled: {names}",
            len(new),
        )
        said.append(text.format(count=len(new), names=_some(new)))
    return tuple(said)


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:NAMED])
    if len(names) <= NAMED:
        return shown
    return _("{names} and {count} more").format(names=shown, count=len(names) - NAMED)
