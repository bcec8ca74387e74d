"""Search for better settings of a recipe: many short trainings, judged by validation pictures alone."""

from __future__ import annotations

import datetime
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from anmok.config import CompareConfig, Recipe, TuneConfig, from_mapping, to_json
from anmok.data.manifest import Manifest
from anmok.environment import describe_environment
from anmok.errors import StorageError, UsageError
from anmok.i18n import _, current_language, ngettext
from anmok.pipeline.clock import Clock
from anmok.pipeline.compare import claimed_folder, divided_pictures
from anmok.pipeline.trial_watch import OutOfTime, TrialProgress, TrialWatcher
from anmok.pipeline.tune_result import TuneFolder, conclude_search
from anmok.progress import Progress, SilentProgress
from anmok.records import SPLITS, TRAIN, VALID
from anmok.training.run import Run, find_run
from anmok.training.schedule import epochs_for
from anmok.training.train import train
from anmok.tuning.results import Tuning
from anmok.tuning.study import Space, Study

if TYPE_CHECKING:
    import optuna

#: Added to the recipe's name: tables must not mix the two up.
TUNED_SUFFIX = "-tuned"


def tune(
    source: str | Path,
    out: Path,
    recipe: Recipe,
    space: Space,
    config: TuneConfig | None = None,
    *,
    progress: Progress | None = None,
    command: str = "",
) -> Tuning:
    """Try settings of a recipe, and keep those with which validation pictures are recognised best.

    Leaves in ``out``: ``best.toml`` (a recipe file), ``tune.html``, ``tune.json``, ``tune.journal`` (Optuna's),
    ``manifest.parquet`` and the best trial's run in ``runs/``. The same call again goes on where the last one stopped.
    Test pictures decide nothing and are not measured: the best of many trials looks better on the pictures that
    chose it than it is, so a figure to trust needs pictures that chose nothing, asked once.

    Args:
        source: as for ``compare``.
        recipe: where the search begins; its own settings are the first trial.
        space: what may vary, by setting.
        command: the command line that does the same again.

    Raises:
        UsageError: nothing may vary, or the recipe itself cannot be trained.
        MissingExtra: Optuna, or what the recipe needs, is not installed.
        DataError: the pictures do not allow it.
        KeyboardInterrupt: after what was found so far was written.
    """
    config, progress = config or TuneConfig(), progress or SilentProgress()
    if not space:
        raise UsageError(
            _("The recipe {name} does not say what a search may vary.").format(name=recipe.name),
            hint=_(
                "Say it: --vary 'learning_rate = {{ low = 1e-4, high = 1e-2, log = true }}', or in the recipe file, "
                "below [search]."
            ).format(),
        )
    with claimed_folder(out, command):
        return _tuned(source, out, recipe, space, config, progress=progress, command=command)


def _tuned(
    source: str | Path,
    out: Path,
    recipe: Recipe,
    space: Space,
    config: TuneConfig,
    *,
    progress: Progress,
    command: str,
) -> Tuning:
    """Search in a folder that is held."""
    manifest = _pictures(source, out, recipe, config, progress)
    epochs = 0 if recipe.head == "logistic" else recipe.epochs or epochs_for(_count(manifest, TRAIN))
    study = Study(out / TuneFolder.JOURNAL, recipe, space, manifest.content_hash, epochs=epochs, seed=config.seed)
    search = _Search(recipe, manifest, out, config, study)
    folder = TuneFolder(out)

    def written() -> Tuning:
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        found = conclude_search(study, recipe, source=manifest.name, asked=config.trials)
        found = replace(
            found,
            pictures={split: _count(manifest, split) for split in SPLITS},
            command=command,
            measure=folder.measure_command(str(source), config),
            created=now,
            environment=describe_environment(),
        )
        folder.write(found, search.recipe_with, language=current_language())
        return found

    from optuna.exceptions import UpdateFinishedTrialError

    try:
        search.run(progress)
    except UpdateFinishedTrialError as error:
        raise StorageError(
            _(
                "Another search works in the folder {path} at the same time, and has taken over a trial of this one."
            ).format(path=out),
            hint=_("Let that one end; or name another folder with --out."),
        ) from error
    except KeyboardInterrupt:
        if study.counted():
            written()
        raise
    return written()


def _pictures(source: str | Path, out: Path, recipe: Recipe, config: TuneConfig, progress: Progress) -> Manifest:
    as_compared = CompareConfig(
        models=(recipe.name,),
        split=config.split,
        limits=config.limits,
        leaks=config.leaks,
        drop_small_classes=config.drop_small_classes,
        look_over=False,
        threads=config.threads,
    )
    manifest, _evidence = divided_pictures(source, out, [recipe], as_compared, clock=Clock(), progress=progress)
    return manifest


