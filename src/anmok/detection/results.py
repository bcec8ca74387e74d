"""What a training of a detector found: what the report draws and ``detect.json`` holds. Light."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from anmok.detection.boxset import Problem
from anmok.detection.measures import FIGURES, Figures
from anmok.detection.mistakes import Mistaken
from anmok.detection.statistics import Statistics


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectResult:
    """A trained, exported and measured detector.

    Attributes:
        source: what people call the data set. command: that makes all this again. created: ISO 8601.
        test: figures on the held-out pictures, by the bundle.
        threshold: of the score, picked on ``valid_pictures`` validation pictures.
        history: a row for each epoch. best_epoch: from 1.
        mistakes: pictures of the test with misses and false alarms.
        seconds: by stage.
        score_difference: the largest difference of a score between the bundle and the trained network.
    """

    source: str
    command: str
    created: str
    backbone: str
    side: int
    test: Figures
    threshold: float
    train_pictures: int
    valid_pictures: int
    history: tuple[Mapping[str, float], ...]
    best_epoch: int
    mistakes: tuple[Mistaken, ...]
    statistics: Statistics
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]
    seconds: Mapping[str, float]
    score_difference: float

    def to_json(self) -> dict[str, Any]:
        """Return all of it as plain values."""
        return asdict(self)

    def metrics(self) -> dict[str, Any]:
        """Return the fixed form of ``metrics.json``."""
        return {name: self.test.figures[name].to_json() for name in FIGURES}
