"""cifar10-cnn beside the same network in Keras, and our own small network in the same time.

    python benchmarks/cifar10_keras.py [--seeds 0] [--json FILE] [--no-keras]

cifar10-small.zip, 30 % of its training pictures for validation, the same three parts on all sides; 10 epochs, batches
of 32, Adam, and the weights of the last epoch, as published. Wanted: the test accuracies (means over the seeds) lie
within 3 points of each other. Then cnn-tiny learns from the same pictures: its test accuracy is to be 12 points above
cifar10-cnn's and its seconds (epochs with validation, one training after the other) no more. Seconds on a busy machine
say little; the seconds of processor time are printed beside them. Ends with exit code 1 if anything falls short.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from _environments import ROOT, NotToBeHad, environment, told

NEAR, AHEAD = 0.03, 0.12


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--json", type=Path, help="also write the figures there")
    parser.add_argument("--no-keras", action="store_true")
    parser.add_argument("--part", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        print(json.dumps(anmok(*options.part)))
        return 0
    data = Path(os.environ.get("ANMOK_DATA") or "nowhere")
    if not data.is_dir():
        print("skipped: set ANMOK_DATA to the folder of real pictures")
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        sides = measure(data, Path(scratch), options.seeds.split(","), with_keras=not options.no_keras)
    figures = judged(sides)
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")
    return 0 if figures["ahead"] and figures["near"] in (True, None) else 1


def measure(data: Path, scratch: Path, seeds: list[str], *, with_keras: bool) -> dict[str, list[dict[str, Any]]]:
    from _pictures import divided, export

    manifest = divided(data / "cifar10-small.zip", valid=0.3)
    manifest.save(scratch / "manifest.parquet")
    export(manifest, 32, scratch / "pictures.npz")
    sides: dict[str, list[dict[str, Any]]] = {"cifar10-cnn": [], "cnn-tiny": [], "keras": []}
    for seed in seeds:
        for recipe in ("cifar10-cnn", "cnn-tiny"):
            part = [sys.executable, __file__, "--part", recipe, str(scratch / "manifest.parquet"), str(scratch), seed]
            sides[recipe].append(told(part))
        if not with_keras:
            continue
        script = str(ROOT / "benchmarks" / "_keras_cnn.py")
        try:
            command = [str(environment("keras")), script, "cifar10-cnn", str(scratch / "pictures.npz"), "32", "10"]
        except NotToBeHad as reason:
            print(f"without Keras: {reason}")
            continue
        answer = told([*command, "0", seed])
        figures = {"test": answer["test"][-1], "valid": answer["valid"][-1], "seconds": sum(answer["seconds"])}
        sides["keras"].append({**figures, "epochs": len(answer["seconds"]), "processor": None})
    return sides


def judged(sides: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """Print the table and return the figures."""
    print("| | epochs | validation | test, mean | test, each | seconds | of the processor |")
    print("|---|---|---|---|---|---|---|")
    for name, runs in sides.items():
        if not runs:
            continue
        each = ", ".join(f"{run['test']:.4f}" for run in runs)
        used = "" if runs[0]["processor"] is None else f"{mean(runs, 'processor'):.0f}"
        print(
            f"| {name} | {runs[0]['epochs']} | {mean(runs, 'valid'):.4f} | {mean(runs, 'test'):.4f} | {each} "
            f"| {mean(runs, 'seconds'):.0f} | {used} |"
        )
    ours, tiny = mean(sides["cifar10-cnn"], "test"), mean(sides["cnn-tiny"], "test")
    names = {"ours_seconds": "cifar10-cnn", "tiny_seconds": "cnn-tiny"}
    seconds = {key: mean(sides[name], "seconds") for key, name in names.items()}
    keras = mean(sides["keras"], "test") if sides["keras"] else None
    near = None if keras is None else abs(ours - keras) <= NEAR
    ahead = tiny - ours >= AHEAD and seconds["tiny_seconds"] <= seconds["ours_seconds"]
    print(f"within {NEAR:.0%} of Keras: {near}")
    print(f"cnn-tiny {tiny - ours:+.1%} (wanted {AHEAD:+.0%}) in the same time: {ahead}")
    print(f"load: {os.getloadavg()[0]:.1f}")
    return {"ours": ours, "keras": keras, "tiny": tiny, "near": near, "ahead": ahead, **seconds}


def mean(runs: list[dict[str, Any]], name: str) -> float:
    return statistics.fmean(run[name] for run in runs)


def anmok(name: str, manifest: str, folder: str, seed: str) -> dict[str, Any]:
    """Train one recipe as published and return its last epoch's figures."""
    import dataclasses

    from anmok.data.manifest import Manifest
    from anmok.models.recipes import get_recipe_file
    from anmok.training.train import train

    file = get_recipe_file(name)
    recipe = dataclasses.replace(file.published() if file.as_published else file.recipe, seed=int(seed))
    run = train(recipe, Manifest.load(Path(manifest)), Path(folder) / "runs")
    test = run.predictions().of_split("test")
    usage = resource.getrusage(resource.RUSAGE_SELF)
    history = run.history()
    return {
        "test": float((test.probabilities.argmax(axis=1) == test.labels).mean()),
        "valid": history[-1]["valid_accuracy"],
        "seconds": sum(row["seconds"] for row in history),
        "epochs": len(history),
        "processor": usage.ru_utime + usage.ru_stime,
    }


if __name__ == "__main__":
    sys.exit(main())
