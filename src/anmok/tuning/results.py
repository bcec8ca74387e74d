"""What a search found, as values: what ``tune.json`` keeps and the page draws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

#: Went to its end; stopped early, because others did better by then; or its settings could not be trained.
TrialState = Literal["complete", "pruned", "broken"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialResult:
    """One training of the search.

    Attributes:
        number: from 1, in the order of trying.
        settings: what was varied.
        loss: of the validation pictures, nats; of a trial that was stopped its last one; NaN where there is none.
        accuracy: of the validation pictures, 0-1, or NaN.
        losses: validation loss by epoch; empty for heads that know no epochs.
        seconds: of training, without the making of vectors.
        reason: of a broken one.
    """

    number: int
    settings: Mapping[str, Any]
    state: TrialState
    loss: float
    accuracy: float
    losses: tuple[float, ...] = ()
    seconds: float = 0.0
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Varied:
    """One setting that the search varies: a range, or choices.

    Attributes:
        setting: of the recipe. usual: the recipe's own value.
        low, high, log: of a range; choices: else.
        importance: share of the differences in loss that go with this setting, 0-1; NaN where nothing can be said.
    """

    setting: str
    usual: Any
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    choices: tuple[Any, ...] = ()
    importance: float = float("nan")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """A search: all that its page draws.

    Attributes:
        recipe: name of the recipe that was varied. source: name of the pictures.
        pictures: by split.
        best: number of the best complete trial; 0 where there is none.
        asked: how many trials were asked for.
        command: makes the same again; measure: measures the best one on test pictures.
        seconds: of all trials together.
    """

    recipe: str
    source: str
    pictures: Mapping[str, int]
    varied: tuple[Varied, ...]
    trials: tuple[TrialResult, ...]
    best: int
    asked: int
    command: str
    measure: str
    created: str
    seconds: float
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def winner(self) -> TrialResult | None:
        """The best trial."""
        return next((trial for trial in self.trials if trial.number == self.best), None)
