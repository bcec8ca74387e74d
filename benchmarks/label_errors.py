"""Wrong labels: 5 % of the training labels of cats-dogs.zip flipped by seed; recall and precision of what is flagged.

    python benchmarks/label_errors.py [--seeds 0,1,2,3,4] [--sets cats-dogs] [--share 0.05]

Needs ANMOK_DATA and ANMOK_WEIGHTS; `make bench` sets them. Vectors are MobileNetV2's. Prints one Markdown row a seed,
the pictures that are flagged before anything is flipped (they count as false alarms in every row), and how long many
more pictures take (drawn vectors, 2 and 100 classes). Ends with exit code 1 if any seed of cats-dogs has a recall under
0.90 or a precision under 0.80.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from anmok.clean.evidence import Evidence
from anmok.clean.label_errors import judge
from anmok.clean.registry import get_check
from anmok.config import CleanConfig
from anmok.data.manifest import Manifest
from anmok.data.scan import scan

RECALL, PRECISION = 0.90, 0.80
SIZES = ((50_000, 2), (10_000, 100))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="0,1,2,3,4")
    parser.add_argument("--sets", default="cats-dogs")
    parser.add_argument("--share", type=float, default=0.05)
    parser.add_argument("--no-sizes", action="store_true")
    options = parser.parse_args()
    data = Path(os.environ.get("ANMOK_DATA") or "nowhere")
    if not (data.is_dir() and os.environ.get("ANMOK_WEIGHTS")):
        print("skipped: set ANMOK_DATA and ANMOK_WEIGHTS to the folders of real pictures and weights")
        return 0
    seeds = [int(seed) for seed in options.seeds.split(",")]
    with tempfile.TemporaryDirectory() as cache:
        os.environ.setdefault("ANMOK_CACHE", cache)
        results = [measure(data / f"{name}.zip", seeds, options.share) for name in options.sets.split(",")]
    met = all(results)
    if not options.no_sizes:
        for count, classes in SIZES:
            print(
                f"\n{count} pictures of {classes} classes, 1280 numbers each: {time_many(count, classes):.0f} s",
                flush=True,
            )
    return 0 if met else 1


def measure(source: Path, seeds: list[int], share: float) -> bool:
    manifest = scan(source).of_split("train")
    evidence = Evidence(manifest, CleanConfig(vectors="mobilenetv2"))
    vectors = evidence.vectors
    before = get_check("label-error").find(evidence)
    paths = manifest.table["path"].tolist()
    named = [f"{paths[row]} ({before.suggested[row]}?)" for row in np.flatnonzero(before.flags)]
    print(f"\n{source.name}: {len(manifest)} training pictures; flagged as they are: {len(named)}")
    print("; ".join(named[:12]), flush=True)
    print("\n| seed | flipped | flagged | recall | precision | right suggestion | seconds |")
    print("|---|---|---|---|---|---|---|")
    met = True
    for seed in seeds:
        other, flipped = flip(manifest, share, seed)
        looked = Evidence(other, evidence.config)
        looked.__dict__["vectors"] = vectors
        begin = time.perf_counter()
        result = get_check("label-error").find(looked)
        seconds = time.perf_counter() - begin
        hits = flipped & result.flags
        recall, precision = hits.sum() / flipped.sum(), hits.sum() / max(result.flags.sum(), 1)
        right = np.mean([result.suggested[row] == manifest.table["label"][row] for row in np.flatnonzero(hits)])
        print(
            f"| {seed} | {flipped.sum()} | {result.flags.sum()} | {recall:.2f} | {precision:.2f} | {right:.2f} "
            f"| {seconds:.1f} |",
            flush=True,
        )
        met &= bool(recall >= RECALL and precision >= PRECISION) or source.stem != "cats-dogs"
    return met


def flip(manifest: Manifest, share: float, seed: int) -> tuple[Manifest, np.ndarray]:  # type: ignore[type-arg]
    """Give a share of the pictures another label, any of the others; return which."""
    rng = np.random.default_rng(seed)
    labels, classes = manifest.label_indices(), len(manifest.classes)
    rows = rng.choice(len(labels), size=round(share * len(labels)), replace=False)
    labels[rows] = (labels[rows] + rng.integers(1, classes, len(rows))) % classes
    flipped = np.zeros(len(labels), dtype=np.bool_)
    flipped[rows] = True
    return manifest.with_table(manifest.table.assign(label=[manifest.classes[label] for label in labels])), flipped


def time_many(count: int, classes: int) -> float:
    """Return the seconds that so many drawn vectors take: classes as far apart as photographs' are, 5 % flipped."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, classes, count)
    vectors = rng.normal(size=(classes, 1280)).astype(np.float32)[labels] * np.float32(0.12)
    vectors += rng.normal(size=vectors.shape).astype(np.float32)
    rows = rng.choice(count, size=count // 20, replace=False)
    labels[rows] = (labels[rows] + rng.integers(1, classes, len(rows))) % classes
    begin = time.perf_counter()
    judge(vectors, labels, [str(row) for row in range(count)])
    return time.perf_counter() - begin


if __name__ == "__main__":
    sys.exit(main())
