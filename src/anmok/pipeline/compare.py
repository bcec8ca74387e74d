"""The main job: pictures in; every model trained, exported, measured on the same held-out pictures; a report out."""

from __future__ import annotations

import datetime
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from anmok.bundle.export import export_run
from anmok.clean.evidence import Evidence
from anmok.clean.near_groups import grouped
from anmok.config import CleanConfig, CompareConfig, Recipe
from anmok.data.manifest import Manifest
from anmok.data.scan import scan
from anmok.data.split import assign_splits, check, find_leaks, require_valid
from anmok.environment import describe_environment
from anmok.errors import AnmokError, MissingExtra, UsageError, WeightsMissing
from anmok.evaluation.results import Comparison, LeftOut, ModelResult
from anmok.evaluation.summary import write_summary
from anmok.i18n import _, current_language
from anmok.models.recipes import get_recipe
from anmok.pipeline.checks import choose_vectors, look_over
from anmok.pipeline.clock import Clock
from anmok.pipeline.conclusion import conclude_aloud
from anmok.pipeline.folder import prepare_folder
from anmok.pipeline.measure import measure_run
from anmok.pipeline.summary import summarise_data
from anmok.progress import Progress, SilentProgress
from anmok.report.html import render_report
from anmok.storage import atomic_write, explained
from anmok.training.run import Run, find_run
from anmok.training.train import train

MANIFEST = "manifest.parquet"


def compare(
    source: str | Path,
    out: Path,
    config: CompareConfig | None = None,
    *,
    progress: Progress | None = None,
    command: str = "",
) -> Comparison:
    """Train the models of ``config`` on ``source`` and measure them on the same test pictures.

    Leaves in ``out``: ``report.html``, ``best.anmok``, ``summary.json``, ``comparison.json``, ``manifest.parquet``
    (with its quarantine file) and ``runs/``. What an earlier, perhaps interrupted, call left there for the same
    pictures and recipes is used and not computed again.

    Args:
        source: folder, zip, CSV, manifest, or the name of a built-in data set.
        command: the command line to print under "how to reproduce".

    Raises:
        DataError: the pictures do not allow a fair comparison (one class, leaks, ...).
        AnmokError: no model at all could be made; the error of the first one.
    """
    config = config or CompareConfig()
    progress = progress or SilentProgress()
    recipes = _recipes(config.models)
    clock = Clock()
    prepare_folder(out, is_ours=lambda folder: (folder / MANIFEST).exists() or (folder / "runs").is_dir())
    with clock.stage("scan"):
        scanned = scan(source, limits=config.limits, threads=config.threads, progress=progress)
    evidence = _evidence(scanned, recipes, config, progress)
    manifest = _divided(evidence, out, config, clock)
    with clock.stage("checks"):
        checks = look_over(evidence) if config.look_over else ()
    bench = _Bench(manifest, out, config, clock, progress, evidence)
    results, left_out = bench.make_all(recipes)
    data = summarise_data(manifest, seed=config.split.seed)
    leaks = len(find_leaks(manifest))
    best, reason, warnings = conclude_aloud(results, data, leaks=leaks)
    _keep_best(out, next(result for result in results if result.name == best))
    comparison = Comparison(
        data=data,
        models=results,
        left_out=left_out,
        best=best,
        reason=reason,
        warnings=warnings,
        seconds=clock.total(),
        environment=describe_environment(),
        command=command,
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        seed=config.split.seed,
        extra={"leaks": leaks, "source": str(source)},
        checks=checks,
    )
    with clock.stage("report"), manifest.open_source() as pictures:
        render_report(comparison, out / "report.html", read_picture=pictures.read, language=current_language())
    comparison = replace(comparison, seconds=clock.total())
    # The summary comes last: a script that waits for it finds everything else.
    write_summary(comparison, out)
    return comparison


