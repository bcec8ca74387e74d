"""What a search leaves in its folder: the best recipe, the page, and the figures for programs."""

from __future__ import annotations

import math
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from anmok.config import Recipe, SearchRange, TuneConfig, policy_words
from anmok.config.recipe_text import recipe_text
from anmok.evaluation.stored import read_result, write_result
from anmok.i18n import _
from anmok.report.tuning import render_tuning
from anmok.storage import write_text
from anmok.tuning.results import TrialResult, TrialState, Tuning, Varied
from anmok.tuning.study import Study

if TYPE_CHECKING:
    import optuna

FORMAT_VERSION = 1


def conclude_search(study: Study, recipe: Recipe, *, source: str, asked: int) -> Tuning:
    """Return what the trials so far say; commands and surroundings are left empty.

    Args:
        source: name of the pictures. asked: how many trials were asked for.
    """
    trials = tuple(_trial(study, number, trial) for number, trial in enumerate(study.counted(), 1))
    complete = [trial for trial in trials if trial.state == "complete"]
    best = min(complete, key=lambda trial: trial.loss).number if complete else 0
    importance = study.importance()
    return Tuning(
        recipe=recipe.name,
        source=source,
        pictures={},
        varied=tuple(_varied(name, what, recipe, importance) for name, what in study.space.items()),
        trials=trials,
        best=best,
        asked=asked,
        command="",
        measure="",
        created="",
        seconds=sum(trial.seconds for trial in trials),
    )


def _trial(study: Study, number: int, trial: optuna.trial.FrozenTrial) -> TrialResult:
    reason = str(trial.user_attrs.get("broken", ""))
    state: TrialState = "complete" if trial.state.name == "COMPLETE" else "broken" if reason else "pruned"
    losses = tuple(trial.intermediate_values[step] for step in sorted(trial.intermediate_values))
    loss = trial.value if state == "complete" else losses[-1] if losses else None
    return TrialResult(
        number=number,
        settings=study.settings_of(trial),
        state=state,
        loss=math.nan if loss is None else loss,
        accuracy=float(trial.user_attrs.get("accuracy", math.nan)),
        losses=losses,
        seconds=float(trial.user_attrs.get("seconds", 0.0)),
        reason=reason,
    )


def _varied(name: str, what: SearchRange | tuple[Any, ...], recipe: Recipe, importance: Mapping[str, float]) -> Varied:
    usual, share = getattr(recipe, name), importance.get(name, math.nan)
    if isinstance(what, tuple):
        return Varied(setting=name, usual=usual, choices=what, importance=share)
    return Varied(setting=name, usual=usual, low=float(what.low), high=float(what.high), log=what.log, importance=share)


@dataclass(frozen=True)
class TuneFolder:
    """The folder of a search."""

    JOURNAL: ClassVar[str] = "tune.journal"
    RESULT: ClassVar[str] = "tune.json"
    PAGE: ClassVar[str] = "tune.html"
    BEST: ClassVar[str] = "best.toml"

    folder: Path

    @property
    def best(self) -> Path:
        """The best recipe."""
        return self.folder / self.BEST

    @property
    def page(self) -> Path:
        """The page."""
        return self.folder / self.PAGE

    def measure_command(self, source: str, config: TuneConfig) -> str:
        """Return the command that measures the best trial on test pictures; its model is at hand in the folder."""
        words = ["anmok", "train", source, "--recipe", str(self.best), "--out", str(self.folder)]
        words += ["--test", str(config.split.test), "--valid", str(config.split.valid)]
        words += ["--split-seed", str(config.split.seed)]
        words += policy_words(config.leaks, drop_small_classes=config.drop_small_classes)
        return shlex.join(words)

    def write(self, tuning: Tuning, recipe_with: Callable[[Mapping[str, Any]], Recipe], *, language: str) -> None:
        """Write the best recipe, the page, and last the figures.

        Args:
            recipe_with: makes the recipe of a trial from its settings.
        """
        winner = tuning.winner
        if winner is not None:
            remarks = (
                _("The best of {count} trials of {recipe} on {source}, by validation loss.").format(
                    count=len(tuning.trials), recipe=tuning.recipe, source=ascii(tuning.source)
                ),
                _("Validation: loss {loss:.4f}, {accuracy:.1%} right. Test pictures were not looked at.").format(
                    loss=winner.loss, accuracy=winner.accuracy
                ),
            )
            write_text(self.best, recipe_text(recipe_with(winner.settings), remarks=remarks))
        render_tuning(tuning, self.page, language=language)
        write_result(self.folder / self.RESULT, "tuning", tuning, version=FORMAT_VERSION)

    def redraw(self, out: Path | None, *, language: str) -> Path:
        """Draw the page again from the stored figures, into ``out`` or where it was; return the file written."""
        return render_tuning(self.read(), out or self.page, language=language)

    def read(self) -> Tuning:
        """Read the figures.

        Raises:
            StorageError: there are none, or they are damaged.
        """
        return read_result(Tuning, self.folder / self.RESULT, "tuning", version=FORMAT_VERSION)
