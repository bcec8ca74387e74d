"""Train one model: recipe and manifest in, run folder out."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from anmok.config import Recipe, Strategy
from anmok.config.recipe import Head
from anmok.data.manifest import Manifest
from anmok.errors import DataError, MissingExtra, UsageError
from anmok.i18n import _
from anmok.models.head_layers import parse_head_layers
from anmok.models.layer_count import parse_freeze
from anmok.models.registry import get_model
from anmok.progress import Progress, SilentProgress
from anmok.records import SPLITS, TRAIN, VALID
from anmok.training.memory import share_one_heap
from anmok.training.observer import Observer
from anmok.training.run import Run, find_run

#: Which heads each strategy can train.
HEADS: Mapping[Strategy, tuple[Head, ...]] = {
    "frozen": ("logistic", "linear", "layers"),
    "scratch": ("linear",),
    "partial": ("linear", "layers"),
    "full": ("linear", "layers"),
}


def train(
    recipe: Recipe,
    manifest: Manifest,
    folder: Path,
    *,
    threads: int = 0,
    progress: Progress | None = None,
    observers: Sequence[Observer] = (),
    precheck: bool = False,
    start: Run | None = None,
    keep_state: bool = False,
) -> Run:
    """Train the model of ``recipe`` and leave checkpoint, history and predictions in a run below ``folder``.

    A finished run of the same recipe and data is returned as it is. An unfinished network goes on after its last
    whole epoch; an unfinished head on vectors begins anew, and finds its vectors in the cache.

    Args:
        manifest: every picture stands in a split. A head on vectors learns from train and valid pictures (its
            strength is chosen by cross-validation); a network learns from train and chooses its epoch by valid.
        folder: where runs lie; made if it is missing.
        threads: of decoding and computing; 0 takes all cores.
        observers: told of every epoch, and of the finished run.
        precheck: of a network, look first for a minute whether it can learn at all; say what is wrong, and go on.
        start: a finished run of the same recipe with fewer epochs; the new one begins after its last epoch.
        keep_state: keep what going on from the last epoch needs also when a network is finished: about four times its
            weights.

    Raises:
        UsageError: the strategy does not fit the model, or the head not the strategy; or ``start`` kept nothing to go
            on from.
        WeightsMissing: the backbone's weights are not to be had.
        MissingExtra: the strategy needs PyTorch, which is not installed.
        DataError: pictures without a split, or no pictures to learn from.
        StorageError: disk full, no permission.
    """
    progress = progress or SilentProgress()
    _check(recipe, manifest)
    share_one_heap()
    run, begun = find_run(folder, recipe, manifest.content_hash, start.id if start else "")
    if not (begun and run.is_finished):
        if not begun:
            run.clear()
        if recipe.strategy == "frozen":
            from anmok.training.frozen import train_head

            train_head(run, recipe, manifest, threads=threads, progress=progress, observers=observers)
        else:
            from anmok.training.networks import train_network

            train_network(
                run,
                recipe,
                manifest,
                threads=threads,
                progress=progress,
                observers=observers,
                precheck=precheck,
                start=start,
                keep_state=keep_state,
            )
    for observer in observers:
        observer.finished(run)
    return run


def _check(recipe: Recipe, manifest: Manifest) -> None:
    """Refuse what cannot be trained before anything is computed or written."""
    kind = "network" if recipe.strategy == "scratch" else "extractor"
    spec = get_model(recipe.model)
    if spec.kind != kind or (recipe.strategy in ("partial", "full") and not spec.weights):
        fitting = "scratch" if spec.kind == "network" else "frozen, partial, full" if spec.weights else "frozen"
        raise UsageError(
            _("The recipe {name} trains {model} with the strategy {strategy}, which does not fit it.").format(
                name=recipe.name, model=recipe.model, strategy=recipe.strategy
            ),
            hint=_("Strategies of {model}: {strategies}.").format(model=recipe.model, strategies=fitting),
        )
    if recipe.head not in HEADS[recipe.strategy]:
        raise UsageError(
            _("The recipe {name} asks for a {head} head with the strategy {strategy}.").format(
                name=recipe.name, head=recipe.head, strategy=recipe.strategy
            ),
            hint=_("Heads of this strategy: {heads}.").format(heads=", ".join(HEADS[recipe.strategy])),
        )
    if recipe.strategy == "partial":
        parse_freeze(recipe.freeze)
    if recipe.head == "layers":
        parse_head_layers(recipe.head_layers)
    if (recipe.strategy != "frozen" or recipe.head != "logistic") and importlib.util.find_spec("torch") is None:
        raise MissingExtra(
            _("The recipe {name} trains a network, which needs PyTorch, and PyTorch is not installed.").format(
                name=recipe.name
            ),
            hint=_("Install it with: pip install 'anmok[train]'"),
        )
    splits = manifest.table["split"].to_numpy()
    outside = np.flatnonzero(~np.isin(splits, SPLITS))
    if len(outside):
        raise DataError(
            _("{count} pictures stand in no split, for example {path}.").format(
                count=len(outside), path=manifest.table["path"].iloc[int(outside[0])]
            ),
            hint=_("Split the pictures first: anmok.data.split.assign_splits does it."),
        )
    for split in (TRAIN, VALID):
        if split not in splits:
            raise DataError(
                _("No picture stands in the split {split}, so there is nothing to train with.").format(split=split),
                hint=_("Split the pictures first: anmok.data.split.assign_splits does it."),
            )
