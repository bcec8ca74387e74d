"""What the checks found in the pictures, ready to be drawn: the line that opens the report, and galleries."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from anmok.clean.registry import get_check
from anmok.evaluation.results import CheckSummary, Comparison
from anmok.i18n import _, ngettext
from anmok.records import Finding
from anmok.report import words
from anmok.report.pictures import Thumbnail, Thumbnails

SIDE = 160


@dataclass(frozen=True, slots=True)
class Shown:
    """A finding with its picture, and with the other picture where there is one."""

    finding: Finding
    picture: Thumbnail
    other: Thumbnail | None


@dataclass(frozen=True, slots=True)
class Found:
    """One check that found something.

    Attributes:
        name, title, about: of the check.
        anchor: of its gallery in the page.
        count: how many pictures it flagged; text: the same in words.
        shown: the surest findings. more: how many are not shown.
    """

    name: str
    title: str
    about: str
    anchor: str
    count: int
    text: str
    shown: tuple[Shown, ...]
    more: int


@dataclass(frozen=True, slots=True)
class Checks:
    """What the section about checks shows.

    Attributes:
        ran: how many checks looked at the pictures; 0 where none was wanted.
        found: those that found something. silent: titles of those that did not.
        unreadable: how many files the scan had put into quarantine.
        command: shows all findings and lets one decide.
    """

    ran: int
    found: tuple[Found, ...]
    silent: tuple[str, ...]
    unreadable: int
    command: str


def clean_command(comparison: Comparison) -> str:
    """Return what one types to see all findings: about the source as it was named, which may be a cleaned manifest."""
    return shlex.join(["anmok", "clean", str(comparison.extra.get("source") or comparison.data.location)])


def build(comparison: Comparison, thumbnails: Thumbnails) -> Checks:
    """Return the section's values."""
    found = tuple(_found(done, thumbnails) for done in comparison.checks if done.flagged)
    silent = tuple(_(get_check(done.check).title) for done in comparison.checks if not done.flagged)
    return Checks(
        ran=len(comparison.checks),
        found=found,
        silent=silent,
        unreadable=len(comparison.data.quarantined),
        command=clean_command(comparison),
    )


def _found(done: CheckSummary, thumbnails: Thumbnails) -> Found:
    check = get_check(done.check)
    text = ngettext("{count} picture", "{count} pictures", done.flagged).format(count=words.count(done.flagged))
    return Found(
        name=check.name,
        title=_(check.title),
        about=_(check.about),
        anchor=f"check-{check.name}",
        count=done.flagged,
        text=text,
        shown=tuple(_shown(finding, thumbnails) for finding in _once(done.shown)),
        more=max(0, done.flagged - len(done.shown)),
    )


def _once(findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings without those that show the same two pictures the other way round."""
    seen: set[frozenset[str]] = set()
    kept = []
    for finding in findings:
        pair = frozenset((finding.path, finding.other))
        if not finding.other or pair not in seen:
            kept.append(finding)
        seen.add(pair)
    return kept


def _shown(finding: Finding, thumbnails: Thumbnails) -> Shown:
    return Shown(
        finding,
        thumbnails.of(finding.path, SIDE),
        thumbnails.of(finding.other, SIDE) if finding.other else None,
    )
