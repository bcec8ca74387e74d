"""Train one model the whole way: scan, check, split, train, export, measure, report; and go on with what was begun."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from anmok.config import CompareConfig, Recipe, from_mapping, to_json
from anmok.data.manifest import Manifest
from anmok.errors import DataError, SourceNotFound, StorageError, UsageError
from anmok.evaluation.results import Comparison
from anmok.i18n import _
from anmok.pipeline.bench import Bench
from anmok.pipeline.clock import Clock
from anmok.pipeline.compare import MANIFEST, ORDER, claim_folder, compare_recipes, finish_comparison
from anmok.progress import Progress, SilentProgress
from anmok.storage import read_json, write_json
from anmok.training.observer import Observer
from anmok.training.run import Run


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """What may be done beside training; none of it changes what is learned.

    Attributes:
        tensorboard: write logs for TensorBoard into the run's folder.
        precheck: look for a minute first whether this recipe can learn at all.
    """

    tensorboard: bool = False
    precheck: bool = True


@dataclass(frozen=True, kw_only=True)
class Order:
    """A training as it was asked for.

    Attributes:
        source: as it was named. command: the command line.
        recipe: with all changes.
    """

    source: str
    recipe: Recipe
    config: CompareConfig
    command: str = ""


def train_model(
    source: str | Path,
    out: Path,
    recipe: Recipe,
    config: CompareConfig | None = None,
    *,
    options: TrainOptions = TrainOptions(),
    progress: Progress | None = None,
    command: str = "",
) -> Comparison:
    """Train one model on ``source``, export it and measure it on held-out pictures: a comparison of one.

    Leaves in ``out`` what ``compare`` leaves, and ``training.json``. A training that was interrupted goes on after its
    last whole epoch; one that is finished is used as it is.

    Args:
        source: folder, zip, CSV, manifest, or the name of a built-in data set.
        config: of the split and what leads to it; its ``models`` are not looked at. None: as usual, without looking
            for wrong labels and the like first.
        command: the command line to print under "how to reproduce".

    Raises:
        DataError: the pictures do not allow a fair measurement (one class, leaks, ...).
        AnmokError: the model cannot be made: weights, PyTorch, disk.
    """
    config = config or CompareConfig(models=(recipe.name,), look_over=False)
    claim_folder(out)
    order = Order(source=str(source), recipe=recipe, config=config, command=command)
    write_json(out / ORDER, to_json(order))
    return compare_recipes(
        source, out, [recipe], config, progress=progress, command=command, observers=_observers(options)
    )


def resume(
    folder: Path,
    *,
    options: TrainOptions = TrainOptions(),
    threads: int = 0,
    progress: Progress | None = None,
) -> tuple[Comparison, Path]:
    """Go on with a training that was interrupted, and finish it as ``train_model`` would have.

    Args:
        folder: of the run, or the one for results that ``train_model`` was given.
        threads: of decoding and computing; 0 takes all cores.

    Returns:
        the result, and the folder of results.

    Raises:
        SourceNotFound: nothing was begun there, or the pictures are not where they were.
        UsageError: the training is finished.
        StorageError: what lies there is damaged.
    """
    progress = progress or SilentProgress()
    out, order, run = find_training(folder)
    if run.is_finished and (out / "summary.json").is_file():
        raise UsageError(
            _("The training {run} is finished.").format(run=run.id),
            hint=_("Its report: {report}. To train longer, give more epochs: --epochs.").format(
                report=out / "report.html"
            ),
        )
    manifest = _manifest(out, run)
    bench = Bench(
        manifest=manifest,
        out=out,
        config=order.config,
        clock=Clock(),
        progress=progress,
        observers=_observers(options),
    )
    done = finish_comparison(bench, [order.recipe], checks=(), source=order.source, command=order.command)
    return done, out


def find_training(folder: Path) -> tuple[Path, Order, Run]:
    """Return the folder of results, what was asked for, and the run, from either of the two folders.

    Raises:
        SourceNotFound, StorageError: nothing was begun there, or what lies there is damaged.
    """
    out = next((place for place in (folder, folder.parent.parent) if (place / ORDER).is_file()), None)
    if out is None:
        raise SourceNotFound(
            _("No training was begun in {folder}.").format(folder=folder),
            hint=_(
                "Name the folder that `anmok train` wrote to, or one in its runs/. "
                "A comparison goes on by the same `anmok compare` again."
            ),
        )
    order = read_order(out / ORDER)
    runs = out / "runs"
    begun = [Run(path.parent) for path in sorted(runs.glob("*/config.json"))]
    fitting = [run for run in begun if run.recipe == order.recipe]
    if folder != out:
        fitting = [run for run in begun if run.folder == folder]
        if fitting:
            order = Order(source=order.source, recipe=fitting[0].recipe, config=order.config, command=order.command)
    if not fitting:
        raise SourceNotFound(
            _("In {folder} no epoch was trained yet.").format(folder=folder),
            hint=_("Run the same command again: {command}").format(command=order.command or "anmok train …"),
        )
    return out, order, fitting[-1]


def read_order(path: Path) -> Order:
    """Read ``training.json``.

    Raises:
        StorageError: it is damaged.
    """
    values = read_json(path)
    try:
        return from_mapping(Order, values, where=str(path))
    except (UsageError, TypeError, AttributeError) as error:
        raise StorageError(
            _("{path} is damaged: {reason}.").format(path=path, reason=error),
            hint=_("Run the same command as before again: what was trained is found by itself."),
        ) from error


def _manifest(out: Path, run: Run) -> Manifest:
    """Return the manifest that the run learns from; its pictures are where they were."""
    manifest = Manifest.load(out / MANIFEST)
    if manifest.content_hash != run.data_hash:
        raise DataError(
            _("The pictures in {path} are not those that {run} learned from.").format(path=out / MANIFEST, run=run.id),
            hint=_("They were changed or divided anew. Run `anmok train` with the source again: it begins anew."),
        )
    try:
        manifest.open_source().close()
    except SourceNotFound as error:
        raise SourceNotFound(
            _("The pictures are not at {source} any more.").format(source=manifest.source),
            hint=_(
                "Put them back, or run `anmok train` with where they are now and --out {out}: "
                "the same pictures go on where they stopped."
            ).format(out=out),
        ) from error
    return manifest


def _observers(options: TrainOptions) -> tuple[Observer, ...]:
    if not options.tensorboard:
        return ()
    from anmok.training.tensorboard import TensorBoard

    return (TensorBoard(),)
