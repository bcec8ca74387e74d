"""The main job: pictures in; every model trained, exported, measured on the same held-out pictures; a report out."""

from __future__ import annotations

import datetime
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from anmok.config import CompareConfig
from anmok.data.scan import scan
from anmok.data.split import assign_splits, check
from anmok.evaluation.comparison import conclude
from anmok.evaluation.results import Comparison
from anmok.evaluation.summary import write_summary
from anmok.models.recipes import get_recipe
from anmok.pipeline.environment import describe_environment
from anmok.pipeline.summary import summarise_data
from anmok.progress import Progress, SilentProgress
from anmok.storage import explained

MARKER = "manifest.parquet"


@dataclass
class _Clock:
    """Adds up the seconds of each stage, in the order in which the stages begin."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        self.seconds.setdefault(name, 0.0)
        begin = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] += time.perf_counter() - begin

    def add(self, parts: Mapping[str, float]) -> None:
        for name, seconds in parts.items():
            self.seconds[name] = self.seconds.get(name, 0.0) + seconds


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
    recipes = [get_recipe(name) for name in config.models]
    clock = _Clock()
    begin = time.perf_counter()
    _prepare(out)

    with clock.stage("scan"):
        scanned = scan(source, limits=config.limits, threads=config.threads, progress=progress)
    with clock.stage("split"):
        manifest = check(scanned, config.leaks, config.drop_small_classes)
        manifest = assign_splits(manifest, config.split)
        manifest.save(out / MARKER)
    results, left_out = _make_models(recipes, manifest, out, config, clock, progress)
    data = summarise_data(manifest, seed=config.split.seed)
    best, reason, warnings = conclude(results, data)
    with explained(out):
        shutil.copyfile(out / _result(results, best).bundle, out / "best.anmok.part")
        (out / "best.anmok.part").replace(out / "best.anmok")
    clock.seconds["total"] = time.perf_counter() - begin
    comparison = Comparison(
        data=data,
        models=results,
        left_out=left_out,
        best=best,
        reason=reason,
        warnings=warnings,
        seconds=clock.seconds,
        environment=describe_environment(),
        command=command,
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        seed=config.split.seed,
    )
    write_summary(comparison, out)
    _draw(comparison, manifest, out)
    return comparison


def _prepare(out: Path) -> None:
    """Make sure of the results' folder before hours of work; never mix with a folder of somebody's own."""
    with explained(out):
        if out.exists() and not out.is_dir():
            raise StorageError(
                _("{path} is a file; a folder for the results is wanted.").format(path=out),
                hint=_("Name another folder with --out."),
            )
        if out.is_dir() and any(out.iterdir()) and not (out / MARKER).exists() and not (out / "runs").is_dir():
            raise StorageError(
                _("The folder {path} holds something else than results of a comparison.").format(path=out),
                hint=_("Name a new or empty folder with --out."),
            )
        out.mkdir(parents=True, exist_ok=True)


def _make_models(
    recipes: list[Recipe], manifest: Manifest, out: Path, config: CompareConfig, clock: _Clock, progress: Progress
) -> tuple[tuple[ModelResult, ...], tuple[LeftOut, ...]]:
    """Train, export and measure each recipe; what cannot be had is left out and the others go on."""
    results: list[ModelResult] = []
    left_out: list[LeftOut] = []
    first_error: AnmokError | None = None
    for recipe in recipes:
        try:
            results.append(_make_model(recipe, manifest, out, config, clock, progress))
        except (WeightsMissing, MissingExtra) as error:
            first_error = first_error or error
            left_out.append(LeftOut(recipe.name, error.message, error.hint))
            progress.say(_("{name} is left out: {reason}").format(name=recipe.name, reason=error.message))
    if first_error is not None and not results:
        raise first_error
    return tuple(results), tuple(left_out)


def _make_model(
    recipe: Recipe, manifest: Manifest, out: Path, config: CompareConfig, clock: _Clock, progress: Progress
) -> ModelResult:
    with clock.stage("training"):
        run = train(recipe, manifest, out / "runs", threads=config.threads, progress=progress)
    with clock.stage("export"):
        export_run(run, manifest, threads=config.threads, progress=progress)
    with clock.stage("evaluation"):
        return measure_run(run, manifest, out, threads=config.threads, progress=progress)


def _draw(comparison: Comparison, manifest: Manifest, out: Path) -> None:
    with manifest.open_source() as source:
        render_report(comparison, out / "report.html", read_picture=source.read, language=current_language())
