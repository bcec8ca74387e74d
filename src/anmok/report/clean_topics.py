"""The kinds of pictures that the off-topic check found: montages, shares per class, the indices, what to mark."""

from __future__ import annotations

from dataclasses import dataclass

from anmok.clean.outcome import CheckOutcome
from anmok.report.pictures import Thumbnails


@dataclass(frozen=True, slots=True)
class Topics:
    """What the section about kinds of pictures shows."""


def topics(done: CheckOutcome, thumbnails: Thumbnails) -> Topics | None:
    """Return the kinds that a check tells of; None where it tells of none."""
    return None
