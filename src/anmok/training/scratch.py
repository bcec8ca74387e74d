"""The strategy ``scratch``: a network of our own learns from nothing but the pictures."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import torch

from anmok.config import Recipe, to_json
from anmok.data.balance import class_weights
from anmok.data.manifest import Manifest
from anmok.environment import describe_environment
from anmok.errors import StorageError, UsageError
from anmok.features.extractor import load_pixels
from anmok.i18n import _
from anmok.models.networks import Network, get_network
from anmok.progress import Progress
from anmok.records import TEST, TRAIN, VALID
from anmok.training.checkpoint import drop_state, load_state, save_network, save_state
from anmok.training.device import choose_device, own_random_numbers
from anmok.training.loop import Loop, PictureSet, logits_of
from anmok.training.observed import Observed
from anmok.training.observer import Observer
from anmok.training.rows import predictions_of, rows_of
from anmok.training.run import RUN_FORMAT, Run
from anmok.training.schedule import epochs_for
from anmok.training.workers import Workers


def train_network(
    run: Run,
    recipe: Recipe,
    manifest: Manifest,
    *,
    threads: int,
    progress: Progress,
    observers: Sequence[Observer] = (),
) -> None:
    """Train the recipe's network, from the run's last whole epoch on if there is one, and finish the run."""
    kind = get_network(recipe.model)
    size = _image_size(recipe, kind)
    device = choose_device()
    run.write_config(
        {
            "format": RUN_FORMAT,
            "id": run.id,
            "recipe": to_json(recipe),
            "data_hash": manifest.content_hash,
            "classes": list(manifest.classes),
            "image_size": size,
            "resize": recipe.resize,
            "environment": {**describe_environment(), "device": str(device)},
        }
    )
    begin = time.perf_counter()
    pixels = load_pixels(manifest, size, recipe.resize, threads=threads, progress=progress)
    ready = time.perf_counter()
    labels = manifest.label_indices()
    train, valid, asked = (
        PictureSet(pixels, labels, rows_of(manifest, *splits)) for splits in ((TRAIN,), (VALID,), (VALID, TEST))
    )

    def make() -> Loop:
        torch.manual_seed(recipe.seed)
        network = kind(len(manifest.classes), image_size=size).to(device)
        epochs = recipe.epochs or epochs_for(len(train))
        weights = None
        if recipe.class_weights == "balanced":
            weights = torch.from_numpy(class_weights(labels[train.rows], classes=len(manifest.classes)))
        hooks = [Observed(run, observers)]
        return Loop(network, recipe, train, valid, workers=workers, epochs=epochs, class_weights=weights, hooks=hooks)

    with Workers(threads) as workers, own_random_numbers():
        loop = resumed(make, run, progress)
        _run(loop, run, progress)
        trained = time.perf_counter()
        probabilities = torch.softmax(logits_of(loop.network, asked, workers), dim=1).numpy()
    run.write_predictions(predictions_of(manifest, asked.rows, probabilities))
    save_network(run, loop.network, recipe.model, {"epoch": loop.best_epoch, "epochs": loop.epoch})
    # The history also knows the seconds of epochs before an interruption.
    seconds = sum(row["seconds"] for row in loop.history) + time.perf_counter() - trained
    run.finish({"features": ready - begin, "training": seconds})
    drop_state(run)


def resumed(make: Callable[[], Loop], run: Run, progress: Progress) -> Loop:
    """Return a loop that goes on from the run's checkpoint, or a new one where there is none that fits."""
    loop = make()
    try:
        state = load_state(run)
        if state is None:
            return loop
        loop.restore(state)
    except (StorageError, KeyError, IndexError, TypeError, ValueError, RuntimeError) as error:
        progress.say(
            _("{name}: the checkpoint cannot be used, so training begins anew. ({reason})").format(
                name=loop.recipe.name, reason=error
            )
        )
        return make()
    progress.say(
        _("{name}: training goes on after epoch {epoch} of {epochs}.").format(
            name=loop.recipe.name, epoch=loop.epoch, epochs=loop.epochs
        )
    )
    return loop


def _run(loop: Loop, run: Run, progress: Progress) -> None:
    def keep() -> None:
        save_state(run, loop.state())
        run.write_history(loop.history)

    left = (loop.epochs - loop.epoch) * len(loop.train_set)
    title = _("{name}: training").format(name=loop.recipe.name)
    try:
        with progress.task(title, left, unit=_("pictures")) as task:
            loop.run(task, keep)
    except KeyboardInterrupt:
        if loop.history:
            progress.say(
                _("{name}: stopped after {epoch} of {epochs} epochs. The same command goes on from there.").format(
                    name=loop.recipe.name, epoch=len(loop.history), epochs=loop.epochs
                )
            )
        raise


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
