"""Train one model the whole way: scan, check, split, train, export, measure, report; and go on with what was begun."""

from __future__ import annotations

import importlib.util
import shlex
from dataclasses import dataclass, replace
from pathlib import Path

from anmok.config import CompareConfig, Recipe, from_mapping, to_json
from anmok.data.manifest import Manifest
from anmok.errors import AnmokError, DataError, SourceNotFound, StorageError, UsageError
from anmok.evaluation.results import Comparison
from anmok.i18n import _
from anmok.pipeline.alone import LOCK, alone_in
from anmok.pipeline.bench import Bench
from anmok.pipeline.clock import Clock
from anmok.pipeline.compare import MANIFEST, ORDER, claimed_folder, compare_recipes, finish_comparison
from anmok.progress import Progress, SilentProgress
from anmok.storage import explained, read_json, write_bytes, write_json
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
        continues: id of the finished run whose last epoch this one begins after, or "".
    """

    source: str
    recipe: Recipe
    config: CompareConfig
    command: str = ""
    continues: str = ""


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
    """Train one model on ``source``, export it and measure it on test pictures: a comparison of one.

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
    _require_policy(recipe)
    order = Order(source=str(source), recipe=recipe, config=config, command=command)
    with claimed_folder(out, command):
        earlier, scanned = _order_in(out), _scan_in(out)
        write_json(out / ORDER, to_json(order))
        try:
            return compare_recipes(
                source,
                out,
                [recipe],
                config,
                progress=progress,
                command=command,
                observers=_observers(options),
                precheck=options.precheck,
                keep_state=True,
            )
        except AnmokError:
            if {path.name for path in out.iterdir()} == {ORDER, LOCK}:  # a misspelt source leaves nothing behind
                (out / ORDER).unlink()
            elif earlier is not None and _scan_in(out) == scanned:  # and what an earlier training left can go on
                write_bytes(out / ORDER, earlier)
            raise


def _order_in(folder: Path) -> bytes | None:
    """Return the order of an earlier training there as it lies there; None where there is none."""
    with explained(folder / ORDER):
        return (folder / ORDER).read_bytes() if (folder / ORDER).exists() else None


def _scan_in(folder: Path) -> int | None:
    """Return what changes when pictures are scanned anew for a training there."""
    manifest = folder / MANIFEST
    return manifest.stat().st_mtime_ns if manifest.exists() else None


def _require_policy(recipe: Recipe) -> None:
    """Answer a misspelt policy before thousands of pictures are read, not after.

    Raises:
        UnknownName: there is no augmentation policy of that name.
    """
    # Without PyTorch the training says better what is missing.
    if recipe.augmentation != "none" and importlib.util.find_spec("torchvision") is not None:
        from anmok.training.augmentation import get_policy

        get_policy(recipe.augmentation)


def resume_training(
    folder: Path,
    *,
    epochs: int = 0,
    options: TrainOptions = TrainOptions(),
    threads: int = 0,
    progress: Progress | None = None,
) -> tuple[Comparison, Path]:
    """Go on with a training: finish one that was interrupted, or give a finished one more epochs.

    Args:
        folder: of the run, or the one for results that ``train_model`` was given.
        epochs: how many in all; 0: as many as were asked for.
        threads: of decoding and computing; 0 takes all cores.

    Returns:
        the result, and the folder of results.

    Raises:
        SourceNotFound: nothing was begun there, or the pictures are not where they were.
        UsageError: the training is finished, and no more epochs are asked for.
        StorageError: what lies there is damaged.
    """
    progress = progress or SilentProgress()
    out = find_training(folder)[0]
    with alone_in(out, shlex.join(["anmok", "train", "--resume", str(folder)])):
        return _resumed(folder, epochs, options, threads, progress), out


