"""The strategies ``scratch``, ``partial`` and ``full``: a network learns, from nothing or from pretrained weights."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from anmok.config import Recipe, to_json
from anmok.data.balance import class_weights
from anmok.data.manifest import Manifest
from anmok.environment import describe_environment
from anmok.errors import StorageError, UsageError
from anmok.features.extraction import load_pixels
from anmok.i18n import _
from anmok.models.networks import Network, get_network
from anmok.models.packs import find_pack
from anmok.models.registry import get_model
from anmok.progress import Progress
from anmok.records import TEST, TRAIN, VALID
from anmok.training.checkpoint import save_network
from anmok.training.copies import with_copies
from anmok.training.device import choose_device, own_random_numbers
from anmok.training.head_start import begin_with_logistic
from anmok.training.longer import go_on_from
from anmok.training.loop import MINUTES, Loop, PictureSet, logits_of
from anmok.training.observed import Observed
from anmok.training.observer import Observer
from anmok.training.precheck import check_first
from anmok.training.rows import groups_of, predictions_of, rows_of
from anmok.training.run import RUN_FORMAT, Run
from anmok.training.schedule import epochs_for
from anmok.training.state import drop_state, load_state, save_state
from anmok.training.workers import Workers

#: How often fine-tuning shows each picture where the recipe does not say: what was learned before is only adapted.
FINE_TUNING_EPOCHS = 10


def train_network(
    run: Run,
    recipe: Recipe,
    manifest: Manifest,
    *,
    threads: int,
    progress: Progress,
    observers: Sequence[Observer] = (),
    precheck: bool = False,
    minutes: float = MINUTES,
    start: Run | None = None,
    keep_state: bool = False,
) -> None:
    """Train the recipe's network, from the run's last checkpoint on if there is one, and finish the run.

    Args:
        precheck: try first whether the network can learn a few pictures by heart, unless the training goes on.
        minutes: between two checkpoints inside an epoch; 0: after every step.
        start: a finished run, whose last epoch this one begins after.
        keep_state: also of the finished run, so that another may begin after its last epoch.
    """
    _refuse_views(recipe)
    plan = _plan(recipe, len(manifest.classes), progress)
    device = choose_device()
    run.write_config(_config(run, recipe, manifest, plan, device=device, start=start))
    begin = time.perf_counter()
    sets = _picture_sets(recipe, manifest, plan.size, threads, progress)
    ready = time.perf_counter()
    taught = _taught(recipe)

    def make(first: bool) -> Loop:
        torch.manual_seed(recipe.seed)
        network = plan.make().to(device)
        # A training that goes on has a head that learned more; then this is left out.
        if first and start is None and recipe.strategy in ("partial", "full") and recipe.head == "linear":
            _begin_head(network, sets, recipe, workers, threads=threads, progress=progress)
        epochs = recipe.epochs or plan.epochs or epochs_for(len(sets.train))
        return Loop(
            network,
            taught,
            sets.train,
            sets.valid,
            workers=workers,
            epochs=epochs,
            class_weights=_weights(recipe, sets.train, len(manifest.classes)),
            hooks=[Observed(run, observers)],
            minutes=minutes,
            say=progress.say,
        )

    with Workers(threads) as workers, own_random_numbers():
        loop = resumed(make, run, progress)
        if start is not None and not loop.epoch and not loop.done:
            go_on_from(loop, start)
        if precheck and not loop.epoch and not loop.done:
            _check_first(loop, run, workers, progress)
        _run(loop, run, progress)
        trained = time.perf_counter()
        probabilities = torch.softmax(logits_of(loop.network, sets.asked, workers), dim=1).numpy()
    run.write_predictions(predictions_of(manifest, sets.asked.rows, probabilities))
    save_network(run, loop.network, recipe.model, {"epoch": loop.best_epoch, "epochs": loop.epoch})
    # The history also knows the seconds of epochs before an interruption.
    seconds = sum(row["seconds"] for row in loop.history) + time.perf_counter() - trained
    run.finish({"features": ready - begin, "training": seconds})
    if not keep_state:
        drop_state(run)


def _refuse_views(recipe: Recipe) -> None:
    if recipe.views:
        raise UsageError(
            _("The recipe {recipe} sets views, which are for frozen networks; its strategy is {strategy}.").format(
                recipe=recipe.name, strategy=repr(recipe.strategy)
            ),
            hint=_("Leave views out: a network that learns sees each picture changed anew in every epoch."),
        )


@dataclass(frozen=True, slots=True)
class _Plan:
    """What a recipe's strategy makes of its model.

    Attributes:
        size: side of the square, pixels.
        make: returns the network with its first weights; draws from torch's generator.
        epochs: where the recipe does not say; 0: by the number of pictures.
        facts: for the run's configuration.
    """

    size: int
    make: Callable[[], Network]
    epochs: int = 0
    facts: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Sets:
    """What is learned from (``originals`` without the copies, and their ``groups``), chooses the epoch, is asked."""

    train: PictureSet
    originals: PictureSet
    groups: tuple[str, ...]
    valid: PictureSet
    asked: PictureSet


def _plan(recipe: Recipe, classes: int, progress: Progress) -> _Plan:
    if recipe.strategy == "scratch":
        kind = get_network(recipe.model)
        size = _image_size(recipe, kind)
        return _Plan(size, lambda: kind(classes, image_size=size))
    from anmok.models.fine_tuned import pretrained_network

    pack = find_pack(get_model(recipe.model).weights, progress=progress)
    return _Plan(
        recipe.image_size or pack.input_size,
        lambda: pretrained_network(recipe, pack, classes),
        epochs=FINE_TUNING_EPOCHS,
        facts={"pack": {"name": pack.name, "sha256": pack.sha256, "licence": pack.licence, "source": pack.source}},
    )


def _config(
    run: Run, recipe: Recipe, manifest: Manifest, plan: _Plan, *, device: torch.device, start: Run | None
) -> dict[str, Any]:
    return {
        "format": RUN_FORMAT,
        "id": run.id,
        "recipe": to_json(recipe),
        "data_hash": manifest.content_hash,
        "classes": list(manifest.classes),
        "image_size": plan.size,
        "resize": recipe.resize,
        **plan.facts,
        **({"continues": start.id} if start else {}),
        "environment": {**describe_environment(), "device": str(device)},
    }


def _picture_sets(recipe: Recipe, manifest: Manifest, size: int, threads: int, progress: Progress) -> _Sets:
    """Return what is learned from (with the recipe's copies), what chooses the epoch, and what is asked at the end."""
    pixels = load_pixels(manifest, size, recipe.resize, threads=threads, progress=progress)
    labels = manifest.label_indices()
    train, valid, asked = (
        PictureSet(pixels, labels, rows_of(manifest, *splits)) for splits in ((TRAIN,), (VALID,), (VALID, TEST))
    )
    originals, groups = train, groups_of(manifest)
    if recipe.copies:
        ids = list(manifest.table["id"])
        learned = with_copies(pixels, train.rows, ids, recipe, threads=threads, progress=progress)
        train = PictureSet(learned.pixels, labels[learned.origin], np.arange(len(learned.origin)))
    return _Sets(train, originals, tuple(groups[row] for row in originals.rows), valid, asked)


def _taught(recipe: Recipe) -> Recipe:
    """Return the recipe as the loop follows it: copies were drawn before, and change no further."""
    return dataclasses.replace(recipe, augmentation="none", copies=0) if recipe.copies else recipe


def _weights(recipe: Recipe, train: PictureSet, classes: int) -> torch.Tensor | None:
    if recipe.class_weights != "balanced":
        return None
    weights: NDArray[np.float32] = class_weights(train.labels[train.rows], classes=classes)
    return torch.from_numpy(weights)


def _begin_head(
    network: Network, sets: _Sets, recipe: Recipe, workers: Workers, *, threads: int, progress: Progress
) -> None:
    title = _("{name}: fitting the head").format(name=recipe.name)
    with progress.task(title, len(sets.originals), unit=_("pictures")) as task:
        begin_with_logistic(
            network, sets.originals, recipe, groups=sets.groups, workers=workers, threads=threads, task=task
        )


def _check_first(loop: Loop, run: Run, workers: Workers, progress: Progress) -> None:
    train = loop.train_set
    check_first(
        loop.network,
        train.pixels,
        train.labels,
        run,
        rows=train.rows,
        workers=workers,
        epochs=loop.epochs,
        progress=progress,
    )


def resumed(make: Callable[[bool], Loop], run: Run, progress: Progress) -> Loop:
    """Return a loop that goes on from the run's checkpoint, or a new one where there is none that fits.

    Args:
        make: returns a new loop; told whether its network's first weights will be used.
    """
    try:
        state = load_state(run)
        if state is None:
            return make(True)
        loop = make(False)
        loop.restore(state)
    except (StorageError, LookupError, ArithmeticError, AttributeError, TypeError, ValueError, RuntimeError) as error:
        progress.say(
            _("{name}: the checkpoint cannot be used, so training begins anew. ({reason})").format(
                name=run.id, reason=error
            )
        )
        return make(True)
    told = _("{name}: training goes on after epoch {epoch} of {epochs}.")
    if loop.done:
        told = _("{name}: training goes on after epoch {epoch} of {epochs} and {share:.0%} of the next.")
    progress.say(told.format(name=loop.recipe.name, epoch=loop.epoch, epochs=loop.epochs, share=loop.done / loop.steps))
    return loop


def _run(loop: Loop, run: Run, progress: Progress) -> None:
    def keep() -> None:
        save_state(run, loop.state())
        run.write_history(loop.history)

    title = _("{name}: training").format(name=loop.recipe.name)
    try:
        with progress.task(title, loop.pictures_left, unit=_("pictures")) as task:
            loop.run(task, keep)
    except KeyboardInterrupt:
        told = _("{name}: stopped after {epoch} of {epochs} epochs.")
        if loop.done:
            told = _("{name}: stopped after {epoch} of {epochs} epochs and {share:.0%} of the next.")
        progress.say(
            told.format(name=loop.recipe.name, epoch=loop.epoch, epochs=loop.epochs, share=loop.done / loop.steps)
        )
        raise
    # Of a training that was killed between its last checkpoint and the history, the history is not yet whole.
    run.write_history(loop.history)


def _image_size(recipe: Recipe, kind: type[Network]) -> int:
    size = recipe.image_size or kind.default_size
    if size < kind.smallest_size or size % kind.size_step:
        raise UsageError(
            _("The recipe {name} asks for pictures of {size} pixels.").format(name=recipe.name, size=size),
            hint=_("{model} takes {smallest} pixels or more, in steps of {step}.").format(
                model=recipe.model, smallest=kind.smallest_size, step=kind.size_step
            ),
        )
    return size
