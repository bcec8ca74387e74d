"""What a person decided about findings: accepted, refused, or not looked at yet; by hand or by a rule."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from anmok.clean.registry import get_check
from anmok.errors import UsageError
from anmok.i18n import _
from anmok.records import ACTIONS, Action, Finding

Accept = Literal["yes", "no", ""]

#: What the scan could not read; no registered check, but a row of the findings like all others.
UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A finding and what somebody decided about it: one row of ``findings.csv``.

    Attributes:
        finding: its ``action`` and ``suggested`` are what is to be done, which may differ from what was proposed.
        accept: ``"yes"``, ``"no"``, or ``""`` while nobody has decided.
        line: where it stood in a file; 0 if it was not read from one.
        found: False for a row of an earlier run that is kept although the checks of this run did not find it.
    """

    finding: Finding
    accept: Accept = ""
    line: int = 0
    found: bool = True

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells rows apart: path, check and the other picture."""
        return self.finding.path, self.finding.check, self.finding.other

    @property
    def certainty(self) -> float:
        """``1 - score``, 0-1, with the six digits that the file has."""
        return certainty(self.finding.score)


def certainty(score: float) -> float:
    """Return how sure a check is that something is wrong, 0-1, with six digits."""
    return round(1 - score, 6)


@dataclass(frozen=True, slots=True)
class AcceptRule:
    """Accept what a check found.

    Attributes:
        check: its name.
        least: certainty, 0-1, from which on.
        action: what is to be done; None for what is proposed.
    """

    check: str
    least: float = 0.0
    action: Action | None = None


def parse_rule(text: str) -> AcceptRule:
    """Read ``CHECK``, ``CHECK:MIN``, ``CHECK=ACTION`` or ``CHECK:MIN=ACTION``.

    Raises:
        UnknownName: there is no such check.
        UsageError: MIN is no number between 0 and 1, or there is no such action.
    """
    rule, equals, wanted = text.partition("=")
    name, colon, least = rule.partition(":")
    check = get_check(name.strip()).name
    action = next((known for known in ACTIONS if known == wanted.strip()), None)
    if equals and action is None:
        raise UsageError(
            _("{rule}: {value} is no action; one of {choices} is wanted.").format(
                rule=repr(text), value=repr(wanted), choices=", ".join(ACTIONS)
            )
        )
    if not colon:
        return AcceptRule(check, action=action)
    try:
        value = float(least)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise UsageError(
            _("{rule}: {value} is no certainty; a number between 0 and 1 is wanted.").format(
                rule=repr(text), value=repr(least)
            ),
            hint=_("For example: --accept exact-duplicate --accept label-error:0.9"),
        )
    return AcceptRule(check, value, action)


def accept(decisions: Iterable[Decision], rules: Sequence[AcceptRule]) -> tuple[Decision, ...]:
    """Accept what the rules name; what somebody refused stays refused."""
    by_check: dict[str, list[AcceptRule]] = {}
    for rule in rules:
        by_check.setdefault(rule.check, []).append(rule)
    return tuple(_ruled(row, by_check.get(row.finding.check, ())) for row in decisions)


def _ruled(row: Decision, rules: Sequence[AcceptRule]) -> Decision:
    fitting = [rule for rule in rules if row.certainty >= rule.least]
    if row.accept or not fitting:
        return row
    # The strictest one that fits says the most about this row.
    action = max(fitting, key=lambda rule: rule.least).action
    return replace(row, accept="yes", finding=replace(row.finding, action=action or row.finding.action))


def carry_over(old: Sequence[Decision], findings: Iterable[Finding], *, ran: Collection[str]) -> tuple[Decision, ...]:
    """Return new findings with what was decided about them before; nothing that somebody decided is lost.

    Args:
        old: the rows of the earlier file.
        findings: of this run.
        ran: names of the checks that ran. Rows of others stay as they are; of these, only the decided rows stay.
    """
    before: dict[tuple[str, str, str], list[Decision]] = {}
    for row in old:
        before.setdefault(row.key, []).append(row)
    rows = []
    for finding in findings:
        candidates = before.get((finding.path, finding.check, finding.other), [])
        # A listing may name one path under two labels, so a key may stand there twice.
        known = next((row for row in candidates if row.finding.label == finding.label), next(iter(candidates), None))
        if known is not None:
            candidates.remove(known)
        if known is None or known.accept == "":
            rows.append(Decision(finding=finding))
        else:
            same = replace(finding, action=known.finding.action, suggested=known.finding.suggested)
            rows.append(Decision(finding=same, accept=known.accept))
    kept = [row for row in old if row in before[row.key] and (row.accept or row.finding.check not in ran)]
    return tuple(rows) + tuple(replace(row, line=0, found=False) for row in kept)
