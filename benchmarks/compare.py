"""The issue's table on the real pictures: accuracy of each model, parity, and the first run against the second.

Run it as ``make bench`` does, or alone::

    ANMOK_DATA=... ANMOK_WEIGHTS=... python benchmarks/compare.py

It prints one Markdown table; README.md quotes it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

SETS = "horse-or-human,cats-dogs,sports100-small,scenes6"
MODELS = "handcrafted,cnn-small,mobilenetv2"


def compare(source: Path, models: str, out: Path, cache: Path) -> dict[str, object]:
    """Run ``anmok compare`` as a user would, and return its summary."""
    command = [sys.executable, "-m", "anmok", "compare", str(source), "--models", models, "--out", str(out)]
    subprocess.run(command, check=True, env={**os.environ, "ANMOK_CACHE": str(cache)}, stdout=subprocess.DEVNULL)
    return dict(json.loads((out / "summary.json").read_text(encoding="utf-8")))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", default=SETS, help="names of zips, separated by commas")
    parser.add_argument("--models", default=MODELS)
    chosen = parser.parse_args()
    data = Path(os.environ.get("ANMOK_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")
    if not data.is_dir():
        print("the real pictures are not here: set ANMOK_DATA")
        return 0
    print("| pictures | test | model | accuracy (95 %) | macro F1 | train, s | pictures/s | parity: same, max dp |")
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        cache = root / "cache"
        ratios = []
        for name in chosen.sets.split(","):
            summary = compare(data / f"{name}.zip", chosen.models, root / name, cache)
            comparison = json.loads((root / name / "comparison.json").read_text(encoding="utf-8"))["comparison"]
            for model in comparison["models"]:
                metrics = model["evaluation"]["metrics"]
                accuracy, seconds = metrics["accuracy"], model["seconds"]
                parity = model["parity"]
                print(
                    f"| {name} | {model['evaluation']['pictures']} | {model['name']} "
                    f"| {accuracy['value']:.3f} ({accuracy['low']:.3f}-{accuracy['high']:.3f}) "
                    f"| {metrics['macro_f1']['value']:.3f} | {seconds['features'] + seconds['training']:.1f} "
                    f"| {model['pictures_per_second']:.0f} "
                    f"| {parity['same_class']:.2%}, {parity['max_difference']:.1e} |",
                    flush=True,
                )
            # Only the vectors stay: the second time everything but them is made anew.
            again = compare(data / f"{name}.zip", chosen.models, root / f"{name}-again", cache)
            ratios.append((name, summary["seconds"]["features"], again["seconds"]["features"]))  # type: ignore[index]
    print("\n| pictures | features first, s | features again, s | times faster |\n|---|---|---|---|")
    for name, first, second in ratios:
        print(f"| {name} | {first:.2f} | {second:.2f} | {first / max(second, 1e-9):.0f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
