"""The strategy ``frozen``: vectors once through the extractor, then a head on them. No PyTorch."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anmok.config import Recipe, to_json
from anmok.data.manifest import Manifest
from anmok.features.extractor import Extractor, extract
from anmok.i18n import _
from anmok.models.registry import get_model
from anmok.progress import Progress
from anmok.records import TEST, VALID
from anmok.training.checkpoint import save_head
from anmok.training.heads import HeadFit, fit_logistic
from anmok.training.run import RUN_FORMAT, Predictions, Run, describe_environment


def train_head(run: Run, recipe: Recipe, manifest: Manifest, *, threads: int, progress: Progress) -> None:
    """Fit a logistic head on the extractor's vectors of train and valid pictures, and finish the run."""
    begin = time.perf_counter()
    extractor = get_model(recipe.model).extractor(recipe.image_size, recipe.resize, progress=progress)
    run.write_config(_config(run, recipe, manifest, extractor))
    vectors = extract(manifest, extractor, threads=threads, progress=progress)
    ready = time.perf_counter()
    splits = manifest.table["split"].to_numpy()
    learned = np.flatnonzero(splits != TEST)
    groups = groups_of(manifest)
    with progress.task(_("{name}: fitting the head").format(name=recipe.name), 1) as task:
        fit = fit_logistic(
            vectors[learned],
            manifest.label_indices()[learned],
            recipe.seed,
            classes=len(manifest.classes),
            groups=[groups[row] for row in learned],
            threads=threads,
        )
        task.advance()
    run.write_predictions(_predictions(manifest, vectors, fit, learned))
    run.write_history([])
    facts = {"strength": fit.strength, "folds": fit.folds, "path": [list(step) for step in fit.path]}
    save_head(run, fit.head, facts)
    run.finish({"features": ready - begin, "training": time.perf_counter() - ready})


def groups_of(manifest: Manifest) -> list[str]:
    """Return the group of each picture: what the manifest says, else the hash of its bytes."""
    return [group or own for group, own in zip(manifest.table["group"], manifest.table["id"], strict=True)]


def _predictions(
    manifest: Manifest, vectors: NDArray[np.float32], fit: HeadFit, learned: NDArray[np.int64]
) -> Predictions:
    table, labels = manifest.table, manifest.label_indices()
    splits = table["split"].to_numpy(dtype=str)
    probabilities = fit.head.probabilities(vectors)
    # The head has learned from valid pictures; only a fold's head, which has not, can say how sure it may be.
    probabilities[learned] = fit.out_of_fold
    rows = np.flatnonzero(np.isin(splits, (VALID, TEST)))
    return Predictions(
        tuple(table["path"].iloc[rows]),
        tuple(table["id"].iloc[rows]),
        tuple(splits[rows].tolist()),
        labels[rows],
        probabilities[rows],
    )


def _config(run: Run, recipe: Recipe, manifest: Manifest, extractor: Extractor) -> dict[str, Any]:
    return {
        "format": RUN_FORMAT,
        "id": run.id,
        "recipe": to_json(recipe),
        "data_hash": manifest.content_hash,
        "classes": list(manifest.classes),
        "image_size": extractor.input_size,
        "resize": extractor.resize,
        "extractor": {"name": extractor.name, "sha256": extractor.sha256, "dim": extractor.dim},
        "environment": describe_environment(),
    }
