"""The faults that were planted in the built-in sample, and which of them the checks found."""

from __future__ import annotations

import csv
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from anmok.evaluation.results import Comparison
from anmok.storage import explained

TRUTH = "truth.csv"
#: What must name a picture so that its fault counts as found.
FOUND_BY = {
    "exact-duplicate": "exact-duplicate",
    "near-duplicate": "near-duplicate",
    "wrong-label": "label-error",
    "off-topic": "off-topic",
}


@dataclass(frozen=True, slots=True)
class Planted:
    """One kind of planted fault.

    Attributes:
        fault: as in ``truth.csv``. check: the check that should find it; ``""``: the scan itself.
        planted: how many there are. missed: paths of those that were not found.
        others: how many further pictures the same check flagged.
    """

    fault: str
    check: str
    planted: int
    missed: tuple[str, ...]
    others: int


def find_planted(folder: Path, comparison: Comparison) -> tuple[Planted, ...]:
    """Hold ``folder/truth.csv`` against what a comparison of ``folder`` found.

    Raises:
        StorageError: the file cannot be read.
    """
    with explained(folder / TRUTH), (folder / TRUTH).open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    named: dict[str, set[str]] = defaultdict(set)
    flagged: dict[str, set[str]] = defaultdict(set)
    for done in comparison.checks:
        for finding in done.shown:
            flagged[done.check].add(finding.path)
            # Of two copies, either one may be called the copy.
            named[done.check] |= {finding.path, finding.other}
    unreadable = {row.path for row in comparison.data.quarantined}
    planted = []
    for fault in dict.fromkeys(row["fault"] for row in rows):
        check = FOUND_BY.get(fault, "")
        paths = [row["path"] for row in rows if row["fault"] == fault]
        missed = tuple(path for path in paths if path not in (named[check] if check else unreadable))
        # The picture that a copy was made of is rightly named with it.
        right = set(paths) | {row["other"] for row in rows if row["fault"] == fault}
        others = (flagged[check] if check else unreadable) - right
        planted.append(Planted(fault, check, len(paths), missed, len(others)))
    return tuple(planted)
