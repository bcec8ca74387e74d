"""Where models are made: each recipe trained, exported and measured, one after another, from the same pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from anmok.bundle.export import export_run
from anmok.clean.evidence import Evidence
from anmok.config import CompareConfig, Recipe
from anmok.data.manifest import Manifest
from anmok.errors import AnmokError, MissingExtra, UsageError, WeightsMissing
from anmok.evaluation.results import LeftOut, ModelResult
from anmok.i18n import _
from anmok.pipeline.clock import Clock
from anmok.pipeline.measure import measure_run
from anmok.progress import Progress
from anmok.training.observer import Observer
from anmok.training.run import Run, find_run
from anmok.training.train import train


@dataclass(frozen=True, kw_only=True)
class Bench:
    """Makes models from the pictures of one manifest, below one folder.

    Attributes:
        out: runs lie in ``out/runs``.
        evidence: what the checks looked at; None where no checks were made in this call.
        observers: told of every epoch of every training.
        start: a finished run, whose last epoch the training begins after.
        precheck: look first whether a network can learn at all.
        keep_state: so that finished trainings can go on for more epochs.
    """

    manifest: Manifest
    out: Path
    config: CompareConfig
    clock: Clock
    progress: Progress
    evidence: Evidence | None = None
    observers: tuple[Observer, ...] = ()
    start: Run | None = None
    precheck: bool = False
    keep_state: bool = False

    def make_all(self, recipes: Sequence[Recipe]) -> tuple[tuple[ModelResult, ...], tuple[LeftOut, ...]]:
        """Make each recipe's model; what cannot be had is left out, and the others go on.

        Raises:
            AnmokError: no model at all could be made; the error of the first one.
        """
        results: list[ModelResult] = []
        left_out: list[LeftOut] = []
        errors: list[AnmokError] = []
        for recipe in recipes:
            try:
                results.append(self.make(recipe))
            except (WeightsMissing, MissingExtra) as error:
                errors.append(error)
                left_out.append(LeftOut(recipe.name, error.message, error.hint))
                if len(recipes) > 1:
                    self.progress.say(_("{name} is left out: {reason}").format(name=recipe.name, reason=error.message))
        if not results:
            raise errors[0]
        return tuple(results), tuple(left_out)

    def make(self, recipe: Recipe) -> ModelResult:
        """Train, export and measure one model."""
        run, took = self._exported(recipe)
        seed, threads = self.config.split.seed, self.config.threads
        with self.clock.stage("evaluation"):
            return measure_run(
                run, self.manifest, self.out, export_seconds=took, seed=seed, threads=threads, progress=self.progress
            )

    def _exported(self, recipe: Recipe) -> tuple[Run, float]:
        """Train and export; return the run and the seconds of the export."""
        threads, progress = self.config.threads, self.progress
        continues = self.start.id if self.start else ""
        run, _begun = find_run(self.out / "runs", recipe, self.manifest.content_hash, continues)
        was_finished = run.is_finished
        if was_finished:
            progress.say(
                _("{name} was trained before on these pictures; that run is used again.").format(name=recipe.name)
            )
        with self.clock.stage("training"):
            run = train(
                recipe,
                self.manifest,
                self.out / "runs",
                threads=threads,
                progress=progress,
                observers=self.observers,
                precheck=self.precheck,
                start=self.start,
                keep_state=self.keep_state,
            )
        if not was_finished:
            # Making vectors is told apart from learning: it is the part that the cache makes short.
            self.clock.move("training", "features", run.seconds.get("features", 0.0) - run.seconds_spared)
            self._count_vectors(run)
        before = self.clock.seconds["export"]
        with self.clock.stage("export"):
            export_run(run, self.manifest, threads=threads, progress=progress)
        return run, self.clock.seconds["export"] - before

    def _count_vectors(self, run: Run) -> None:
        """Count the seconds for vectors that the checks asked for first as the model's stage: it needs them too."""
        if self.evidence is None:
            return
        seconds = self.evidence.seconds_for_vectors
        if seconds and self.evidence.extractor.sha256 == run.config.get("extractor", {}).get("sha256"):
            self.clock.move("checks", "features", seconds)


def require_names(recipes: Sequence[Recipe]) -> None:
    """Refuse no recipes, or two of one name: tables and folders are named after them.

    Raises:
        UsageError: as said.
    """
    if not recipes:
        raise UsageError(_("No model was named."), hint=_("For example: --models handcrafted,mobilenetv2."))
    twice = {recipe.name for recipe in recipes if sum(other.name == recipe.name for other in recipes) > 1}
    if twice:
        raise UsageError(
            _("Two recipes have the name {name}.").format(name=repr(min(twice))),
            hint=_("Give each recipe a name of its own: tables and folders are named after it."),
        )
