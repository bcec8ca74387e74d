"""Finds the pictures and classes that decisions name in a manifest; says which line names what is not there."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from anmok.clean.decisions import Decision
from anmok.clean.findings_file import refusal
from anmok.data.manifest import Manifest
from anmok.i18n import _
from anmok.models.registry import suggest


@dataclass(frozen=True, slots=True)
class Matched:
    """A decision with the rows of the manifest that it is about, and those of the other picture."""

    decision: Decision
    rows: tuple[int, ...]
    others: tuple[int, ...] = ()


def match(manifest: Manifest, decisions: Iterable[Decision], *, file: Path) -> tuple[Matched, ...]:
    """Find the pictures of decisions in a manifest.

    A row about a picture that is in quarantine already is left out: it was applied before. So is a row that is not
    accepted and whose picture is unknown.

    Raises:
        UsageError: as ``apply_decisions``.
    """
    finder = _Finder(manifest, file)
    return tuple(found for row in decisions if (found := finder.find(row)) is not None)


class _Finder:
    """Looks pictures up by path, and tells a person what is not there."""

    def __init__(self, manifest: Manifest, file: Path) -> None:
        self._file = file
        self._labels = manifest.table["label"].tolist()
        self._classes = manifest.classes
        self._gone = {row.path for row in manifest.quarantined}
        self._rows: dict[str, list[int]] = {}
        # Editors and file systems change Hangul between NFC and NFD; a name that is clear all the same is taken.
        self._loose: dict[str, set[str]] = {}
        for row, path in enumerate(manifest.table["path"].tolist()):
            self._rows.setdefault(path, []).append(row)
            self._loose.setdefault(unicodedata.normalize("NFC", path), set()).add(path)

    def find(self, decision: Decision) -> Matched | None:
        finding, line = decision.finding, decision.line
        rows = self._of(finding.path)
        if not rows:
            if decision.accept == "yes" and finding.path not in self._gone:
                self._refuse_path(line, "path", finding.path)
            return None
        # A listing may name one path under two labels; the row then is about the one with its own label.
        if len({self._labels[row] for row in rows}) > 1 and finding.label in {self._labels[row] for row in rows}:
            rows = tuple(row for row in rows if self._labels[row] == finding.label)
        others = tuple(row for row in self._of(finding.other) if row not in rows) if finding.other else ()
        if decision.accept == "yes":
            self._check(decision, others)
        return Matched(decision, rows, others)

    def _check(self, decision: Decision, others: tuple[int, ...]) -> None:
        finding, line = decision.finding, decision.line
        if finding.action == "relabel" and known_class(finding.suggested, self._classes) is None:
            message = _("there is no class {name}").format(name=repr(finding.suggested))
            hint = suggest(finding.suggested, list(self._classes), otherwise=_("The classes are: {names}."))
            raise refusal(self._file, line, "suggested", message, hint=hint)
        if finding.action != "group":
            return
        if finding.other and not others and finding.other not in self._gone and not self._of(finding.other):
            self._refuse_path(line, "other", finding.other)
        if not finding.other and not finding.suggested:
            message = _("it is empty; to group, the other picture, or the group's name under suggested, is wanted")
            raise refusal(self._file, line, "other", message)

    def _of(self, path: str) -> tuple[int, ...]:
        if path not in self._rows:
            near = self._loose.get(unicodedata.normalize("NFC", path), set())
            path = next(iter(near)) if len(near) == 1 else path
        return tuple(self._rows.get(path, ()))

    def _refuse_path(self, line: int, column: str, path: str) -> None:
        message = _("there is no picture {path} in the manifest").format(path=repr(path))
        hint = _("Apply the file to the manifest that it was made with, or take the row out.")
        raise refusal(self._file, line, column, message, hint=hint)


def known_class(name: str, classes: Sequence[str]) -> str | None:
    """Return the class of that name, as people may have typed it; None if there is none."""
    if name in classes:
        return name
    typed = unicodedata.normalize("NFC", name).strip()
    return typed if typed in classes else None
