"""None of these: a model of six landscapes shown cats and dogs, sports and drawings; and how the score was chosen.

    python benchmarks/unknown.py                                       the row of the issue's table
    python benchmarks/unknown.py --known cats-dogs --recipe cnn-small  another model, by the other sets
    python benchmarks/unknown.py --choose                              all scores, on other sets than the row's
    python benchmarks/unknown.py --speed                               what a score costs

Needs ANMOK_DATA and ANMOK_WEIGHTS (`make bench` sets them where the folders lie beside the project). The first two make
a bundle as a user does (`anmok train`) and ask it as a user does (`anmok evaluate --unknown`); the first ends with exit
code 1 if the mean AUROC stays below 0.985 or the mean false acceptance where 95 % of the known test pictures are
accepted lies above 0.05. The third shows frozen MobileNetV2 bundles of other sets to each other's pictures, with every
registered score and settings of it.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
import tracemalloc
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np

from anmok.bundle.format import read_bundle
from anmok.bundle.reference import Reference
from anmok.bundle.unknown.registry import Score, all_scores, get_score
from anmok.data.manifest import Manifest
from anmok.data.scan import scan
from anmok.evaluation.measure_unknown import share
from anmok.features.extraction import extract
from anmok.metrics.selection import separation_auc
from anmok.models.recipes import get_recipe
from anmok.training.checkpoint import load_head
from anmok.training.frozen import extractor_of
from anmok.training.run import Run

WANTED_AUROC, WANTED_ACCEPTANCE = 0.985, 0.05
DRAWINGS = "drawings-with-photos"
OTHERS = ("cats-dogs", "sports100-small", DRAWINGS)
#: Known sets of the choice, and classes of other sets that show the same things and are therefore no strangers.
CHOICE = ("cats-dogs", "sports100-small", "horse-or-human", DRAWINGS)
STRANGERS = (*CHOICE, "scenes6", "cifar10-small")
SHARED: dict[tuple[str, str], tuple[str, ...]] = {
    ("cats-dogs", DRAWINGS): ("dog",),
    (DRAWINGS, "cats-dogs"): ("dogs",),
    ("cats-dogs", "cifar10-small"): ("cat", "dog"),
    (DRAWINGS, "cifar10-small"): ("dog",),
    ("horse-or-human", "cifar10-small"): ("horse",),
}
#: Sets that show each other's things throughout: people and horses do sports.
ALIKE = (frozenset({"horse-or-human", "sports100-small"}),)
#: Pictures of a set of strangers, at most: the first ones of a fixed order by lot.
MOST = 1000
COUNTS = [{"neighbours": count} for count in (1, 3, 5, 10)]
SETTINGS = {"neighbours": COUNTS, "neighbour-mean": COUNTS[1:]}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--known", default="scenes6")
    parser.add_argument("--recipe", default="mobilenetv2")
    parser.add_argument("--choose", action="store_true")
    parser.add_argument("--speed", action="store_true")
    chosen = parser.parse_args()
    if chosen.speed:
        measure_speed()
        return 0
    data, weights = os.environ.get("ANMOK_DATA", ""), os.environ.get("ANMOK_WEIGHTS", "")
    if not (data and weights and Path(data).is_dir()):
        print("skipped: set ANMOK_DATA and ANMOK_WEIGHTS to the folders of real pictures and weights")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        if chosen.choose:
            choose(Path(data), Path(folder))
            return 0
        reached = row(Path(data), Path(folder), chosen.known, chosen.recipe)
        return 0 if reached or (chosen.known, chosen.recipe) != ("scenes6", "mobilenetv2") else 1


def measure_speed() -> None:
    """Print the memory and the processor time of every score of embeddings, on drawn ones as long as MobileNetV2's."""
    print("| remembered | score | kept, MB | made, ms | a picture alone, ms | of 8, ms |\n|---|---|---|---|---|---|")
    random = np.random.default_rng(0)
    for classes, each in ((6, 100), (100, 50)):
        labels = (np.arange(classes * each) % classes).astype(np.int32)
        reference = Reference(np.abs(random.normal(size=(len(labels), 1280))).astype(np.float16), labels)
        for spec in (spec for spec in all_scores() if spec.uses_embeddings):
            tracemalloc.start()
            begin = time.thread_time()
            score = spec.make(reference, spec.defaults)
            made = time.thread_time() - begin
            kept = tracemalloc.get_traced_memory()[0]
            tracemalloc.stop()
            alone, together = (seconds_of(score, count) for count in (1, 8))
            figures = f"{kept / 2**20:.1f} | {1e3 * made:.0f} | {1e3 * alone:.2f} | {1e3 * together:.2f}"
            print(f"| {classes} x {each} | {spec.name} | {figures} |", flush=True)


def seconds_of(score: Score, count: int) -> float:
    """Return seconds of processor time a picture, the median of 200 calls."""
    asked = np.abs(np.random.default_rng(1).normal(size=(count, 1280))).astype(np.float32)
    taken = []
    for _call in range(200):
        begin = time.thread_time()
        score(asked, asked)
        taken.append(time.thread_time() - begin)
    return float(np.median(taken)) / count


