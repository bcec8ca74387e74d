"""The main job: pictures in; every model trained, exported, measured on the same test pictures; a report out."""

from __future__ import annotations

import contextlib
import datetime
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from anmok.clean.evidence import Evidence
from anmok.clean.near_groups import grouped
from anmok.config import CleanConfig, CompareConfig, Recipe
from anmok.data.manifest import Manifest
from anmok.data.scan import scan
from anmok.data.split import assign_splits, check, find_leaks, require_valid
from anmok.environment import describe_environment
from anmok.evaluation.results import CheckSummary, Comparison
from anmok.evaluation.summary import write_summary
from anmok.i18n import current_language
from anmok.models.recipes import get_recipe
from anmok.pipeline.alone import alone_in
from anmok.pipeline.bench import Bench, require_names
from anmok.pipeline.checks import choose_vectors, look_over
from anmok.pipeline.clock import Clock
from anmok.pipeline.conclusion import concluded
from anmok.pipeline.data_size import curve_of_best
from anmok.pipeline.folder import prepare_folder
from anmok.pipeline.summary import summarise_data
from anmok.progress import Progress, SilentProgress
from anmok.report.html import render_report
from anmok.storage import atomic_write, explained
from anmok.training.memory import share_one_heap
from anmok.training.observer import Observer
from anmok.training.run import Run

MANIFEST = "manifest.parquet"
#: What a single training was asked for, so that ``anmok train --resume`` can go on without being told again.
ORDER = "training.json"


def compare(
    source: str | Path,
    out: str | Path,
    config: CompareConfig | None = None,
    *,
    progress: Progress | None = None,
    command: str = "",
) -> Comparison:
    """Train the models of ``config`` on ``source`` and measure them on the same test pictures.

    Leaves in ``out``: ``report.html``, ``best.anmok``, ``summary.json``, ``comparison.json``, ``manifest.parquet``
    (with its quarantine file) and ``runs/``. What an earlier, perhaps interrupted, call left there for the same
    pictures and recipes is used and not computed again.

    >>> config = CompareConfig(models=("features-2d", "handcrafted"), leaks="repair", look_over=False)
    >>> result = compare("sample", Path("out"), config)
    >>> result.best, [model.evaluation.pictures for model in result.models]
    ('handcrafted', [64, 64])

    Args:
        source: folder, zip, CSV, manifest, or the name of a built-in data set.
        command: the command line to print under "how to reproduce".

    Raises:
        DataError: the pictures do not allow a fair comparison (one class, leaks, ...).
        AnmokError: no model at all could be made; the error of the first one.
    """
    config, out = config or CompareConfig(), Path(out)
    # All recipes are looked up before the first hour of work, not after it.
    recipes = [get_recipe(name) for name in config.models]
    with claimed_folder(out, command):
        return compare_recipes(source, out, recipes, config, progress=progress, command=command)


def compare_recipes(
    source: str | Path,
    out: Path,
    recipes: Sequence[Recipe],
    config: CompareConfig,
    *,
    progress: Progress | None = None,
    command: str = "",
    observers: tuple[Observer, ...] = (),
    precheck: bool = False,
    keep_state: bool = False,
) -> Comparison:
    """Do what ``compare`` does, with recipes that are at hand; ``config.models`` is not looked at.

    Args:
        out: a ``claimed_folder``.
        observers, precheck, keep_state: as ``Bench`` has them.
    """
    progress = progress or SilentProgress()
    share_one_heap()  # before pictures are read in threads
    require_names(recipes)
    clock = Clock()
    manifest, evidence = divided_pictures(source, out, recipes, config, clock=clock, progress=progress)
    with clock.stage("checks"):
        checks = look_over(evidence) if config.look_over else ()
    bench = Bench(
        manifest=manifest,
        out=out,
        config=config,
        clock=clock,
        progress=progress,
        evidence=evidence,
        observers=observers,
        precheck=precheck,
        keep_state=keep_state,
    )
    return finish_comparison(bench, recipes, checks=checks, source=str(source), command=command)


def divided_pictures(
    source: str | Path, out: Path, recipes: Sequence[Recipe], config: CompareConfig, *, clock: Clock, progress: Progress
) -> tuple[Manifest, Evidence]:
    """Scan a source, keep near copies together, settle leaks, split, and save the manifest in ``out``.

    Args:
        out: a ``claimed_folder``.
        recipes: what will be trained; the checks may look at vectors that are needed anyway.

    Returns:
        the manifest, and what checks may look at.
    """
    with clock.stage("scan"):
        scanned = scan(source, limits=config.limits, threads=config.threads, progress=progress)
    evidence = _evidence(scanned, recipes, config, progress)
    return _divided(evidence, out, config, clock), evidence


@contextlib.contextmanager
def claimed_folder(out: Path, command: str = "") -> Iterator[None]:
    """Make sure that results may go to ``out``, and that nobody else works there within the block.

    Args:
        command: the command line, told to who comes second.

    Raises:
        StorageError: it is a file, holds something else than results of a comparison, or another command works there.
    """
    prepare_folder(out, is_ours=lambda folder: any((folder / name).exists() for name in (MANIFEST, ORDER, "runs")))
    with alone_in(out, command):
        yield


def finish_comparison(
    bench: Bench, recipes: Sequence[Recipe], *, checks: tuple[CheckSummary, ...], source: str, command: str
) -> Comparison:
    """Make the models on ``bench``, conclude, and write the report, the best bundle and the summary.

    Args:
        source: as it was named.
    """
    manifest, out, clock = bench.manifest, bench.out, bench.clock
    results, left_out = bench.make_all(recipes)
    data = summarise_data(manifest, seed=bench.config.split.seed)
    leaks = len(find_leaks(manifest))
    comparison = Comparison(
        data=data,
        models=results,
        left_out=left_out,
        best="",
        reason="",
        warnings=(),
        seconds={},
        environment=describe_environment(),
        command=command,
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        seed=bench.config.split.seed,
        extra={"leaks": leaks, "source": source},
        checks=checks,
    )
    with clock.stage("evaluation"):
        comparison = concluded(comparison, {model.name: Run(out / model.run).answers() for model in results})
    keep_best(out, comparison)
    if bench.config.learning_curve:
        with clock.stage("evaluation"):
            comparison = replace(comparison, learning_curve=curve_of_best(bench, recipes, comparison.models))
    comparison = replace(comparison, seconds=clock.total())
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


def _evidence(scanned: Manifest, recipes: Sequence[Recipe], config: CompareConfig, progress: Progress) -> Evidence:
    vectors = choose_vectors(tuple(recipe.model for recipe in recipes))
    settings = CleanConfig(vectors=vectors, seed=config.split.seed)
    return Evidence(scanned, settings, limits=config.limits, threads=config.threads, progress=progress)


def keep_best(out: Path, comparison: Comparison) -> None:
    """Copy the bundle of the recommended model to ``out/best.anmok``."""
    (best,) = (model for model in comparison.models if model.name == comparison.best)
    with explained(out), (out / best.bundle).open("rb") as bundle, atomic_write(out / "best.anmok") as target:
        shutil.copyfileobj(bundle, target)
