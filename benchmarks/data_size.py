"""Do the intervals of the learning curve hold? Forecasts from a part of the pictures against what all of them gave.

    python benchmarks/data_size.py [--sets sports100-small,scenes6] [--seeds 10]

Needs ANMOK_DATA and ANMOK_WEIGHTS. For sports100-small first the issue's row: the curve of 5 to 15 training pictures a
class forecasts the accuracy that 20 reach on the 500 test pictures, for several draws of the 15. Then each set is
divided anew for each seed, and a part of its training pictures forecasts the accuracy of all of them on the same test
pictures. Prints a Markdown table: how often the measured accuracy lies inside the 95 % interval, and how wide that is.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

import numpy as np

from anmok.clean.near_groups import with_groups
from anmok.config import Recipe, SplitConfig
from anmok.data.manifest import Manifest
from anmok.data.scan import scan
from anmok.data.split import assign_splits, check
from anmok.evaluation.extrapolate import fit_curve
from anmok.models.recipes import get_recipe
from anmok.pipeline.data_size import answers_by_size, draw_subsets
from anmok.progress import SilentProgress
from anmok.records import TEST, TRAIN, VALID, Interval
from anmok.training.rows import rows_of
from anmok.training.subset_heads import answers_by_subset

#: By set: share of the pictures that are measured, and parts of the rest that forecast all of it.
SETS = {"sports100-small": (0.2, (0.75, 0.5)), "scenes6": (1 / 3, (0.5, 0.2)), "cats-dogs": (0.2, (0.5, 0.1))}


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--sets", default="sports100-small,scenes6")
    options.add_argument("--seeds", type=int, default=10)
    chosen = options.parse_args()
    data, weights = os.environ.get("ANMOK_DATA", ""), os.environ.get("ANMOK_WEIGHTS", "")
    if not (data and weights and Path(data).is_dir()):
        print("skipped: set ANMOK_DATA and ANMOK_WEIGHTS to the folders of real pictures and weights")
        return 0
    recipe = get_recipe("mobilenetv2")
    print("| pictures | learned from | forecast for | inside | mean width | mean of measured - expected |")
    print("|---|---|---|---|---|---|")
    for name in chosen.sets.split(","):
        manifest = with_groups(scan(Path(data) / f"{name}.zip"))
        if name == "sports100-small":
            given = assign_splits(check(manifest, "repair"), SplitConfig())
            rows = [tried(given, recipe, share=0.75, seed=seed) for seed in range(min(5, chosen.seeds))]
            print_row(f"{name}, its own test", rows)
        whole = manifest.with_table(manifest.table.assign(split=""))
        test, parts = SETS[name]
        for share in parts:
            rows = []
            for seed in range(chosen.seeds):
                divided = assign_splits(check(whole, "repair"), SplitConfig(test=test, seed=seed))
                rows.append(tried(divided, recipe, share=share, seed=seed))
            print_row(f"{name}, divided anew", rows)
    return 0


def tried(manifest: Manifest, recipe: Recipe, *, share: float, seed: int) -> tuple[int, int, Interval, float]:
    """Forecast from ``share`` of the training pictures the accuracy of all of them; return sizes, forecast, truth."""
    pool, asked = rows_of(manifest, TRAIN, VALID), rows_of(manifest, TEST)
    (part,), _all = draw_subsets(manifest, pool, [share, 1.0], seeds=1, seed=1000 + seed)
    now = manifest.with_table(manifest.table.iloc[np.sort(np.concatenate([part, asked]))])
    with tempfile.TemporaryDirectory() as folder:
        answers = answers_by_size(now, recipe, sizes=5, seeds=3, seed=seed, runs=Path(folder), threads=1)
    ((forecast,), _elsewhere) = fit_curve(answers.sizes, answers.hits).expect([len(pool)])
    quiet = SilentProgress()
    (hits,) = answers_by_subset(recipe, manifest, [[pool]], asked, threads=1, progress=quiet, advance=lambda: None)
    truth = float(hits.mean())
    print(
        f"  seed {seed}: {len(part)} -> {len(pool)}: {forecast.value:.3f} ({forecast.low:.3f}-{forecast.high:.3f}),"
        f" measured {truth:.3f}",
        file=sys.stderr,
        flush=True,
    )
    return len(part), len(pool), forecast, truth


def print_row(title: str, rows: list[tuple[int, int, Interval, float]]) -> None:
    inside = sum(forecast.low <= truth <= forecast.high for *_sizes, forecast, truth in rows)
    width = np.mean([forecast.high - forecast.low for *_sizes, forecast, _truth in rows])
    bias = np.mean([truth - forecast.value for *_sizes, forecast, truth in rows])
    part, pool = rows[0][:2]
    print(f"| {title} | {part} | {pool} | {inside} of {len(rows)} | {width:.3f} | {bias:+.4f} |", flush=True)


if __name__ == "__main__":
    sys.exit(main())
