"""The strategy ``frozen``: vectors once through the extractor, then a head on them.

A logistic head on the pictures as they are needs no PyTorch; heads of layers, and augmented views, do.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anmok.config import Recipe, to_json
from anmok.data.manifest import Manifest
from anmok.environment import describe_environment
from anmok.errors import UsageError
from anmok.features.extraction import extract, extract_maps
from anmok.features.extractor import Extractor, View
from anmok.features.extractor_outputs import map_shape
from anmok.i18n import _
from anmok.models.head_layers import parse_head_layers
from anmok.models.registry import get_model
from anmok.progress import Progress
from anmok.records import TEST, TRAIN, VALID
from anmok.training.checkpoint import save_head
from anmok.training.heads import fit_logistic
from anmok.training.heads_layered import LayeredHead, Power, Vectors, through
from anmok.training.observer import Observer
from anmok.training.precheck_result import tell_alike
from anmok.training.rows import groups_of, predictions_of, rows_of
from anmok.training.run import RUN_FORMAT, Run
from anmok.training.schedule import epochs_for
from anmok.training.views import views_of

#: Vectors that are longer lie in files and not in memory.
LONGEST_IN_MEMORY = 8192
#: Vectors of a head of layers that are looked at for being all alike; more may lie in files.
LOOKED_AT = 256


def train_head(
    run: Run,
    recipe: Recipe,
    manifest: Manifest,
    *,
    threads: int,
    progress: Progress,
    observers: Sequence[Observer] = (),
) -> None:
    """Turn pictures (and views of training pictures) into vectors, fit the recipe's head on them, finish the run."""
    _check(recipe)
    views = views_of(recipe)
    begin = time.perf_counter()
    extractor = extractor_of(recipe, progress=progress)
    run.write_config(_config(run, recipe, manifest, extractor))
    source = _Source(manifest, extractor, threads, progress)
    ready = begin
    if recipe.head == "logistic":
        ready = _train_logistic(run, recipe, source, views)
    else:
        ready = _train_layers(run, recipe, source, views, observers)
    spared = source.spared.seconds
    run.finish({"features": ready - begin + spared, "training": time.perf_counter() - ready}, spared=spared)


def extractor_of(recipe: Recipe, *, image_size: int = 0, progress: Progress | None = None) -> Extractor:
    """Return the extractor of a frozen recipe, which gives the vectors that its head takes.

    A mean over the feature map is the embedding itself for networks that end so; then it is taken, since other heads
    share its vectors in the cache.

    Args:
        image_size: pixels; 0 takes the recipe's.
    """
    size = image_size or recipe.image_size
    extractor = get_model(recipe.model).extractor(
        size, recipe.resize, preprocessing=recipe.preprocessing, progress=progress
    )
    if recipe.head != "layers":
        return extractor
    output = parse_head_layers(recipe.head_layers)[0].kind
    channels, height, width = map_shape(extractor.onnx)
    if output == "average-pool" and ends_with_mean(extractor):
        return extractor
    assert output in ("average-pool", "max-pool", "flatten")
    dim = channels * height * width if output == "flatten" else channels
    return dataclasses.replace(extractor, output=output, dim=dim)


def ends_with_mean(extractor: Extractor) -> bool:
    """Tell whether an extractor's embedding is the mean over its feature map, on a picture of noise."""
    from anmok.features.session import open_session

    noise = np.random.default_rng(0).integers(0, 256, (1, extractor.input_size, extractor.input_size, 3), np.uint8)
    embedding, maps = open_session(extractor.onnx).run(["embedding", "feature_map"], {"pictures": noise})
    mean = maps.mean(axis=(2, 3))
    return embedding.shape == mean.shape and bool(np.allclose(embedding, mean, rtol=1e-4, atol=1e-5))


def _check(recipe: Recipe) -> None:
    """Refuse settings that a head on vectors cannot follow."""
    unused = {"mixup": recipe.mixup > 0, "cutmix": recipe.cutmix > 0, "ema": recipe.ema > 0}
    unused["accumulate"] = recipe.accumulate > 1
    for name, is_set in unused.items():
        if is_set:
            raise UsageError(
                _(
                    "The recipe {recipe} sets {name}, which a head on vectors of a frozen network has no use for."
                ).format(recipe=recipe.name, name=name),
                hint=_('Leave it out, or train the network itself: strategy = "partial" or "full".'),
            )


