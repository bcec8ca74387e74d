"""How often the diagnosis of trainings is right: ill trainings that it names, healthy ones that it leaves alone.

    .venv/bin/python benchmarks/diagnosis.py [--sets digits,sample] [--seeds 3]

Trains cnn-small at 32 pixels on 400 pictures of each set, as its recipe says but for the illness. The truth does not
come from the history: a healthy training has the recipe's own settings, an ill one a setting that is wrong.
"""

from __future__ import annotations

import argparse
import dataclasses

import numpy as np
import torch
from numpy.typing import NDArray

from anmok.config import Recipe, to_json
from anmok.data.scan import scan
from anmok.evaluation.diagnosis import Training, diagnose_training
from anmok.features.extraction import load_pixels
from anmok.models.networks import get_network
from anmok.models.recipes import get_recipe
from anmok.progress import SilentProgress
from anmok.training.loop import Loop, PictureSet
from anmok.training.workers import Workers

SIZE, LEARN, VALID = 32, 400, 150
PLAIN = {"augmentation": "none", "label_smoothing": 0.0, "weight_decay": 0.0}
#: By name: changes of the recipe, training pictures, share of labels drawn by lot, illnesses that are right answers.
ILL = {
    "rate 1": ({"learning_rate": 1.0, "epochs": 6}, LEARN, 0.0, {"rate-too-high"}),
    "rate 0.1": ({"learning_rate": 0.1, "epochs": 6}, LEARN, 0.0, {"rate-too-high"}),
    "rate 1e-5": ({"learning_rate": 1e-5, "epochs": 6}, LEARN, 0.0, {"rate-too-low"}),
    "rate 1e-6": ({"learning_rate": 1e-6, "epochs": 6}, LEARN, 0.0, {"rate-too-low"}),
    "1 epoch": ({"epochs": 1}, LEARN, 0.0, {"underfitting"}),
    "60 pictures": ({"epochs": 30, **PLAIN}, 60, 0.0, {"overfitting"}),
    "labels by lot": ({"epochs": 10}, LEARN, 1.0, {"nothing-learnt"}),
}


def main() -> None:
    """Print a row for each training, and how many were named rightly."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--sets", default="digits,sample")
    options.add_argument("--seeds", type=int, default=3)
    chosen = options.parse_args()
    named, alarms, ill, healthy = 0, 0, 0, 0
    for name in chosen.sets.split(","):
        pixels, labels = _pictures(name)
        for title, (changes, learn, wrong, right) in ILL.items():
            found, facts = _diagnosed(pixels, labels, _recipe(0, **changes), learn, wrong)
            ill, named = ill + 1, named + bool(found & right)
            print(f"{name:8} {title:14} {', '.join(sorted(found)) or '-':30} {facts}", flush=True)
        for seed in range(chosen.seeds):
            found, facts = _diagnosed(pixels, labels, _recipe(seed, epochs=15), LEARN, 0.0)
            healthy, alarms = healthy + 1, alarms + bool(found)
            print(f"{name:8} healthy {seed:<6} {', '.join(sorted(found)) or '-':30} {facts}", flush=True)
    print(f"{named} of {ill} ill trainings named rightly; alarms in {alarms} of {healthy} healthy ones")


def _recipe(seed: int, **changes: object) -> Recipe:
    return dataclasses.replace(get_recipe("cnn-small"), image_size=SIZE, seed=seed, **changes)  # type: ignore[arg-type]


def _pictures(name: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    manifest = scan(name, threads=1)
    order = np.random.default_rng(0).permutation(len(manifest.table))[: LEARN + VALID]
    some = manifest.with_table(manifest.table.iloc[np.sort(order)])
    return np.array(load_pixels(some, SIZE, "squash", threads=1)), manifest.label_indices()[np.sort(order)]


def _diagnosed(
    pixels: NDArray[np.uint8], labels: NDArray[np.int64], recipe: Recipe, learn: int, wrong: float
) -> tuple[set[str], str]:
    random = np.random.default_rng(recipe.seed)
    rows = random.permutation(len(labels))
    valid, train = rows[: len(rows) // 4], rows[len(rows) // 4 :][:learn]
    taught = labels.copy()
    if wrong:
        taught[train] = random.permutation(taught[train])
    classes = int(labels.max()) + 1
    with Workers(0) as workers:
        torch.manual_seed(recipe.seed)
        network = get_network(recipe.model)(classes, image_size=SIZE)
        sets = [PictureSet(pixels, its, part) for its, part in ((taught, train), (labels, valid))]
        loop = Loop(network, recipe, *sets, workers=workers, epochs=recipe.epochs)
        loop.run(SilentProgress().task(""), lambda: None)
    counts = {str(number): int(count) for number, count in enumerate(np.bincount(taught[train], minlength=classes))}
    training = Training(
        name=recipe.name, history=loop.history, recipe=to_json(recipe), classes=counts, valid_pictures=len(valid)
    )
    last = loop.history[-1]
    facts = f"train {last['train_accuracy']:.2f}, validation {last['valid_accuracy']:.2f}"
    return {one.illness for one in diagnose_training(training)}, facts


if __name__ == "__main__":
    main()