def _resumed(folder: Path, epochs: int, options: TrainOptions, threads: int, progress: Progress) -> Comparison:
    """Go on with a training in a folder of results that is held."""
    out, order, run = find_training(folder)
    if epochs and epochs != order.recipe.epochs:
        order = _longer(out, order, run, epochs)
        write_json(out / ORDER, to_json(order))
        _tell_of_schedule(order.recipe, progress)
    elif run.is_finished and (out / "summary.json").is_file():
        raise UsageError(
            _("The training {run} is finished.").format(run=run.id),
            hint=_("Its report: {report}. To train longer, give more epochs: --epochs.").format(
                report=out / "report.html"
            ),
        )
    bench = Bench(
        manifest=_manifest(out, run),
        out=out,
        config=replace(order.config, threads=threads),
        clock=Clock(),
        progress=progress,
        observers=_observers(options),
        start=Run(out / "runs" / order.continues) if order.continues else None,
        precheck=options.precheck,
        keep_state=True,
    )
    return finish_comparison(bench, [order.recipe], checks=(), source=order.source, command=order.command)


def _longer(out: Path, order: Order, run: Run, epochs: int) -> Order:
    """Return the order for more epochs after the last one of a finished run."""
    if not run.is_finished:
        raise UsageError(
            _("The training {run} is not finished, so it cannot be made longer yet.").format(run=run.id),
            hint=_("Finish it first: anmok train --resume {folder}").format(folder=out),
        )
    done = len(run.history())
    if run.recipe.strategy == "frozen":
        raise UsageError(
            _("{name} learns from vectors that are made once; there is nothing to go on from.").format(
                name=run.recipe.name
            ),
            hint=_("Train it anew with more epochs; the vectors are found again, so it takes seconds."),
        )
    if epochs <= done:
        raise UsageError(
            _("The training {run} has {done} epochs already; {epochs} in all were asked for.").format(
                run=run.id, done=done, epochs=epochs
            ),
            hint=_("Give more of them with --epochs."),
        )
    again = f"anmok train --resume {shlex.quote(str(out))} --epochs {epochs}"
    return Order(
        source=order.source,
        recipe=replace(run.recipe, epochs=epochs),
        config=order.config,
        command=f"{order.command} && {again}" if order.command else again,
        continues=run.id,
    )


def _tell_of_schedule(recipe: Recipe, progress: Progress) -> None:
    if recipe.schedule == "cosine" or recipe.warmup:
        progress.say(
            _(
                "The learning rate of {name} follows a schedule that knows its end, and rises again now. With "
                "schedule = {constant} and warmup = 0 the result is that of all epochs in one go."
            ).format(name=recipe.name, constant=repr("constant"))
        )


def find_training(folder: Path) -> tuple[Path, Order, Run]:
    """Return the folder of results, what was asked for, and the run, from either of the two folders.

    Raises:
        SourceNotFound, StorageError: nothing was begun there, or what lies there is damaged.
    """
    out = next((place for place in (folder, folder.resolve().parent.parent) if (place / ORDER).is_file()), None)
    if out is None:
        raise SourceNotFound(
            _("No training was begun in {folder}.").format(folder=folder),
            hint=_(
                "Name the folder that `anmok train` wrote to, or one in its runs/. "
                "A comparison goes on by the same `anmok compare` again."
            ),
        )
    order = read_order(out / ORDER)
    begun = [Run(path.parent) for path in sorted((out / "runs").glob("*/config.json"))]
    if out == folder:
        fitting = [run for run in begun if (run.recipe, run.continues) == (order.recipe, order.continues)]
    else:
        fitting = [run for run in begun if run.folder.resolve() == folder.resolve()]
    if fitting:
        run = fitting[-1]
        return out, replace(order, recipe=run.recipe, continues=run.continues), run
    before = out / "runs" / order.continues
    if order.continues and before.is_dir():
        # Stopped before the first of the further epochs was begun.
        return out, replace(order, recipe=Run(before).recipe, continues=Run(before).continues), Run(before)
    raise SourceNotFound(
        _("In {folder} nothing was trained yet.").format(folder=folder),
        hint=_("Run the same command again: {command}").format(command=order.command or "anmok train …"),
    )


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
