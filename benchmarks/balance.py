"""What balancing a training set is worth: a class of scenes6 with few training pictures, and three ways of helping it.

    python benchmarks/balance.py [--data FOLDER] [--keep 12] [--models handcrafted,mobilenetv2]

Prints one line for each model and way: the rare class's recall, balanced accuracy, and the mean probability that the
rare class is given beside its true share of the test pictures (calibration).
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from anmok.config import SplitConfig
from anmok.data.balance import undersample
from anmok.data.manifest import Manifest
from anmok.data.scan import scan
from anmok.data.split import assign_splits, check
from anmok.models.recipes import get_recipe
from anmok.pipeline.balance import oversample
from anmok.training.train import train

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "data"


def main() -> None:
    """Train each model on the uneven set as it is, with class weights, oversampled, and undersampled; print figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=FOLDER)
    parser.add_argument("--keep", type=int, default=12, help="training pictures of the rare class")
    parser.add_argument("--models", default="handcrafted,mobilenetv2")
    options = parser.parse_args()
    manifest = assign_splits(check(scan(options.data / "scenes6.zip"), "repair"), SplitConfig())
    print(f"{'rare class':12}{'model':14}{'way':14}{'recall':>8}{'balanced':>10}{'mean p':>8}{'share':>8}")
    with tempfile.TemporaryDirectory() as folder:
        for rare in (manifest.classes[0], manifest.classes[3]):
            uneven = undersample(manifest, [rare], to=options.keep)
            sets = {
                "as it is": (uneven, "none"),
                "weights": (uneven, "balanced"),
                "oversample": (oversample(uneven, Path(folder) / rare), "none"),
                "undersample": (undersample(uneven, to="min"), "none"),
            }
            for model in options.models.split(","):
                for way, (pictures, weights) in sets.items():
                    report(rare, model, way, pictures, weights, Path(folder) / "runs")


def report(rare: str, model: str, way: str, pictures: Manifest, weights: str, folder: Path) -> None:
    """Train one model and print its line."""
    recipe = get_recipe(model)
    if weights == "balanced":
        recipe = replace(recipe, class_weights="balanced")
    test = train(recipe, pictures, folder).predictions().of_split("test")
    answers = test.probabilities.argmax(axis=1)
    recalls = [float((answers == number)[test.labels == number].mean()) for number in range(len(pictures.classes))]
    number = pictures.classes.index(rare)
    share, mean = (test.labels == number).mean(), test.probabilities[:, number].mean()
    print(
        f"{rare:12}{model:14}{way:14}{recalls[number]:8.3f}{np.mean(recalls):10.3f}{mean:8.3f}{share:8.3f}", flush=True
    )


if __name__ == "__main__":
    main()
