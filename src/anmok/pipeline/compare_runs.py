"""Runs that were made at different times, as one comparison: fair only where all were measured on the same pictures."""

from __future__ import annotations

import datetime
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from anmok.config import to_json
from anmok.data.leaks import find_leaks
from anmok.data.manifest import Manifest
from anmok.environment import describe_environment
from anmok.errors import AnmokError, DataError
from anmok.evaluation.latency import measure_latency
from anmok.evaluation.matching import name_some
from anmok.evaluation.results import Comparison, ModelResult
from anmok.evaluation.stored import read_comparison
from anmok.evaluation.summary import write_summary
from anmok.i18n import _, current_language
from anmok.inference.predictor import Predictor
from anmok.pipeline.clock import Clock
from anmok.pipeline.compare import keep_best
from anmok.pipeline.conclusion import concluded
from anmok.pipeline.finished import Finished, find_finished
from anmok.pipeline.folder import prepare_folder
from anmok.pipeline.measure import measure_run
from anmok.pipeline.summary import summarise_data
from anmok.progress import Progress, SilentProgress
from anmok.records import TEST
from anmok.report.html import render_report
from anmok.storage import explained
from anmok.training.predictions import Predictions

#: A longer name than this would spoil tables; the run's id is shorter.
LONGEST_NAME = 48


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredRun:
    """A finished run with what it learned from and what was measured.

    Attributes:
        name: in the comparison; the recipe's name where that is enough to tell the runs apart.
        answers: of the bundle for the test pictures.
        result: its paths are relative to the folder that the run was made in.
    """

    name: str
    finished: Finished
    manifest: Manifest
    result: ModelResult
    answers: Predictions


def compare_runs(
    folders: Sequence[Path], out: Path, *, threads: int = 0, progress: Progress | None = None, command: str = ""
) -> Comparison:
    """Compare finished runs that were measured on the same test pictures.

    Leaves in ``out``: ``report.html``, ``best.anmok``, ``summary.json`` and ``comparison.json``. The runs stay where
    they are. Nothing is trained; what was measured is read. Only the wait for one picture is measured anew for all of
    them, where the pictures are still at hand: else it would compare two machines, or two hours of one.

    Args:
        folders: of runs, or of comparisons, whose models then all take part.
        out: a folder that holds nothing, or an earlier result of the same kind.
        threads: of decoding and inference; 0 takes all cores.
        command: the command line to print under "how to reproduce".

    Raises:
        DataError: they were not measured on the same pictures; says which differ.
        SourceNotFound, UsageError, StorageError: there is no finished run, or what lies there is damaged.
    """
    prepare_folder(
        out, is_ours=lambda folder: (folder / "comparison.json").is_file() and not (folder / "runs").exists()
    )
    progress = progress or SilentProgress()
    clock = Clock()
    with clock.stage("evaluation"):
        runs = measured_runs(folders, threads=threads, progress=progress)
        comparison = join_runs(runs, threads=threads)
    comparison = replace(
        comparison, models=tuple(_placed(run, model, out) for run, model in zip(runs, comparison.models, strict=True))
    )
    with explained(out):
        out.mkdir(parents=True, exist_ok=True)  # a path that goes up from a folder needs the folder
    keep_best(out, comparison)
    comparison = replace(comparison, command=command, seconds=clock.total())
    with clock.stage("report"):
        draw_report(comparison, runs[0].manifest, out / "report.html")
    comparison = replace(comparison, seconds=clock.total())
    write_summary(comparison, out)
    return comparison


def measured_runs(folders: Sequence[Path], *, threads: int = 0, progress: Progress) -> tuple[MeasuredRun, ...]:
    """Return the runs in these folders, each once, with names that tell them apart.

    Raises:
        SourceNotFound, UsageError, StorageError: as ``find_finished``.
    """
    found = [find_finished(place) for folder in folders for place in _run_folders(folder)]
    distinct = {finished.run.folder.resolve(): finished for finished in found}
    manifests = {path: Manifest.load(path) for path in {finished.manifest for finished in distinct.values()}}
    runs = []
    for finished, name in zip(distinct.values(), _names(list(distinct.values())), strict=True):
        manifest = manifests[finished.manifest]
        home = finished.run.folder.parent.parent
        result = measure_run(
            finished.run, manifest, home, export_seconds=0.0, seed=0, threads=threads, progress=progress
        )
        runs.append(
            MeasuredRun(
                name=name,
                finished=finished,
                manifest=manifest,
                result=replace(result, name=name),
                answers=finished.run.answers(),
            )
        )
    return tuple(runs)


def join_runs(runs: Sequence[MeasuredRun], *, threads: int = 0) -> Comparison:
    """Return the comparison of runs that were measured on the same pictures; ``command`` is left empty.

    Raises:
        DataError: they were not; says which pictures or classes differ.
    """
    first = runs[0]
    for other in runs[1:]:
        _require_same(first, other)
    models = tuple(run.result if len(runs) == 1 else _timed(run, threads) for run in runs)
    data = summarise_data(first.manifest, seed=0)
    comparison = Comparison(
        data=replace(data, notes=(*data.notes, *_note(runs))),
        models=models,
        left_out=(),
        best="",
        reason="",
        warnings=(),
        seconds={},
        environment=describe_environment(),
        command="",
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        extra={"leaks": max(len(find_leaks(run.manifest)) for run in runs), "source": first.manifest.name},
    )
    return concluded(comparison, {run.name: run.answers for run in runs})


