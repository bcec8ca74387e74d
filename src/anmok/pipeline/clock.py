"""Seconds of each stage of a comparison."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

STAGES = ("scan", "checks", "split", "features", "training", "export", "evaluation", "report")


@dataclass
class Clock:
    """Adds up what each stage takes; a stage may come several times, once for each model."""

    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 0.0))

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count the seconds of the ``with`` block as those of the stage ``name``."""
        begin = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] += time.perf_counter() - begin

    def move(self, source: str, target: str, seconds: float) -> None:
        """Count ``seconds`` that were booked on one stage as another's."""
        self.seconds[source] = max(0.0, self.seconds[source] - seconds)
        self.seconds[target] += seconds

    def total(self) -> dict[str, float]:
        """Return the seconds by stage, and their sum as ``total``."""
        return {**self.seconds, "total": sum(self.seconds.values())}
