"""How often a comparison calls equal models different (it must hardly ever), and how often it finds a worse one.

    python benchmarks/equal_models.py [--sets cats-dogs,scenes6] [--rounds 200] [--test 400]

Needs ANMOK_DATA and ANMOK_WEIGHTS; `make bench` sets them. In each round the pictures of a set are divided anew, and
a head of layers learns from MobileNetV2's vectors with four seeds of one recipe. Two of them are one comparison, all
four (six pairs) another. The worse model is the same recipe with an eighth of the training pictures. "Called different"
is what `anmok compare` says: McNemar's exact test for accuracy, the paired bootstrap for the rest, Holm's correction
for all pairs. Prints one Markdown row a set. Ends with exit code 1 if two equal models are called different by accuracy
in more than 7 % of rounds, or any two of four, or the worse one is told apart in fewer than half of them where it is
worse by 5 points of accuracy or more (of cats and dogs an eighth of the pictures teaches nearly as much).
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anmok.clean.evidence import Evidence
from anmok.config import CleanConfig, Recipe
from anmok.data.manifest import Manifest
from anmok.data.scan import scan
from anmok.evaluation.pair_results import ALPHA, Pair
from anmok.evaluation.paired import compare_pairs
from anmok.evaluation.results import HEADLINE_METRICS
from anmok.training.frozen_layers import ViewedVectors, fit_layers
from anmok.training.heads_layered import LayeredHead
from anmok.training.predictions import Predictions

MOST_WRONG, LEAST_FOUND, CLEARLY_WORSE = 0.07, 0.5, 0.05
EQUAL, WORSE_LEARNS_FROM, EPOCHS = 4, 8, 8


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", default="cats-dogs,scenes6")
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--test", type=int, default=400, help="pictures to measure on")
    options = parser.parse_args()
    data = Path(os.environ.get("ANMOK_DATA") or "nowhere")
    if not (data.is_dir() and os.environ.get("ANMOK_WEIGHTS")):
        print("skipped: set ANMOK_DATA and ANMOK_WEIGHTS to the folders of real pictures and weights")
        return 0
    names = ", ".join(HEADLINE_METRICS)
    print(f"called different in % of {options.rounds} comparisons, by {names}; {options.test} test pictures\n")
    print("| pictures | two equal | four equal, any pair | a worse one | accuracy, equal and worse | seconds |")
    print("|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as cache:
        os.environ.setdefault("ANMOK_CACHE", cache)
        met = [measure(data / f"{name}.zip", options.rounds, options.test) for name in options.sets.split(",")]
    return 0 if all(met) else 1


def measure(source: Path, rounds: int, test: int) -> bool:
    manifest = scan(source)
    vectors = Evidence(manifest, CleanConfig(vectors="mobilenetv2")).vectors
    labels = manifest.label_indices()
    begin = time.perf_counter()
    two, four, worse = (dict.fromkeys(HEADLINE_METRICS, 0) for _kind in range(3))
    right: list[tuple[float, float]] = []
    for seed in range(rounds):
        random = np.random.default_rng(seed)
        order = random.permutation(len(labels))
        held, valid, train = np.split(order, (test, test + (len(order) - test) // 7))
        answers = {
            f"{number}": answered(learned(manifest, vectors, (part, valid), seed=number), vectors[held], labels[held])
            for number, part in enumerate([train] * EQUAL + [train[: len(train) // WORSE_LEARNS_FROM]])
        }
        *equal, last = answers
        count(two, compare_pairs(equal[:2], answers, seed=seed))
        count(four, compare_pairs(equal, answers, seed=seed))
        count(worse, compare_pairs([equal[0], last], answers, seed=seed))
        shares = [float((one.probabilities.argmax(1) == one.labels).mean()) for one in answers.values()]
        right.append((float(np.mean(shares[:-1])), shares[-1]))
    cells = [" ".join(f"{100 * found / rounds:.1f}" for found in kind.values()) for kind in (two, four, worse)]
    good, bad = np.mean(right, axis=0)
    accuracy = f"{good:.3f} {bad:.3f}"
    print(f"| {source.stem} | {' | '.join(cells)} | {accuracy} | {time.perf_counter() - begin:.0f} |", flush=True)
    wrong = max(two["accuracy"], four["accuracy"]) / rounds
    found = worse["accuracy"] / rounds >= LEAST_FOUND or good - bad < CLEARLY_WORSE
    return bool(wrong <= MOST_WRONG and found)


def learned(
    manifest: Manifest, vectors: NDArray[np.float32], parts: tuple[NDArray[np.int64], NDArray[np.int64]], *, seed: int
) -> LayeredHead:
    """Return the head that the recipe makes of the pictures in ``parts`` (train, valid)."""
    (train, valid), labels = parts, manifest.label_indices()
    recipe = Recipe(
        name="equal",
        model="mobilenetv2",
        head="layers",
        head_layers=("average-pool", "dense 128", "dropout 0.2"),
        epochs=EPOCHS,
        seed=seed,
    )
    views = ViewedVectors([vectors[train]], labels[train])
    classes = len(manifest.classes)
    return fit_layers(views, vectors[valid], labels[valid], recipe, output="embedding", classes=classes).head


def answered(head: LayeredHead, vectors: NDArray[np.float32], labels: NDArray[np.int64]) -> Predictions:
    paths = tuple(map(str, range(len(labels))))
    return Predictions(paths, paths, ("test",) * len(labels), labels, head.probabilities(vectors))


def count(found: dict[str, int], pairs: tuple[Pair, ...]) -> None:
    """Count for each metric whether any of the pairs is called different."""
    for metric in found:
        found[metric] += any(pair.differences[metric].p_holm < ALPHA for pair in pairs if metric in pair.differences)


if __name__ == "__main__":
    sys.exit(main())