def draw_report(comparison: Comparison, manifest: Manifest, path: Path) -> Path:
    """Draw the report, without pictures where the source of ``manifest`` is not at hand any more."""
    language = current_language()
    try:
        source = manifest.open_source()
    except AnmokError:
        return render_report(comparison, path, read_picture=None, language=language)
    with source:
        return render_report(comparison, path, read_picture=source.read, language=language)


def _run_folders(folder: Path) -> list[Path]:
    """Return the runs of all models of a comparison; of another folder, the folder itself."""
    if not (folder / "comparison.json").is_file():
        return [folder]
    return [folder / model.run for model in read_comparison(folder).models]


def _names(found: Sequence[Finished]) -> list[str]:
    """Return the recipes' names; of two alike, with what their recipes do not have in common, or the run's id."""
    ways = (
        [finished.run.recipe.name for finished in found],
        _told_by_settings(found),
        [finished.run.id for finished in found],
        [f"{finished.run.folder.resolve().parent.parent.name}/{finished.run.id}" for finished in found],
        [str(finished.run.folder.resolve()) for finished in found],
    )
    names = list(ways[0])
    for way in ways[1:]:
        counts = Counter(names)
        names = [name if counts[name] == 1 else longer for name, longer in zip(names, way, strict=True)]
    return names


def _told_by_settings(found: Sequence[Finished]) -> list[str]:
    """Return the recipes' names with the settings in which those of one name differ, where these are few and short."""
    recipes = [to_json(finished.run.recipe) for finished in found]
    names = []
    for recipe in recipes:
        alike = [other for other in recipes if other["name"] == recipe["name"]]
        differing = [key for key in recipe if any(other[key] != recipe[key] for other in alike)]
        name = ", ".join([recipe["name"], *(f"{key} {recipe[key]}" for key in differing)])
        names.append(name if len(name) <= LONGEST_NAME else recipe["name"])
    return names


def _placed(run: MeasuredRun, model: ModelResult, out: Path) -> ModelResult:
    """Return the result with paths relative to ``out``."""
    folder, bundle = run.finished.run.folder.resolve(), run.finished.run.bundle_path.resolve()
    places = [Path(os.path.relpath(place, out.resolve())).as_posix() for place in (folder, bundle)]
    return replace(model, run=places[0], bundle=places[1])


def _timed(run: MeasuredRun, threads: int) -> ModelResult:
    """Return the result with the wait for one picture measured now, where the pictures are at hand."""
    try:
        predictor = Predictor.open(run.finished.run.bundle_path, threads=threads)
        latency = measure_latency(predictor, run.manifest, TEST)
    except AnmokError:
        latency = None
    return run.result if latency is None else replace(run.result, latency_ms=latency)


def _require_same(first: MeasuredRun, other: MeasuredRun) -> None:
    """Refuse runs that know other classes, or were measured on other pictures.

    Raises:
        DataError: as said.
    """
    hint = _(
        "Divide the pictures once and train each model on the result: `anmok split SOURCE -o divided.parquet`, then"
        " `anmok train divided.parquet --recipe ...`."
    )
    who = {"first": first.name, "other": other.name}
    mine, theirs = (run.finished.run.classes for run in (first, other))
    if mine != theirs:
        raise DataError(
            _("{first} and {other} do not know the same classes. Only one of them knows: {names}.").format(
                names=name_some(sorted(set(mine) ^ set(theirs))), **who
            ),
            hint=hint,
        )
    one, two = (_pictures(run.answers) for run in (first, other))
    differing = (
        (_("{count} of {first} alone ({names})"), sorted(set(one) - set(two))),
        (_("{count} of {other} alone ({names})"), sorted(set(two) - set(one))),
        (
            _("{count} with another label or other content ({names})"),
            sorted(path for path in set(one) & set(two) if one[path] != two[path]),
        ),
    )
    parts = [text.format(count=len(paths), names=name_some(paths), **who) for text, paths in differing if paths]
    if parts:
        message = _("{first} and {other} were not measured on the same test pictures: {parts}.")
        raise DataError(message.format(parts="; ".join(parts), **who), hint=hint)


def _pictures(answers: Predictions) -> dict[str, tuple[str, int]]:
    """Return id and label of each picture, by path."""
    return {
        path: (picture, int(label))
        for path, picture, label in zip(answers.paths, answers.ids, answers.labels, strict=True)
    }


def _note(runs: Sequence[MeasuredRun]) -> list[str]:
    """Say so where the models did not learn from the same pictures."""
    if len({run.finished.run.data_hash for run in runs}) < 2:
        return []
    learned = ", ".join(f"{run.name}: {_learned(run.manifest):,}" for run in runs)
    return [_("The models did not all learn from the same pictures ({learned}).").format(learned=learned)]


def _learned(manifest: Manifest) -> int:
    return int((manifest.table["split"] != TEST).sum())
