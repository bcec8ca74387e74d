"""What a run of the checks left: the values of ``clean.json``, from which the review page is drawn in any language."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anmok.clean.decisions import Decision
from anmok.clean.examine import Examined
from anmok.clean.registry import all_checks
from anmok.records import Action

#: Bars of a histogram.
BARS = 48


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """How a measure is spread over the pictures.

    Attributes:
        measure: its name: ``certainty`` (0-1), or a column of the manifest.
        low, high: where the first bar begins and the last one ends, in the unit of the measure.
        counts: pictures in each bar; all bars are of the same width.
        flagged: of those the flagged ones.
        threshold: what was learnt from this set; NaN where there is none.
    """

    measure: str
    low: float
    high: float
    counts: tuple[int, ...]
    flagged: tuple[int, ...]
    threshold: float = math.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckOutcome:
    """What one check said about the whole set.

    Attributes:
        check: its registered name.
        flagged: pictures that it flagged.
        seconds: that it took.
        thresholds, about: as in ``CheckResult``.
        histograms: of its certainty, and of what its thresholds are about.
    """

    check: str
    flagged: int
    seconds: float
    thresholds: Mapping[str, float] = field(default_factory=dict)
    about: Mapping[str, Any] = field(default_factory=dict)
    histograms: tuple[Histogram, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a run of the checks left.

    Attributes:
        source: name of the pictures. location: where they lie, as ``names.escape_path`` spells it.
        folder: where the files of the run lie, escaped likewise; ``""`` if none were written.
        content_hash: of the manifest.
        pictures: how many were looked at. classes: their classes.
        checks: in the order in which they ran.
        decisions: all rows of ``findings.csv``.
        config: settings of the checks. seconds: of the whole run. created: when, ISO 8601.
    """

    source: str
    location: str
    folder: str
    content_hash: str
    pictures: int
    classes: tuple[str, ...]
    checks: tuple[CheckOutcome, ...]
    decisions: tuple[Decision, ...]
    config: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    created: str = ""


def outcome_of(done: Examined, columns: Mapping[str, NDArray[np.float64]]) -> CheckOutcome:
    """Return what is kept of one check.

    Args:
        columns: the manifest's columns of numbers, ``(N,)`` each, by name. A threshold whose name is such a column's,
            alone or before a dash (``"brightness-low"``), is drawn over it.
    """
    flags = done.result.flags
    drawn = [spread("certainty", 1 - done.result.scores, flags)]
    for name, threshold in done.result.thresholds.items():
        column = name.split("-")[0]
        if column in columns:
            drawn.append(spread(column, columns[column], flags, threshold=float(threshold)))
    return CheckOutcome(
        check=done.check.name,
        flagged=len(done.findings),
        seconds=done.seconds,
        thresholds=dict(done.result.thresholds),
        about=dict(done.result.about),
        histograms=tuple(histogram for histogram in drawn if histogram is not None),
    )


def spread(
    measure: str, values: NDArray[np.float64], flags: NDArray[np.bool_], *, threshold: float = math.nan
) -> Histogram | None:
    """Return the histogram of ``(N,)`` values, the one of certainties from 0 to 1; None where all are alike."""
    if not len(values):
        return None
    low, high = (0.0, 1.0) if measure == "certainty" else (float(values.min()), float(values.max()))
    if math.isfinite(threshold):
        low, high = min(low, threshold), max(high, threshold)
    if not low < high:
        return None
    counts, flagged = (np.histogram(part, BARS, (low, high))[0].tolist() for part in (values, values[flags]))
    return Histogram(
        measure=measure, low=low, high=high, counts=tuple(counts), flagged=tuple(flagged), threshold=threshold
    )


def retell(outcome: Outcome) -> Outcome:
    """Return the same with the sentences in the language of the moment, where it is known what they are made from."""
    checks = {check.name: check for check in all_checks()}
    rows = []
    for row in outcome.decisions:
        check = checks.get(row.finding.check)
        if check is None or not row.found:  # of the scan, or of an earlier run: only the sentence is known
            rows.append(row)
            continue
        rows.append(replace(row, finding=replace(row.finding, reason=check.reason(row.finding.values))))
    return replace(outcome, decisions=tuple(rows))


def usual_action(name: str) -> Action:
    """Return what a check, or the scan's quarantine, proposes."""
    actions: dict[str, Action] = {check.name: check.action for check in all_checks()}
    return actions.get(name, "remove")
