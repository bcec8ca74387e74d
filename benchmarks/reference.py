"""Every reference recipe on the shared pictures: the published figure beside ours, and the issue's bounds.

    python benchmarks/reference.py [--only cifar10-cnn,sports-mobilenetv2] [--again] [--write]

`make results` runs it. Each row is one `anmok train` in a process of its own, below ``.bench/reference``. Raw results
go into ``docs/measured/training.json`` after each row; what was measured before with the same recipe is not measured
again (``--again`` does), and a training that was killed goes on. Then docs/results-training.md is written from that
file: ``--write`` does that and nothing else. A cell that was not measured stays empty, with the reason. Needs
ANMOK_DATA, and ANMOK_WEIGHTS for pretrained networks.

Four rows of the bounds come from benchmarks of their own, which leave their figures beside: cifar10_keras.py,
sports_keras.py, training_speed.py (``--json docs/measured/NAME.json``).
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from _environments import ROOT
from _reference_rows import ROWS, Row
from _reference_tables import page

FOLDER = ROOT / ".bench" / "reference"
#: Kept with the project: a table of hours is measured in several sessions.
MEASURED = ROOT / "docs" / "measured"
RESULTS = MEASURED / "training.json"
PAGE = ROOT / "docs" / "results-training.md"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="names of rows, separated by commas")
    parser.add_argument("--again", action="store_true", help="measure what was measured before, too")
    parser.add_argument("--write", action="store_true", help="only write the page from what was measured")
    parser.add_argument("--row", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.row:
        print(json.dumps(measured(by_name(options.row[0]), Path(options.row[1]))))
        return 0
    chosen = [by_name(name) for name in options.only.split(",")] if options.only else list(ROWS)
    data = Path(os.environ.get("ANMOK_DATA") or "nowhere")
    if not options.write and not data.is_dir():
        print("skipped: set ANMOK_DATA to the folder of real pictures")
        return 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    MEASURED.mkdir(exist_ok=True)
    for row in [] if options.write else chosen:
        measure(row, data, again=options.again)
    others = {path.stem: read(path) for path in MEASURED.glob("*.json") if path != RESULTS}
    PAGE.write_text(page(ROWS, read(RESULTS), others), encoding="utf-8")
    print(f"written: {PAGE.relative_to(ROOT)}")
    return 0


def by_name(name: str) -> Row:
    found = next((row for row in ROWS if row.name == name), None)
    if found is None:
        sys.exit(f"no row is named {name}; there are {', '.join(row.name for row in ROWS)}")
    return found


def measure(row: Row, data: Path, *, again: bool) -> None:
    """Measure one row in a process of its own and store it at once."""
    from anmok.config import to_json
    from anmok.errors import AnmokError

    before = read(RESULTS).get(row.name, {})
    try:
        recipe = to_json(row.recipe())
    except AnmokError as error:
        store(row, {"left_out": error.message})
        return
    # What could not be run is tried every time: its weights may have come.
    if not again and "accuracy" in before and before["recipe"] == recipe:
        print(f"{row.name}: measured before")
        return
    print(f"{row.name} on {row.source} …", flush=True)
    command = [sys.executable, __file__, "--row", row.name, str(data)]
    # A cache of its own, empty at first: otherwise a row's seconds would hang on which rows came before it.
    cache = FOLDER / "cache" / row.name
    environ = {**os.environ, "ANMOK_CACHE": str(cache)}
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False, env=environ)
    shutil.rmtree(cache, ignore_errors=True)
    try:
        told = json.loads(done.stdout.strip().splitlines()[-1])
    except (IndexError, ValueError):
        told = {"left_out": f"it ended with exit code {done.returncode}"}
    store(row, told | {"recipe": recipe, "date": f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}"})


def store(row: Row, told: dict[str, Any]) -> None:
    """Write the results anew with this row's, whole or not at all."""
    stored = read(RESULTS) | {row.name: told}
    beside = RESULTS.with_suffix(".new")
    beside.write_text(json.dumps(stored, indent=1), encoding="utf-8")
    beside.replace(RESULTS)
    figures = told.get("left_out") or f"accuracy {told['accuracy'][0]:.4f}, {told['seconds']:.0f} s"
    print(f"  {figures}", flush=True)


def measured(row: Row, data: Path) -> dict[str, Any]:
    """Train, export and measure; return the figures, or the reason why there are none."""
    from anmok.config import CompareConfig, SplitConfig
    from anmok.environment import describe_environment
    from anmok.errors import AnmokError
    from anmok.pipeline.train import train_model

    recipe = row.recipe()
    split = SplitConfig(valid=row.valid)
    config = CompareConfig(models=(recipe.name,), split=split, leaks="repair", look_over=False)
    begin, load = time.perf_counter(), os.getloadavg()[0]
    try:
        found = train_model(data / f"{row.source}.zip", FOLDER / row.name, recipe, config)
    except AnmokError as error:
        return {"left_out": error.message}
    (model,) = found.models
    metrics = model.evaluation.metrics
    return {
        "accuracy": _interval(metrics["accuracy"]),
        "macro_f1": _interval(metrics["macro_f1"]),
        "test": model.evaluation.pictures,
        "train": sum(found.data.counts["train"].values()),
        "valid": sum(found.data.counts["valid"].values()),
        "epochs": len(model.history),
        "seconds": model.seconds_to_train,
        "whole": time.perf_counter() - begin,
        "load": [load, os.getloadavg()[0]],
        "machine": describe_environment(),
        "mistakes": sorted(mistake.path for mistake in model.evaluation.mistakes),
    }


def _interval(figure: Any) -> list[float]:
    return [figure.value, figure.low, figure.high]


def read(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}


if __name__ == "__main__":
    sys.exit(main())
