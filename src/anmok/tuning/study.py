"""Which settings are tried next, and which trainings are stopped early: Optuna, so that a killed search goes on.

Settings are proposed by the tree-structured Parzen estimator (Bergstra et al., Algorithms for hyper-parameter
optimization, 2011), trainings stopped by asynchronous successive halving (Li et al., A system for massively parallel
hyperparameter tuning, 2020). Each trial has a sampler of its own, seeded by its number: what it proposes depends on the
seed and the trials before it alone, not on how often the search was interrupted.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import math
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anmok.config import Recipe, SearchRange, to_json
from anmok.errors import MissingExtra, StorageError
from anmok.i18n import _
from anmok.storage import explained

if TYPE_CHECKING:
    import optuna

#: What a search may vary, by setting.
Space = Mapping[str, SearchRange | tuple[Any, ...]]

#: What a run's folder may be called: it is deleted when the trial was not the best, so it must be one of ours.
PLAIN_NAME = re.compile(r"\w[\w.-]*")
#: At each look, the better third of the trainings goes on.
HALVING = 3
#: Trials of chance before the estimator proposes.
BY_CHANCE = 8


class Study:
    """The trials of one search, in a journal on disk.

    Args:
        journal: the file; made if it is missing. Searches of other recipes, ranges or pictures may lie in it too.
        recipe: what is varied.
        data_hash: of the manifest.
        epochs: of a whole training, 0 where there are none: trainings are looked at after a ninth and a third of them.

    Raises:
        MissingExtra: Optuna is not installed.
        StorageError: the journal cannot be read or written.
    """

    def __init__(self, journal: Path, recipe: Recipe, space: Space, data_hash: str, *, epochs: int, seed: int) -> None:
        if importlib.util.find_spec("optuna") is None:
            raise MissingExtra(
                _("A search needs the package optuna, and it is not installed."),
                hint=_("Install it with: pip install 'anmok[tune]'"),
            )
        import optuna
        from optuna.storages import JournalStorage
        from optuna.storages.journal import JournalFileBackend

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.space, self._seed = space, seed
        key = json.dumps([to_json(recipe), _plain(space), data_hash, seed], sort_keys=True)
        with explained(journal):
            journal.parent.mkdir(parents=True, exist_ok=True)
            _mend(journal)
            try:
                self.study = optuna.create_study(
                    storage=JournalStorage(JournalFileBackend(str(journal))),
                    study_name=f"{recipe.name}-{hashlib.sha256(key.encode()).hexdigest()[:10]}",
                    pruner=optuna.pruners.SuccessiveHalvingPruner(
                        min_resource=max(1, math.ceil(epochs / HALVING**2)), reduction_factor=HALVING
                    ),
                    direction="minimize",
                    load_if_exists=True,
                )
                for trial in self.study.get_trials(deepcopy=False):  # a stranger's may have two values, or none
                    if trial.state.name == "COMPLETE" and not (
                        isinstance(trial.value, float | int)
                        and PLAIN_NAME.fullmatch(str(trial.user_attrs.get("run", "none")))
                    ):
                        raise ValueError(f"trial {trial.number}")
            except (AssertionError, AttributeError, KeyError, RuntimeError, TypeError, ValueError) as error:
                raise StorageError(
                    _("{path} is damaged: {reason}.").format(path=journal, reason=error),
                    hint=_("Delete it to search anew; trained models in runs/ are found again."),
                ) from error
        self._recover()
        if not self.study.get_trials(deepcopy=False):
            self._begin_with(recipe)

    def _recover(self) -> None:
        """Mark what was under way when the search was stopped, and put the same settings first in the queue."""
        import optuna

        for trial in self.study.get_trials(states=(optuna.trial.TrialState.RUNNING,)):
            self.study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
            self.study.enqueue_trial(trial.params, user_attrs={"again": trial.number})

    def _begin_with(self, recipe: Recipe) -> None:
        """Let the recipe's own settings be tried first, as far as the search may choose them."""
        usual = {name: getattr(recipe, name) for name in self.space}
        self.study.enqueue_trial({k: _stored(v, self.space[k]) for k, v in usual.items() if _within(v, self.space[k])})

    def counted(self) -> list[optuna.trial.FrozenTrial]:
        """Return the trials that came to an end, in order; those that were interrupted count where they went on."""
        import optuna

        ended = (optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED)
        return self.study.get_trials(deepcopy=False, states=ended)

    def ask(self) -> tuple[optuna.trial.Trial, dict[str, Any]]:
        """Return the next trial and its settings."""
        import optuna

        seed = int.from_bytes(hashlib.sha256(f"{self._seed} {len(self.counted())}".encode()).digest()[:4], "big")
        with warnings.catch_warnings():
            # Optuna marks parts that we need as experimental.
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            self.study.sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=BY_CHANCE, constant_liar=False)
        trial = self.study.ask()
        return trial, {name: _suggest(trial, name, what) for name, what in self.space.items()}

    def settings_of(self, trial: optuna.trial.FrozenTrial) -> dict[str, Any]:
        """Return the settings of a trial that came to an end."""
        return {name: _value(trial.params[name], self.space[name]) for name in self.space if name in trial.params}

    def twin_of(self, trial: optuna.trial.Trial) -> optuna.trial.FrozenTrial | None:
        """Return a complete trial with the same settings, whose result needs no second training."""
        same = (done for done in self.counted() if done.params == trial.params and done.state.name == "COMPLETE")
        return next(same, None)

    def importance(self) -> dict[str, float]:
        """Return for each setting the share of differences in loss that go with it (fANOVA); empty if too few trials.

        Source: Hutter, Hoos, Leyton-Brown: An efficient approach for assessing hyperparameter importance, 2014.
        """
        import optuna

        if len([trial for trial in self.counted() if trial.state.name == "COMPLETE"]) < 2 * len(self.space) + 2:
            return {}
        evaluator = optuna.importance.FanovaImportanceEvaluator(seed=self._seed)
        try:
            return dict(optuna.importance.get_param_importances(self.study, evaluator=evaluator))
        except (RuntimeError, ValueError):  # all losses are the same, or a setting never varied
            return {}


def _mend(journal: Path) -> None:
    """Cut off a last line that a kill or a full disk left without its end: Optuna would write on behind it."""
    if not journal.exists():
        return
    whole = journal.read_bytes().rfind(b"\n") + 1
    with journal.open("r+b") as file:
        file.truncate(whole)


def _suggest(trial: optuna.trial.Trial, name: str, what: SearchRange | tuple[Any, ...]) -> Any:
    if isinstance(what, tuple):
        return _value(trial.suggest_categorical(name, [_stored(choice, what) for choice in what]), what)
    if isinstance(what.low, int) and isinstance(what.high, int):
        return trial.suggest_int(name, what.low, what.high, log=what.log)
    return trial.suggest_float(name, what.low, what.high, log=what.log)


def _stored(value: Any, what: SearchRange | tuple[Any, ...]) -> Any:
    # Choices may be lists, which Optuna does not store.
    return json.dumps(value) if isinstance(what, tuple) else value


def _value(stored: Any, what: SearchRange | tuple[Any, ...]) -> Any:
    if not isinstance(what, tuple):
        return stored
    return next(choice for choice in what if json.dumps(choice) == stored)


def _within(value: Any, what: SearchRange | tuple[Any, ...]) -> bool:
    return value in what if isinstance(what, tuple) else what.low <= value <= what.high


def _plain(space: Space) -> dict[str, Any]:
    return {name: list(what) if isinstance(what, tuple) else to_json(what) for name, what in space.items()}
