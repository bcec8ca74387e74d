"""Computer-generated to photo, the reference project's case: what `anmok evaluate` tells, and false alarms.

    python benchmarks/domain_shift.py [--models mobilenetv2,cnn-tiny] [--halves 100]

Needs ANMOK_DATA and ANMOK_WEIGHTS. Trains on horse-or-human.zip (rendered pictures) and evaluates on its own test
pictures; on photos from sports100-small.zip (horses under riders; people of sports without animals or balls); and on
the horses of cifar10-small.zip. Prints what the command says. Then halves of sets, divided at random: statistics of one
half, the other one compared with it; prints how often anything was told, which should be in at most 5 of 100.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from anmok.bundle.info import Measured
from anmok.bundle.origin import spreads_of
from anmok.bundle.origin_measures import MEASURES, distances_of, origin_of
from anmok.bundle.reference import Reference
from anmok.data.manifest import Manifest
from anmok.data.scan import scan
from anmok.evaluation.measure import measure
from anmok.evaluation.measure_shift import Seen, compare_with_origin
from anmok.evaluation.shift import Shift
from anmok.features.extraction import extract
from anmok.models.recipes import get_recipe
from anmok.report.shift_words import shift_sentences
from anmok.training.frozen import extractor_of
from anmok.training.heads import fit_at_strength

HORSES = ("horse racing", "harness racing", "horse jumping", "polo", "jousting", "barell racing")
HUMANS = (
    "figure skating men",
    "figure skating women",
    "weightlifting",
    "shot put",
    "javelin",
    "boxing",
    "judo",
    "sumo wrestling",
)
STRENGTH = 1e-3


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--models", default="mobilenetv2,cnn-tiny")
    options.add_argument("--sets", default="horse-or-human,scenes6", help="whose halves are compared")
    options.add_argument("--halves", type=int, default=100)
    chosen = options.parse_args()
    data, weights = os.environ.get("ANMOK_DATA", ""), os.environ.get("ANMOK_WEIGHTS", "")
    if not (data and weights and Path(data).is_dir()):
        print("skipped: set ANMOK_DATA and ANMOK_WEIGHTS to the folders of real pictures and weights")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        for model in filter(None, chosen.models.split(",")):
            told(model, Path(data), Path(folder))
    if chosen.halves:
        print("\n| halves of | pictures | told | measures | worse or a class suffers |\n|---|---|---|---|---|")
        for name in chosen.sets.split(","):
            alarms(scan(Path(data) / f"{name}.zip"), name, chosen.halves)
    return 0


def told(model: str, data: Path, folder: Path) -> None:
    """Train a model on rendered pictures and print what the command says of each other source."""
    source, out = data / "horse-or-human.zip", folder / model
    anmok("train", source, "--recipe", model, "--repair", "--out", out)
    photos = folder / "photos"
    if not photos.exists():
        copy(data / "sports100-small.zip", dict.fromkeys(HORSES, "horses") | dict.fromkeys(HUMANS, "humans"), photos)
        copy(data / "cifar10-small.zip", {"horse": "horses"}, folder / "cifar-horses", split="test")
    for title, place in (("its own test", source), ("photos", photos), ("horses of CIFAR-10", folder / "cifar-horses")):
        values = json.loads(anmok("evaluate", out / "best.anmok", place, "--json"))
        accuracy = values["accuracy"]
        print(f"\n{model} on {title}: {values['pictures']} pictures, accuracy {accuracy['value']:.3f}")
        for text in values["shift"]["sentences"] or ["(nothing is told)"]:
            print(f"- {text}")
    sys.stdout.flush()


def anmok(*words: object) -> str:
    command = [sys.executable, "-m", "anmok", *map(str, words)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def copy(archive: Path, labels: dict[str, str], folder: Path, split: str = "") -> None:
    """Write pictures of some classes of a zip (split/class/picture) under other names of classes."""
    with zipfile.ZipFile(archive) as opened:
        for name in opened.namelist():
            parts = name.split("/")
            if len(parts) == 3 and parts[2] and parts[1] in labels and split in ("", parts[0]):
                path = folder / labels[parts[1]] / f"{parts[0]}-{parts[1]}-{parts[2]}"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(opened.read(name))


def alarms(manifest: Manifest, name: str, halves: int) -> None:
    """Print how often anything is told of a random half that was compared with the other one."""
    vectors = extract(manifest, extractor_of(get_recipe("mobilenetv2")))
    found = [_half(manifest, vectors, seed) for seed in range(halves)]
    any_told = sum(shift.is_told for shift in found)
    by_measure = sum(any(one.matters for one in shift.measures) or bool(shift.formats) for shift in found)
    suffering = sum(shift.worse or any(one.suffers for one in shift.classes) for shift in found)
    print(f"| {name} | {found[0].pictures} | {any_told} of {halves} | {by_measure} | {suffering} |", flush=True)


def _half(manifest: Manifest, vectors: np.ndarray, seed: int) -> Shift:  # type: ignore[type-arg]
    """Train on a third, measure on a sixth, as `anmok train` does of one half; meet the other half."""
    labels, classes = manifest.label_indices(), len(manifest.classes)
    lots = np.random.default_rng(seed).permutation(len(labels))
    now, train, test = np.split(lots, [len(lots) // 2, len(lots) * 5 // 6])
    table = manifest.table.assign(split=pd.array(["train"] * len(labels), dtype="str"))
    origin = origin_of(manifest.with_table(table.iloc[train]))
    reference = Reference(vectors[train], labels[train].astype(np.int32))
    held_out = spreads_of(distances_of(vectors[test], reference), labels[test], classes)
    head = fit_at_strength(vectors[train], labels[train], STRENGTH, classes=classes)

    def measured(rows: np.ndarray):  # type: ignore[no-untyped-def, type-arg]
        probabilities = np.clip(head.probabilities(vectors[rows]), 0, 1)
        paths = list(manifest.table["path"].iloc[rows])
        return measure(manifest.classes, labels[rows], probabilities, paths, "test", resamples=2)

    before = measured(test)
    counts = [tuple(int(row[k]) for k, row in enumerate(before.confusion)), tuple(map(sum, before.confusion))]
    part = manifest.table.iloc[now]
    origin = replace(origin, distances=held_out)
    seen = Seen(
        paths=tuple(part["path"]),
        labels=labels[now],
        measures={name: one(part) for name, one in MEASURES.items()},
        formats=tuple(part["format"]),
        distances=distances_of(vectors[now], reference),
    )
    shift = compare_with_origin(origin, Measured("test", len(test), {}, *counts), seen, measured(now))
    assert shift is not None
    if shift.is_told:
        print(f"  half {seed}: {' '.join(shift_sentences(shift))}", file=sys.stderr)
    return shift


if __name__ == "__main__":
    sys.exit(main())