def _divided(evidence: Evidence, out: Path, config: CompareConfig, clock: Clock) -> Manifest:
    """Keep near copies together, settle leaks, split, and save the manifest."""
    with clock.stage("checks"):
        # Near copies first: a split must not part them, and a given split that does is refused.
        whole = grouped(evidence)
    with clock.stage("split"):
        manifest = assign_splits(check(whole, config.leaks, config.drop_small_classes), config.split)
        require_valid(manifest)
        manifest.save(out / MANIFEST)
    return manifest


def _evidence(scanned: Manifest, recipes: list[Recipe], config: CompareConfig, progress: Progress) -> Evidence:
    vectors = choose_vectors(tuple(recipe.model for recipe in recipes))
    settings = CleanConfig(vectors=vectors, seed=config.split.seed)
    return Evidence(scanned, settings, limits=config.limits, threads=config.threads, progress=progress)


@dataclass(frozen=True)
class _Bench:
    """Where models are made, one after another, from the same pictures."""

    manifest: Manifest
    out: Path
    config: CompareConfig
    clock: Clock
    progress: Progress
    evidence: Evidence

    def make_all(self, recipes: list[Recipe]) -> tuple[tuple[ModelResult, ...], tuple[LeftOut, ...]]:
        """Make each recipe's model; what cannot be had is left out, and the others go on."""
        results: list[ModelResult] = []
        left_out: list[LeftOut] = []
        errors: list[AnmokError] = []
        for recipe in recipes:
            try:
                results.append(self.make(recipe))
            except (WeightsMissing, MissingExtra) as error:
                errors.append(error)
                left_out.append(LeftOut(recipe.name, error.message, error.hint))
                self.progress.say(_("{name} is left out: {reason}").format(name=recipe.name, reason=error.message))
        if not results:
            raise errors[0]
        return tuple(results), tuple(left_out)

    def make(self, recipe: Recipe) -> ModelResult:
        """Train, export and measure one model."""
        threads, progress = self.config.threads, self.progress
        run, _begun = find_run(self.out / "runs", recipe, self.manifest.content_hash)
        was_finished = run.is_finished
        if was_finished:
            progress.say(
                _("{name} was trained before on these pictures; that run is used again.").format(name=recipe.name)
            )
        with self.clock.stage("training"):
            run = train(recipe, self.manifest, self.out / "runs", threads=threads, progress=progress)
        if not was_finished:
            # Making vectors is told apart from learning: it is the part that the cache makes short.
            self.clock.move("training", "features", run.seconds.get("features", 0.0))
            self._count_vectors(run)
        before = self.clock.seconds["export"]
        with self.clock.stage("export"):
            export_run(run, self.manifest, threads=threads, progress=progress)
        took = self.clock.seconds["export"] - before
        seed = self.config.split.seed
        with self.clock.stage("evaluation"):
            return measure_run(
                run, self.manifest, self.out, export_seconds=took, seed=seed, threads=threads, progress=progress
            )

    def _count_vectors(self, run: Run) -> None:
        """Count the seconds for vectors that the checks asked for first as the model's own: it needs them too."""
        seconds = self.evidence.seconds_for_vectors
        if seconds and self.evidence.extractor.sha256 == run.config.get("extractor", {}).get("sha256"):
            self.clock.move("checks", "features", seconds)
            run.finish({**run.seconds, "features": run.seconds["features"] + seconds})


def _recipes(names: tuple[str, ...]) -> list[Recipe]:
    """Look all recipes up before the first hour of work, not after it."""
    recipes = [get_recipe(name) for name in names]
    if not recipes:
        raise UsageError(_("No model was named."), hint=_("For example: --models handcrafted,mobilenetv2."))
    twice = {recipe.name for recipe in recipes if sum(other.name == recipe.name for other in recipes) > 1}
    if twice:
        raise UsageError(
            _("Two recipes have the name {name}.").format(name=repr(min(twice))),
            hint=_("Give each recipe a name of its own: tables and folders are named after it."),
        )
    return recipes


def _keep_best(out: Path, best: ModelResult) -> None:
    with explained(out), (out / best.bundle).open("rb") as bundle, atomic_write(out / "best.anmok") as target:
        shutil.copyfileobj(bundle, target)
