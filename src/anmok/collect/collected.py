"""What a collection has, as a value; light, for the process that crawls loads no tables."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: Names of the files that are written into a collection.
MANIFEST, CREDITS_CSV, CREDITS_MD, FAULTS = "manifest.parquet", "ATTRIBUTION.csv", "ATTRIBUTION.md", "refused.csv"
#: And the page, which the command line lets the report room draw.
OVERVIEW = "overview.html"


@dataclass(frozen=True, kw_only=True)
class Collected:
    """What a collection has.

    Attributes:
        folder: it stands in. manifest: of the kept pictures; None where there is none yet.
        kept: pictures by class; wanted: of each class. refused: by code.
        waiting: lists that go on later or were stopped: class, source, query, reason.
        counts: of a dry run: class, source, query, total (None: not said), first (on the first page), fit, reason.
    """

    folder: Path
    kept: dict[str, int]
    wanted: int
    manifest: Path | None = None
    refused: dict[str, int] | None = None
    waiting: tuple[dict[str, str], ...] = ()
    counts: tuple[dict[str, Any], ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether every class has what was wanted."""
        return all(count >= self.wanted for count in self.kept.values())