class _Spared:
    """Adds up what vectors at hand took when they were made; none that this training made, or asked for before."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._asked: set[tuple[str, str]] = set()

    def of(self, view: View | None, ids: Iterable[str]) -> Callable[[Mapping[str, float]], None]:
        """Return what is told the seconds of the vectors of these pictures."""
        asked = {(view.key if view else "", picture) for picture in ids}
        new = asked - self._asked
        self._asked |= asked

        def add(seconds: Mapping[str, float]) -> None:
            self.seconds += sum(took for picture, took in seconds.items() if (view.key if view else "", picture) in new)

        return add


@dataclasses.dataclass(frozen=True)
class _Source:
    """Where vectors come from."""

    manifest: Manifest
    extractor: Extractor
    threads: int
    progress: Progress
    spared: _Spared = dataclasses.field(default_factory=_Spared)

    def rows(self, rows: NDArray[np.int64], view: View | None = None, *, dtype: str = "<f2") -> Vectors:
        """Return vectors of these rows of the manifest, in memory or, where they are long, in files as ``dtype``."""
        some = self.manifest.with_table(self.manifest.table.iloc[rows])
        if self.extractor.dim > LONGEST_IN_MEMORY:
            # Vectors of another precision are others, and made for themselves.
            told = self.spared.of(view, (f"{dtype} {picture}" for picture in some.table["id"]))
            return extract_maps(
                some,
                self.extractor,
                dtype=dtype,
                view=view,
                threads=self.threads,
                progress=self.progress,
                spared=lambda seconds: told({f"{dtype} {picture}": took for picture, took in seconds.items()}),
            )
        return extract(
            some,
            self.extractor,
            view=view,
            threads=self.threads,
            progress=self.progress,
            spared=self.spared.of(view, some.table["id"]),
        )


def _train_logistic(run: Run, recipe: Recipe, source: _Source, views: tuple[View, ...]) -> float:
    """Fit on train and valid pictures and their views; return when the vectors were ready."""
    manifest = source.manifest
    vectors = extract(
        manifest,
        source.extractor,
        threads=source.threads,
        progress=source.progress,
        spared=source.spared.of(None, manifest.table["id"]),
    )
    learned = rows_of(manifest, TRAIN, VALID)
    tell_alike(vectors[learned], recipe.name, source.progress)
    seen = [vectors[learned], *(np.asarray(source.rows(learned, view)) for view in views)]
    ready = time.perf_counter()
    first = () if recipe.power == 1 else (Power(np.array(recipe.power, dtype=np.float32)),)
    groups = groups_of(manifest)
    with source.progress.task(_("{name}: fitting the head").format(name=recipe.name), 1) as task:
        fit = fit_logistic(
            through(first, np.concatenate(seen)),
            np.tile(manifest.label_indices()[learned], len(seen)),
            recipe.seed,
            classes=len(manifest.classes),
            groups=[groups[row] for row in learned] * len(seen),
            asked=len(learned),
            balanced=recipe.class_weights == "balanced",
            threads=source.threads,
        )
        task.advance()
    head = LayeredHead("embedding", (*first, *fit.head.steps)) if first else fit.head
    probabilities = head.probabilities(vectors)
    # The head has learned from valid pictures; only a fold's head, which has not, can say how sure it may be.
    probabilities[learned] = fit.out_of_fold
    asked = rows_of(manifest, VALID, TEST)
    run.write_predictions(predictions_of(manifest, asked, probabilities[asked]))
    # All of them, since a temperature from the few valid pictures alone is a matter of chance.
    held_out = np.flatnonzero(fit.left_out)
    run.write_out_of_fold(predictions_of(manifest, learned[held_out], fit.out_of_fold[held_out]))
    run.write_history([])
    facts = {"strength": fit.strength, "folds": fit.folds, "path": [list(step) for step in fit.path]}
    save_head(run, head, facts)
    return ready


def _train_layers(
    run: Run, recipe: Recipe, source: _Source, views: tuple[View, ...], observers: Sequence[Observer]
) -> float:
    """Learn from train, choose the epoch by valid; return when the vectors were ready."""
    from anmok.training.frozen_layers import ViewedVectors, fit_layers

    manifest = source.manifest
    labels = manifest.label_indices()
    learned, chosen_by, asked = rows_of(manifest, TRAIN), rows_of(manifest, VALID), rows_of(manifest, VALID, TEST)
    # What is asked must be what the exported graph says, so these are not rounded.
    asked_vectors = source.rows(asked, dtype="<f4")
    valid = source.rows(chosen_by, dtype="<f4")
    sources = [source.rows(learned), *(source.rows(learned, view) for view in views)]
    some = np.arange(min(len(learned), LOOKED_AT))
    tell_alike(np.asarray(sources[0][some]), recipe.name, source.progress)
    ready = time.perf_counter()
    for observer in observers:
        observer.begins(run, ())
    epochs = recipe.epochs or epochs_for(len(learned) * (1 + recipe.copies))
    title = _("{name}: training the head").format(name=recipe.name)
    with source.progress.task(title, epochs, unit=_("epochs")) as task:

        def report(row: Mapping[str, float]) -> None:
            for observer in observers:
                observer.epoch_ended(run, row)
            task.advance()

        fit = fit_layers(
            ViewedVectors(sources, labels[learned], copies=recipe.copies),
            valid,
            labels[chosen_by],
            recipe,
            output=source.extractor.output,
            classes=len(manifest.classes),
            report=report,
        )
    run.write_predictions(predictions_of(manifest, asked, fit.head.probabilities(asked_vectors)))
    run.write_history(fit.history)
    save_head(run, fit.head, {"epoch": fit.epoch, "epochs": len(fit.history)})
    return ready


def _config(run: Run, recipe: Recipe, manifest: Manifest, extractor: Extractor) -> dict[str, Any]:
    return {
        "format": RUN_FORMAT,
        "id": run.id,
        "recipe": to_json(recipe),
        "data_hash": manifest.content_hash,
        "classes": list(manifest.classes),
        "image_size": extractor.input_size,
        "resize": extractor.resize,
        "extractor": {
            "name": extractor.name,
            "sha256": extractor.sha256,
            "dim": extractor.dim,
            "output": extractor.output,
        },
        "environment": describe_environment(),
    }
