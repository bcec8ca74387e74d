"""Pictures a second of training from scratch: Anmok's loop beside Keras and fastai, same networks, same pictures.

    python benchmarks/training_speed.py [--only cifar10-cnn] [--repeats 5] [--pictures 1.0] [--sides anmok,keras,fastai]

All sides get the same decoded pictures in memory, the same batch size and Adam at 1e-3, and change no picture: what is
compared is the loop and the network's steps, not decoding or augmentation, in which Keras and fastai would lose more.
Each measurement is a process of its own with two epochs, of which the second counts; the sides take turns, and medians
are compared. ``--pictures`` takes a share of the pictures, for a quick look. Wanted: 1.5 times the better of the two.

Keras and fastai live in environments of their own (.bench/keras, .bench/fastai, made here when they are absent). Needs
ANMOK_DATA; `make bench` sets it. Ends with exit code 1 if a ratio falls short.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from _environments import ROOT, NotToBeHad, environment, told

WANTED = 1.5
SIDES = ("anmok", "keras", "fastai")


@dataclass(frozen=True)
class Case:
    """A network on a set: the batch size is that of its recipe, the pictures enough for an epoch of some seconds."""

    network: str
    source: str
    size: int
    batch: int
    pictures: int


CASES = (
    Case("cifar10-cnn", "cifar10-small", 32, 32, 6400),
    Case("cats-dogs-cnn", "cats-dogs", 128, 20, 400),
    Case("cnn-small", "cats-dogs", 64, 64, 1280),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="networks, separated by commas")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--pictures", type=float, default=1.0)
    parser.add_argument("--sides", default=",".join(SIDES))
    parser.add_argument("--json", type=Path, help="also write the figures there")
    parser.add_argument("--part", nargs=5, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        print(json.dumps(anmok(*options.part)))
        return 0
    data = Path(os.environ.get("ANMOK_DATA") or "nowhere")
    if not data.is_dir():
        print("skipped: set ANMOK_DATA to the folder of real pictures")
        return 0
    pythons = ready(options.sides.split(","))
    print("| network | pictures | batch | " + " | ".join(f"{side}, pictures/s" for side in pythons) + " | ratio |")
    print("|---" * (4 + len(pythons)) + "|")
    cases = []
    with tempfile.TemporaryDirectory() as scratch:
        for case in CASES:
            if options.only and case.network not in options.only.split(","):
                continue
            path = exported(data, case, Path(scratch))
            cases.append(tabulate(case, measure(case, path, pythons, options.repeats, options.pictures)))
    print(f"load: {os.getloadavg()[0]:.1f}; wanted: {WANTED} times the better of Keras and fastai")
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps({"cases": cases, "load": os.getloadavg()[0]}, indent=1), encoding="utf-8")
    return 0 if all(case["ratio"] is None or case["ratio"] >= WANTED for case in cases) else 1


def ready(sides: list[str]) -> dict[str, str]:
    """Return the Python of each side; a side that cannot be had is said and left out."""
    pythons = {}
    for side in sides:
        try:
            pythons[side] = sys.executable if side == "anmok" else str(environment(side))
        except NotToBeHad as reason:
            print(f"without {side}: {reason}")
    return pythons


def exported(data: Path, case: Case, scratch: Path) -> Path:
    from _pictures import export
    from anmok.data.scan import scan

    path = scratch / f"{case.source}-{case.size}.npz"
    if not path.exists():
        manifest = scan(data / f"{case.source}.zip")
        export(manifest.of_split("train"), case.size, path)
    return path


def measure(case: Case, path: Path, pythons: Mapping[str, str], repeats: int, share: float) -> dict[str, list[float]]:
    """Return pictures a second, ``repeats`` of each side, taken in turns."""
    limit = str(max(case.batch, round(case.pictures * share)))
    common = [case.network, str(path), str(case.batch), "2", limit]
    here = ROOT / "benchmarks"
    scripts = {
        "anmok": [str(here / "training_speed.py"), "--part"],
        "keras": [str(here / "_keras_cnn.py")],
        "fastai": [str(here / "_fastai_cnn.py")],
    }
    speeds: dict[str, list[float]] = {side: [] for side in pythons}
    counted = {}
    for _round in range(repeats):
        for side, python in pythons.items():
            try:
                answer = told([python, *scripts[side], *common], PYTHONPATH=str(ROOT / "src"))
            except subprocess.CalledProcessError as error:
                sys.exit(f"{side} failed on {case.network}: {error}")
            speeds[side].append(answer["pictures"] / answer["seconds"][-1])
            counted[side] = answer["parameters"]
    # Keras counts the running means of batch normalisation as well.
    assert len({count for side, count in counted.items() if side != "keras"}) <= 1, counted
    return speeds


def tabulate(case: Case, speeds: Mapping[str, list[float]]) -> dict[str, Any]:
    """Print a row and return it."""
    medians = {side: statistics.median(values) for side, values in speeds.items()}
    others = [value for side, value in medians.items() if side != "anmok"]
    ratio = medians["anmok"] / max(others) if others and "anmok" in medians else None
    cells = [f"{medians[side]:.0f} ({min(values):.0f}-{max(values):.0f})" for side, values in speeds.items()]
    cells.append("" if ratio is None else f"{ratio:.2f}" + ("" if ratio >= WANTED else " MISSED"))
    print(f"| {case.network} | {case.source}, {case.size} px | {case.batch} | " + " | ".join(cells) + " |", flush=True)
    return {"network": case.network, "medians": medians, "ratio": ratio}


def anmok(network: str, path: str, batch: str, epochs: str, limit: str) -> dict[str, Any]:
    """Train with Anmok's own loop, as a recipe with the settings of the others would."""
    import numpy as np
    import torch

    from anmok.config import Recipe
    from anmok.models.networks import get_network
    from anmok.progress import SilentProgress
    from anmok.training.device import choose_device
    from anmok.training.loop import Loop, PictureSet
    from anmok.training.memory import share_one_heap
    from anmok.training.workers import Workers

    values = np.load(path)
    pixels, labels = values["pictures"], values["labels"]
    rows = np.flatnonzero(values["splits"] == "train")[: int(limit)]
    recipe = Recipe(
        name=network,
        model=network,
        strategy="scratch",
        head="linear",
        image_size=pixels.shape[1],
        batch_size=int(batch),
        epochs=int(epochs),
        optimizer="adam",
        schedule="constant",
    )
    share_one_heap()  # as every training of Anmok does first
    torch.manual_seed(0)
    module = get_network(network)(int(labels.max()) + 1, image_size=pixels.shape[1]).to(choose_device())
    train, valid = PictureSet(pixels, labels, rows), PictureSet(pixels, labels, rows[:1])
    with Workers(0) as workers:
        loop = Loop(module, recipe, train, valid, workers=workers, epochs=int(epochs))
        with SilentProgress().task("", len(rows) * int(epochs), unit="") as task:
            loop.run(task, lambda: None)
    parameters = sum(parameter.numel() for parameter in module.parameters())
    seconds = [row["seconds"] for row in loop.history]
    return {"seconds": seconds, "pictures": len(rows), "parameters": parameters}


if __name__ == "__main__":
    sys.exit(main())
