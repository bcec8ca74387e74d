"""The strategy ``frozen``: vectors once through the extractor, then a head on them. No PyTorch."""

from __future__ import annotations

import time
from typing import Any

from anmok.config import Recipe, to_json
from anmok.data.manifest import Manifest
from anmok.environment import describe_environment
from anmok.features.extractor import Extractor, extract
from anmok.i18n import _
from anmok.models.registry import get_model
from anmok.progress import Progress
from anmok.records import TEST, TRAIN, VALID
from anmok.training.checkpoint import save_head
from anmok.training.heads import fit_logistic
from anmok.training.rows import groups_of, predictions_of, rows_of
from anmok.training.run import RUN_FORMAT, Run


def train_head(run: Run, recipe: Recipe, manifest: Manifest, *, threads: int, progress: Progress) -> None:
    """Fit a logistic head on the extractor's vectors of train and valid pictures, and finish the run."""
    begin = time.perf_counter()
    extractor = get_model(recipe.model).extractor(recipe.image_size, recipe.resize, progress=progress)
    run.write_config(_config(run, recipe, manifest, extractor))
    vectors = extract(manifest, extractor, threads=threads, progress=progress)
    ready = time.perf_counter()
    learned = rows_of(manifest, TRAIN, VALID)
    groups = groups_of(manifest)
    with progress.task(_("{name}: fitting the head").format(name=recipe.name), 1) as task:
        fit = fit_logistic(
            vectors[learned],
            manifest.label_indices()[learned],
            recipe.seed,
            classes=len(manifest.classes),
            groups=[groups[row] for row in learned],
            balanced=recipe.class_weights == "balanced",
            threads=threads,
        )
        task.advance()
    probabilities = fit.head.probabilities(vectors)
    # The head has learned from valid pictures; only a fold's head, which has not, can say how sure it may be.
    probabilities[learned] = fit.out_of_fold
    asked = rows_of(manifest, VALID, TEST)
    run.write_predictions(predictions_of(manifest, asked, probabilities[asked]))
    run.write_history([])
    facts = {"strength": fit.strength, "folds": fit.folds, "path": [list(step) for step in fit.path]}
    save_head(run, fit.head, facts)
    run.finish({"features": ready - begin, "training": time.perf_counter() - ready})


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