def _count(manifest: Manifest, split: str) -> int:
    return int((manifest.table["split"] == split).sum())


@dataclass
class _Search:
    """The trials of one call."""

    recipe: Recipe
    manifest: Manifest
    out: Path
    config: TuneConfig
    study: Study

    def run(self, progress: Progress) -> None:
        """Try settings until there are enough trials, or the time is over."""
        deadline = time.monotonic() + 60 * self.config.minutes if self.config.minutes else math.inf
        done = len(self.study.counted())
        if done >= self.config.trials:
            told = ngettext(
                "{count} trial was made before, as many as are asked for; --trials asks for more.",
                "{count} trials were made before, as many as are asked for; --trials asks for more.",
                done,
            )
            progress.say(told.format(count=done))
        elif done:
            told = ngettext(
                "{count} trial was made before; the search goes on.",
                "{count} trials were made before; the search goes on.",
                done,
            )
            progress.say(told.format(count=done))
        title = _("{name}: search").format(name=self.recipe.name)
        with progress.task(title, self.config.trials, unit=_("trials")) as task:
            task.advance(min(done, self.config.trials))
            while len(self.study.counted()) < self.config.trials and self._in_time(deadline):
                try:
                    self._try_next(TrialProgress(task, progress), deadline)
                except OutOfTime:
                    return
                task.advance()

    def _in_time(self, deadline: float) -> bool:
        return time.monotonic() < deadline or not self._complete()

    def _complete(self) -> list[optuna.trial.FrozenTrial]:
        return [trial for trial in self.study.counted() if trial.state.name == "COMPLETE"]

    def recipe_with(self, settings: Mapping[str, Any]) -> Recipe:
        """Return the recipe with the settings of a trial."""
        values = {**to_json(self.recipe), **settings, "name": self.recipe.name + TUNED_SUFFIX}
        return from_mapping(Recipe, values, where=_("A trial of {name}").format(name=self.recipe.name))

    def _try_next(self, progress: TrialProgress, deadline: float) -> None:
        from optuna import TrialPruned
        from optuna.trial import TrialState

        trial, settings = self.study.ask()
        twin = self.study.twin_of(trial)
        if twin is not None and twin.value is not None:
            for key, value in twin.user_attrs.items():
                trial.set_user_attr(key, value)
            self.study.study.tell(trial, twin.value)
            return
        progress.name = _("trial {number}").format(number=len(self.study.counted()) + 1)
        watcher = TrialWatcher(trial, deadline if self._complete() else math.inf)
        runs = self.out / "runs"
        made: Run | None = None
        try:
            recipe = self.recipe_with(settings)
            made, _begun = find_run(runs, recipe, self.manifest.content_hash)
            train(
                recipe,
                self.manifest,
                runs,
                threads=self.config.threads,
                progress=progress,
                observers=(watcher,),
            )
        except TrialPruned:
            self.study.study.tell(trial, state=TrialState.PRUNED)
        except UsageError as error:
            if not self._complete():
                raise  # the recipe itself does not work; no other settings will mend that unseen
            trial.set_user_attr("broken", error.message)
            self.study.study.tell(trial, state=TrialState.PRUNED)
        else:
            loss, accuracy = validation_figures(made)
            trial.set_user_attr("accuracy", accuracy)
            trial.set_user_attr("seconds", made.seconds.get("training", 0.0))
            trial.set_user_attr("run", made.id)
            self.study.study.tell(trial, loss)
        if made is not None:
            self._keep_best(made)

    def _keep_best(self, last: Run) -> None:
        """Remove the runs of trials that are over and not the best: many models take much space.

        One that somebody measured since stays: a report tells of it.
        """
        complete = self._complete()
        best = min(complete, key=lambda trial: trial.value or math.inf).user_attrs.get("run", "") if complete else ""
        made = {last.id, *(str(trial.user_attrs.get("run", "")) for trial in complete)}
        for name in made - {best, ""}:  # without a name it would be the folder of all runs
            run = Run(last.folder.parent / name)
            if not run.metrics_path.exists():
                run.clear()


def validation_figures(run: Run) -> tuple[float, float]:
    """Return the mean cross-entropy (nats) and the accuracy of a finished run on its validation pictures.

    Of a head on vectors the answers are out-of-fold: it has learned from validation pictures, too.
    """
    valid = run.predictions().of_split(VALID)
    own = valid.probabilities[np.arange(len(valid.labels)), valid.labels].astype(np.float64)
    accuracy = float((valid.probabilities.argmax(axis=1) == valid.labels).mean())
    return float(-np.log(np.maximum(own, 1e-12)).mean()), accuracy
