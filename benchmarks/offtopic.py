"""Photos among drawings: how far the flags of `off-topic` agree with the truth, without and with marks, beside others.

    python benchmarks/offtopic.py

Needs ANMOK_DATA and ANMOK_WEIGHTS (`make bench` sets them where the folders lie beside the project). Prints a Markdown
table for drawings-with-photos.zip: ours, ours after the five marks that the program asks for and after five random
ones (mean of ten seeds), and the three ways of the reference project, each with its two indices. The agreement is over
all pictures; the marks are answered by the set's truth.csv. For the reference's ways a person names the cluster, here
the better one. Ends with exit code 1 if ours stays below 0.96, or after the five marks below 0.985.
"""

from __future__ import annotations

import csv
import os
import sys
import zipfile
from pathlib import Path

import numpy as np

from anmok.clean.clusters import DIMENSIONS, find_clusters, reduced
from anmok.clean.evidence import Evidence
from anmok.clean.off_topic import find_off_topic
from anmok.clean.reductions import SIDE, reduce_pixels
from anmok.clean.registry import CheckResult
from anmok.config import CleanConfig
from anmok.data.manifest import Manifest
from anmok.data.scan import scan

WANTED, WANTED_MARKED, SEEDS = 0.96, 0.985, 10


def main() -> int:
    data, weights = os.environ.get("ANMOK_DATA", ""), os.environ.get("ANMOK_WEIGHTS", "")
    if not (data and weights and Path(data).is_dir()):
        print("skipped: set ANMOK_DATA and ANMOK_WEIGHTS to the folders of real pictures and weights")
        return 0
    source = Path(data) / "drawings-with-photos.zip"
    manifest, photos = scan(source), photos_of(source)
    truth = np.array([path in photos for path in manifest.table["path"]])
    first = checked(manifest)
    ours = agreement(first, truth)
    asked = first.about["uncertain"]
    marked = agreement(checked(manifest, asked, photos), truth)
    paths = manifest.table["path"].to_numpy()
    random = [
        agreement(checked(manifest, np.random.default_rng(seed).choice(paths, 5, replace=False), photos), truth)
        for seed in range(SEEDS)
    ]
    print("| way | agreement | wanted | silhouette | Davies-Bouldin |\n|---|---|---|---|---|")
    indices = f"{first.about['silhouette']:.3f} | {first.about['davies_bouldin']:.3f}"
    print(f"| ours, no marks | {ours:.4f} | {WANTED} | {indices} |")
    print(f"| ours, the five marks it asks for | {marked:.4f} | {WANTED_MARKED} | | |")
    spread = f"{min(random):.4f}-{max(random):.4f}"
    print(f"| ours, five random marks, mean of {SEEDS} seeds ({spread}) | {np.mean(random):.4f} | | | |")
    pixels = Evidence(manifest).pixels(SIDE)
    for method in ("random", "pca", "autoencoder"):
        clusters = find_clusters(reduced(reduce_pixels(pixels, method, seed=0), DIMENSIONS, seed=0), 2, seed=0)  # type: ignore[arg-type]
        same = float(((clusters.labels == 1) == truth).mean())
        indices = f"{clusters.silhouette:.3f} | {clusters.davies_bouldin:.3f}"
        print(f"| reference: {method} | {max(same, 1 - same):.4f} | | {indices} |")
    print(f"\n{first.about['note']}")
    return 0 if ours >= WANTED and marked >= WANTED_MARKED else 1


def photos_of(source: Path) -> frozenset[str]:
    """Return the paths that truth.csv calls photos."""
    with zipfile.ZipFile(source) as opened:
        rows = csv.DictReader(opened.read("truth.csv").decode().splitlines())
        return frozenset(row["path"] for row in rows if row["kind"] == "photo")


def checked(manifest: Manifest, marks: object = (), photos: frozenset[str] = frozenset()) -> CheckResult:
    """Run the check with these pictures marked as the truth has them."""
    paths = [str(path) for path in marks]  # type: ignore[attr-defined]
    config = CleanConfig(
        off_topic_marks=tuple(path for path in paths if path in photos),
        on_topic_marks=tuple(path for path in paths if path not in photos),
    )
    return find_off_topic(Evidence(manifest, config))


def agreement(result: CheckResult, truth: np.ndarray) -> float:  # type: ignore[type-arg]
    return float((result.flags == truth).mean())


if __name__ == "__main__":
    sys.exit(main())