def row(data: Path, folder: Path, known: str, recipe: str) -> bool:
    """Make one bundle, show it strangers, print the table; tell whether the row is reached."""
    out = train(data / f"{known}.zip", recipe, folder / "out")
    print(f"| {recipe} of {known}, shown | pictures | AUROC (95 %) | accepted at 95 % | accepted by the bundle |")
    print("|---|---|---|---|---|")
    areas, at_95, own = [], [], []
    refusals = {}
    for other in (name for name in ("scenes6", *OTHERS) if name != known):
        place = drawings(data, folder) if other == DRAWINGS else data / f"{other}.zip"
        words = ["evaluate", str(out), str(data / f"{known}.zip"), "--unknown", str(place), "--json"]
        values = json.loads(anmok(*words))
        refusals = values["none_of_these"]
        found = refusals["others"]
        areas.append(found["auroc"]["value"])
        at_95.append(found["false_acceptance_at_95"]["value"])
        own.append(found["false_acceptance"]["value"])
        figures = (interval(found[name]) for name in ("auroc", "false_acceptance_at_95", "false_acceptance"))
        print(f"| {other.replace('-with-photos', '')} | {found['pictures']} | {' | '.join(figures)} |", flush=True)
    print(f"| mean | | **{np.mean(areas):.4f}** | **{np.mean(at_95):.4f}** | {np.mean(own):.4f} |")
    accepted = interval(refusals["accepted"])
    print(f"\nThe bundle accepts {accepted} of {refusals['pictures']} known test pictures;")
    print(f"its threshold was set on {refusals['calibrated_on']} held-out known ones. Accuracy of all test pictures")
    print(f"{interval(refusals['accuracy'])}, of the accepted ones {interval(refusals['accuracy_accepted'])}.")
    return bool(np.mean(areas) >= WANTED_AUROC and np.mean(at_95) <= WANTED_ACCEPTANCE)


def train(source: Path, recipe: str, out: Path) -> Path:
    # Test pictures that also stand in train would be known by heart.
    anmok("train", str(source), "--recipe", recipe, "--out", str(out), "--repair")
    return out


def anmok(*words: str) -> str:
    command = [sys.executable, "-m", "anmok", *words]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def drawings(data: Path, folder: Path) -> Path:
    """Unpack what truth.csv calls drawings."""
    place = folder / "drawings"
    with zipfile.ZipFile(data / f"{DRAWINGS}.zip") as archive:
        rows = csv.DictReader(archive.read("truth.csv").decode().splitlines())
        names = [line["path"] for line in rows if line["kind"] != "photo"]
        archive.extractall(place, names)
    return place


def interval(figure: dict[str, float]) -> str:
    return f"{figure['value']:.4f} ({figure['low']:.4f}-{figure['high']:.4f})"


def choose(data: Path, folder: Path) -> None:
    """Print AUROC and false acceptance at 95 % of every score, for each known set the mean over its strangers."""
    print("| score | " + " | ".join(CHOICE) + " | mean AUROC | mean accepted at 95 % |")
    print("|---|" + "---|" * (len(CHOICE) + 2))
    bundles = {known: _Known(data, folder, known) for known in CHOICE}
    for title, name, settings in candidates():
        areas, accepted = [], []
        for known in CHOICE:
            found = list(bundles[known].measure(data, name, settings))
            areas.append(np.mean([area for area, _share in found]))
            accepted.append(np.mean([value for _area, value in found]))
        cells = (f"{area:.4f}, {value:.3f}" for area, value in zip(areas, accepted, strict=True))
        print(f"| {title} | {' | '.join(cells)} | {np.mean(areas):.4f} | {np.mean(accepted):.4f} |", flush=True)


def candidates() -> Iterator[tuple[str, str, dict[str, float]]]:
    for spec in all_scores():
        for settings in SETTINGS.get(spec.name, [spec.defaults]):
            words = ", ".join(f"{key} {value:g}" for key, value in settings.items())
            yield f"{spec.name} {words}".strip(), spec.name, {**spec.defaults, **settings}


class _Known:
    """A frozen bundle and the pictures that it is shown."""

    def __init__(self, data: Path, folder: Path, known: str) -> None:
        self.known = known
        out = train(data / f"{known}.zip", "mobilenetv2", folder / known)
        bundle = read_bundle(out / "best.anmok")
        assert bundle.reference is not None
        self.reference = bundle.reference
        self.head = load_head(Run(next((out / "runs").iterdir())))
        manifest = Manifest.load(out / "manifest.parquet")
        self.test = vectors_of(manifest.of_split("test"))

    def measure(self, data: Path, name: str, settings: dict[str, float]) -> Iterator[tuple[float, float]]:
        score = get_score(name).make(self.reference, settings)
        known = score(self.test, self.head.logits(self.test))
        for other in STRANGERS:
            if other == self.known or frozenset({other, self.known}) in ALIKE:
                continue
            vectors = strangers(data, other, SHARED.get((self.known, other), ()))
            scores = score(vectors, self.head.logits(vectors))
            accepted = share(scores <= np.quantile(known, 0.95, method="inverted_cdf"))
            yield separation_auc(known, scores).value, accepted.value


@cache
def strangers(data: Path, name: str, without: tuple[str, ...]) -> np.ndarray:  # type: ignore[type-arg]
    manifest = scan(data / f"{name}.zip")
    table = manifest.table[~manifest.table["label"].isin(without)]
    rows = np.sort(np.random.default_rng(0).permutation(len(table))[:MOST])
    return vectors_of(manifest.with_table(table.iloc[rows]))


def vectors_of(manifest: Manifest) -> np.ndarray:  # type: ignore[type-arg]
    return extract(manifest, extractor_of(get_recipe("mobilenetv2")))


if __name__ == "__main__":
    sys.exit(main())
