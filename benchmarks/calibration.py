"""Calibration on the real pictures: errors before and after the temperature, on test pictures, with 95 % intervals.

    ANMOK_DATA=... ANMOK_WEIGHTS=... python benchmarks/calibration.py

Each set goes the whole way of ``anmok compare``; only vectors of pictures are looked up from an earlier one. Wanted of
MobileNetV2: ECE after the temperature at most 0.03 on cats-dogs and 0.05 on sports100-small, and not above ECE before.
"By chance" is what would be measured on average if all probabilities were exactly right. The temperature is fitted on
out-of-fold answers (networks: on validation pictures); test pictures have no part in it.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

import anmok
from anmok.evaluation.results import ModelResult
from anmok.records import Interval

#: By set and model: the most that ECE may be afterwards; None: only looked at.
WANTED = {
    ("cats-dogs", "mobilenetv2"): 0.03,
    ("sports100-small", "mobilenetv2"): 0.05,
    ("scenes6", "mobilenetv2"): None,
    ("scenes6", "cnn-tiny"): None,
}
HEADS = (
    "set",
    "model",
    "test",
    "fitted on",
    "T",
    "ECE before",
    "ECE after",
    "by chance",
    "equal mass",
    "Brier",
    "wanted",
)


def row(name: str, model: ModelResult, wanted: float | None) -> tuple[str, bool]:
    """Return a line of the table, and whether it is as wanted."""
    found = model.calibration
    assert found is not None
    before, after = found.before, found.after
    good = wanted is None or (after.ece.value <= wanted and after.ece.value <= before.ece.value)
    cells = (
        name,
        model.name,
        str(found.pictures),
        str(found.fitted_on),
        f"{found.temperature:.2f}",
        shown(before.ece),
        shown(after.ece),
        f"{after.ece_chance:.3f}",
        f"{before.ece_equal_mass.value:.3f} → {after.ece_equal_mass.value:.3f}",
        f"{before.brier.value:.3f} → {after.brier.value:.3f}",
        "" if wanted is None else f"{wanted}: {'yes' if good else '**no**'}",
    )
    return f"| {' | '.join(cells)} |", good


def shown(figure: Interval) -> str:
    return f"{figure.value:.3f} ({figure.low:.3f}-{figure.high:.3f})"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", default=",".join(dict.fromkeys(name for name, _model in WANTED)))
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0, help="of the split")
    chosen = parser.parse_args()
    data = Path(os.environ.get("ANMOK_DATA", ""))
    if not (os.environ.get("ANMOK_DATA") and os.environ.get("ANMOK_WEIGHTS") and data.is_dir()):
        print("skipped: set ANMOK_DATA and ANMOK_WEIGHTS to the folders of real pictures and weights")
        return 0
    print(f"| {' | '.join(HEADS)} |\n|{'---|' * len(HEADS)}")
    fine = True
    with tempfile.TemporaryDirectory() as folder:
        for name in chosen.sets.split(","):
            models = tuple(model for one, model in WANTED if one == name)
            config = anmok.CompareConfig(
                models=models,
                look_over=False,
                leaks="repair",
                threads=chosen.threads,
                split=anmok.SplitConfig(seed=chosen.seed),
            )
            compared = anmok.compare(data / f"{name}.zip", Path(folder) / name, config)
            for model in compared.models:
                line, good = row(name, model, WANTED[name, model.name])
                fine &= good
                print(line, flush=True)
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
