"""The checks of ``anmok clean`` as the first part of a comparison: what is wrong with the pictures, in short."""

from __future__ import annotations

from dataclasses import replace

from anmok.clean.evidence import PREFERRED, Evidence
from anmok.clean.examine import examine
from anmok.clean.registry import get_check
from anmok.evaluation.results import CheckSummary
from anmok.i18n import _

#: Findings of one check that are kept for the report; `anmok clean` lists all.
MOST_SHOWN = 24


def look_over(evidence: Evidence) -> tuple[CheckSummary, ...]:
    """Run every check over the pictures."""
    evidence.progress.say(_("Looking the pictures over before anything is trained."))
    return tuple(
        CheckSummary(
            check=done.check.name,
            flagged=len(done.findings),
            shown=done.findings[:MOST_SHOWN],
            thresholds=done.result.thresholds,
        )
        for done in examine(evidence)
    )


def choose_vectors(models: tuple[str, ...]) -> str:
    """Return ``CleanConfig.vectors`` for a comparison of these models: what is compared anyway costs nothing more.

    ``auto`` falls back where weights are missing, so that their model is left out and the others go on.
    """
    return "auto" if PREFERRED[0] in models else PREFERRED[-1]


def retell_checks(checks: tuple[CheckSummary, ...]) -> tuple[CheckSummary, ...]:
    """Return the same findings with their reasons in the language of the moment."""
    return tuple(
        replace(
            done,
            shown=tuple(
                replace(finding, reason=get_check(done.check).reason(finding.values)) for finding in done.shown
            ),
        )
        for done in checks
    )
