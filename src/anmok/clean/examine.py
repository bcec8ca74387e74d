"""Runs checks over the pictures of a manifest and turns what they say into findings."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anmok.clean.evidence import Evidence
from anmok.clean.registry import Check, CheckResult, all_checks, get_check
from anmok.data.manifest import Manifest
from anmok.i18n import _
from anmok.records import Finding, Quarantined


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """One check's result with its findings.

    Attributes:
        check: the check.
        result: what it said about all pictures.
        findings: about the flagged pictures, the surest first.
        seconds: that it took, with what it was the first to ask for.
    """

    check: Check
    result: CheckResult
    findings: tuple[Finding, ...]
    seconds: float


def examine(evidence: Evidence, names: Sequence[str] = ()) -> tuple[Examined, ...]:
    """Run the checks ``names`` (none: all) in the order of registration.

    Raises:
        UnknownName: there is no check of such a name.
        DataError, SourceNotFound: a picture changed or went since the scan.
    """
    wanted = {get_check(name).name for name in names} or {check.name for check in all_checks()}
    chosen = [check for check in all_checks() if check.name in wanted]
    examined = []
    for check in chosen:
        begin = time.perf_counter()
        with evidence.progress.task(_("Checking: {check}").format(check=_(check.title)), 1, unit=_("steps")) as task:
            result = check.find(evidence)
            task.advance()
        seconds = time.perf_counter() - begin
        findings = findings_of(evidence.manifest, check, result)
        examined.append(Examined(check=check, result=result, findings=findings, seconds=seconds))
    return tuple(examined)


def findings_of(manifest: Manifest, check: Check, result: CheckResult) -> tuple[Finding, ...]:
    """Return a finding for each flagged picture, the lowest score first, then by path."""
    return _findings(manifest, check, result, np.flatnonzero(result.flags))


def all_findings(manifest: Manifest, check: Check, result: CheckResult) -> tuple[Finding, ...]:
    """Return what the check says about every picture, in the same order; no reason where nothing is flagged."""
    return _findings(manifest, check, result, np.arange(len(result.scores)))


def _findings(manifest: Manifest, check: Check, result: CheckResult, rows: NDArray[np.int64]) -> tuple[Finding, ...]:
    paths, labels = manifest.table["path"].to_numpy(dtype=object), manifest.table["label"].to_numpy(dtype=object)
    found = []
    for row in sorted(rows.tolist(), key=lambda row: (float(result.scores[row]), str(paths[row]))):
        values = dict(result.values.get(row, {}))
        flagged = bool(result.flags[row])
        other = int(result.others[row])
        found.append(
            Finding(
                path=str(paths[row]),
                check=check.name,
                score=float(result.scores[row]),
                flag=flagged,
                other=str(paths[other]) if other >= 0 else "",
                reason=check.reason(values) if flagged else "",
                action=result.actions[row] if result.actions else check.action,
                label=str(labels[row]),
                suggested=result.suggested[row] if result.suggested else "",
                values=values,
            )
        )
    return tuple(found)


def quarantine_findings(quarantined: Sequence[Quarantined]) -> tuple[Finding, ...]:
    """Return what the scan put into quarantine as findings of the name ``unreadable``: nothing that fails is unsaid."""
    return tuple(Finding(row.path, "unreadable", 0.0, True, "", row.reason, action="remove") for row in quarantined)
