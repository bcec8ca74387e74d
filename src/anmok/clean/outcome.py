"""What a run of the checks left: the values of ``clean.json``, from which the review page is drawn in any language."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from anmok.clean.decisions import Decision
from anmok.clean.examine import Examined
from anmok.clean.quality import PARTS
from anmok.clean.registry import all_checks
from anmok.records import Action

#: Measures whose steps are ratios: twice as sharp, twice as large. All are 0 and more.
OCTAVES = frozenset({"sharpness", "size", "elongation", "width", "height", "bytes"})
#: Bars of a histogram.
BARS = 48


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """How a measure is spread over the pictures.

    Attributes:
        measure: its name: ``certainty`` (0-1), or one of ``measures_of``.
        low, high: where the first bar begins and the last one ends, in the unit of the measure.
        counts: pictures in each bar. All bars are of the same width, or, with ``octaves``, of the same share of
            ``log2(1 + value)``.
        flagged: of those the flagged ones.
        thresholds: what was learnt from this set, in the unit of the measure.
    """

    measure: str
    low: float
    high: float
    counts: tuple[int, ...]
    flagged: tuple[int, ...]
    thresholds: tuple[float, ...] = ()
    octaves: bool = False


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


def outcome_of(done: Examined, measures: Mapping[str, NDArray[np.float64]]) -> CheckOutcome:
    """Return what is kept of one check.

    Args:
        measures: of all pictures, see ``measures_of``. A threshold that is named like one of them, perhaps with
            ``_low`` or ``_high`` at its end, is drawn over it.
    """
    flags = done.result.flags
    learnt: dict[str, list[float]] = {}
    for name, threshold in done.result.thresholds.items():
        measure = name.removesuffix("_low").removesuffix("_high")
        if measure in measures and math.isfinite(threshold):
            learnt.setdefault(measure, []).append(float(threshold))
    drawn = [spread("certainty", 1 - done.result.scores, flags)]
    drawn += [spread(name, measures[name], flags, thresholds=tuple(at)) for name, at in learnt.items()]
    return CheckOutcome(
        check=done.check.name,
        flagged=len(done.findings),
        seconds=done.seconds,
        thresholds=dict(done.result.thresholds),
        about=dict(done.result.about),
        histograms=tuple(histogram for histogram in drawn if histogram is not None),
    )


def measures_of(table: pd.DataFrame) -> dict[str, NDArray[np.float64]]:
    """Return float64 ``(N,)`` by name: the manifest's columns of numbers, and what checks make from them."""
    made = {name: table[name].to_numpy(np.float64) for name in table.columns if table[name].dtype.kind in "if"}
    sides = np.log2(made["width"]), np.log2(made["height"])
    return {
        **made,
        # As the sentences say them: nothing is brighter than 255.
        "bright_parts": np.clip(made["brightness"] + PARTS * made["contrast"], 0, 255),
        "dark_parts": np.clip(made["brightness"] - PARTS * made["contrast"], 0, 255),
        "size": 2 ** ((sides[0] + sides[1]) / 2),
        "elongation": 2 ** np.abs(sides[0] - sides[1]),
    }


def spread(
    measure: str, values: NDArray[np.float64], flags: NDArray[np.bool_], *, thresholds: tuple[float, ...] = ()
) -> Histogram | None:
    """Return the histogram of ``(N,)`` values, the one of certainties from 0 to 1; None where all are alike."""
    if not len(values):
        return None
    low, high = (0.0, 1.0) if measure == "certainty" else (float(values.min()), float(values.max()))
    low, high = min(low, *thresholds, low), max(high, *thresholds, high)
    if not low < high:
        return None
    octaves = measure in OCTAVES
    ends = (np.log2(1 + low), np.log2(1 + high)) if octaves else (low, high)
    placed = np.log2(1 + values) if octaves else values
    counts, flagged = (np.histogram(part, BARS, ends)[0].tolist() for part in (placed, placed[flags]))
    return Histogram(
        measure=measure,
        low=low,
        high=high,
        counts=tuple(counts),
        flagged=tuple(flagged),
        thresholds=thresholds,
        octaves=octaves,
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
