"""``anmok learning-curve``: from a source to the curve of accuracy against training pictures, and its page."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from pathlib import Path

from anmok.config import LeakPolicy, Limits, Recipe, SplitConfig
from anmok.errors import UsageError
from anmok.evaluation.data_size import LearningCurve
from anmok.evaluation.stored import read_result, write_result
from anmok.i18n import _, current_language
from anmok.models.recipes import get_recipe
from anmok.pipeline.alone import alone_in
from anmok.pipeline.data_size import SEEDS, SIZES, measure_curve
from anmok.pipeline.folder import holds_results, prepare_folder
from anmok.pipeline.split import divide
from anmok.progress import Progress, SilentProgress
from anmok.report.learning_curve import render_learning_curve

PAGE, RESULT, RUNS = "learning-curve.html", "learning-curve.json", "runs"
#: Rises when an old reader could misread a new ``learning-curve.json``.
FORMAT_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class DataSizeConfig:
    """What ``anmok learning-curve`` does.

    Attributes:
        model: name or file of the recipe.
        sizes: of the training set, three or more. seeds: subsets of each size but the largest.
        split: how pictures are divided where the source does not say; its seed also draws the subsets.
        leaks: what happens where test pictures stand in train.
        drop_small_classes: leave classes out that are too small to be split.
        threads: of decoding and fitting; 0 takes all cores.
    """

    model: str = "mobilenetv2"
    sizes: int = SIZES
    seeds: int = SEEDS
    split: SplitConfig = field(default_factory=SplitConfig)
    limits: Limits = field(default_factory=Limits)
    leaks: LeakPolicy = "refuse"
    drop_small_classes: bool = False
    threads: int = 0

    def __post_init__(self) -> None:
        if not 3 <= self.sizes <= 20:
            raise UsageError(_("--sizes is {count}; 3 to 20 are wanted.").format(count=self.sizes))
        if not 1 <= self.seeds <= 50:
            raise UsageError(_("--seeds is {count}; 1 to 50 are wanted.").format(count=self.seeds))


def learning_curve(
    source: str | Path,
    out: Path,
    config: DataSizeConfig | None = None,
    *,
    progress: Progress | None = None,
    command: str = "",
) -> LearningCurve:
    """Measure how accuracy grows with the number of training pictures, and what more of them would bring.

    Pictures are divided as ``compare`` divides them. Leaves ``learning-curve.html`` and ``learning-curve.json`` in
    ``out``, and for a model that must be trained anew for each size its ``runs/``, which a second call uses again.

    Args:
        source: folder, zip, CSV, manifest, or the name of a built-in data set.
        command: the command line to print under "how to reproduce".

    Raises:
        DataError: the pictures do not allow it (one class, leaks, too few to divide by size).
        StorageError: ``out`` holds something else, or another command works there.
        AnmokError: the model cannot be made: weights, PyTorch, disk.
    """
    config, progress = config or DataSizeConfig(), progress or SilentProgress()
    recipe = get_recipe(config.model)
    prepare_folder(out, is_ours=lambda folder: holds_results(folder, RESULT, PAGE, RUNS))
    with alone_in(out, command):
        return _measured(source, out, recipe, config, progress=progress, command=command)


def _measured(
    source: str | Path, out: Path, recipe: Recipe, config: DataSizeConfig, *, progress: Progress, command: str
) -> LearningCurve:
    """Do what ``learning_curve`` does, in a folder that is held."""
    manifest = divide(
        source,
        config.split,
        leaks=config.leaks,
        drop_small_classes=config.drop_small_classes,
        limits=config.limits,
        threads=config.threads,
        progress=progress,
    ).manifest
    curve = measure_curve(
        manifest,
        recipe,
        sizes=config.sizes,
        seeds=config.seeds,
        seed=config.split.seed,
        runs=out / RUNS,
        threads=config.threads,
        progress=progress,
    )
    found = LearningCurve(
        curve=curve,
        source=manifest.name,
        location=manifest.source,
        content_hash=manifest.content_hash,
        notes=manifest.notes,
        command=command,
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    )
    render_learning_curve(found, out / PAGE, language=current_language())
    write_result(out / RESULT, "learning_curve", found, version=FORMAT_VERSION)
    return found


def redraw(folder: Path, out: Path | None, *, language: str) -> Path:
    """Draw the page again from the stored values, into ``out`` or where it was; return the file written.

    Raises:
        StorageError: they are damaged, or the page could not be written.
    """
    found = read_result(LearningCurve, folder / RESULT, "learning_curve", version=FORMAT_VERSION)
    return render_learning_curve(found, out or folder / PAGE, language=language)
