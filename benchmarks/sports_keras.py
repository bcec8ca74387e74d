"""Time to reference accuracy: sports-mobilenetv2 by its published recipe in Keras, and by ours, on the same pictures.

    python benchmarks/sports_keras.py [--epochs 30] [--json FILE]

sports100-small.zip: 2,000 pictures to learn from, 500 to measure. Keras: base frozen, every picture changed anew and
sent through the base in each epoch, batches of 100 (_keras_sports.py says the rest), the weights of Anmok's own pack;
*reference accuracy* is the best accuracy that any of its epochs reaches on the 500, and its time ends with that epoch.
Ours: `sports-mobilenetv2` and `mobilenetv2` (logistic regression on the same vectors) by `anmok.train`'s own functions,
each in a new process with an empty cache; the time ends when the trained model has answered for the 500. Both clocks
begin with the process. Wanted: 50 times faster, at equal or better accuracy.

Needs ANMOK_DATA and ANMOK_WEIGHTS. An epoch in Keras takes half a minute to a minute on two free cores.
"""

from __future__ import annotations

import time

BEGIN = time.perf_counter()

import argparse  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import subprocess  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402
import zipfile  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

from _environments import ROOT, NotToBeHad, environment, told  # noqa: E402

WANTED = 50.0
#: The pack of the model ``mobilenetv2``.
PACK = "mobilenetv2_100.tf2_in1k"
RECIPES = ("sports-mobilenetv2", "mobilenetv2")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--json", type=Path, help="also write the figures there")
    parser.add_argument("--keras-log", type=Path, help="take what an earlier run of Keras printed, not a new one")
    parser.add_argument("--part", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        print(json.dumps(anmok(*options.part)))
        return 0
    data, weights = Path(os.environ.get("ANMOK_DATA") or "nowhere"), os.environ.get("ANMOK_WEIGHTS", "")
    if not (data.is_dir() and weights):
        print("skipped: set ANMOK_DATA and ANMOK_WEIGHTS to the folders of real pictures and weights")
        return 0
    source = data / "sports100-small.zip"
    with tempfile.TemporaryDirectory() as scratch:
        ours = {}
        for name in RECIPES:
            cache = Path(scratch) / f"cache-{name}"
            part = [sys.executable, __file__, "--part", name, str(source), str(Path(scratch) / name)]
            ours[name] = told(part, ANMOK_CACHE=str(cache))
            print(f"{name}: {ours[name]['accuracy']:.3f} after {ours[name]['seconds']:.1f} s", flush=True)
        try:
            epochs = (
                keras(source, Path(scratch), options.epochs) if options.keras_log is None else read(options.keras_log)
            )
        except NotToBeHad as reason:
            print(f"without Keras: {reason}")
            return 0
    figures = judged(ours, epochs)
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")
    return 0 if figures["met"] else 1


def judged(ours: dict[str, dict[str, Any]], epochs: list[dict[str, Any]]) -> dict[str, Any]:
    """Print and return the fastest of ours that is as good as the best epoch of Keras."""
    best = max(epochs, key=lambda row: (row["val_accuracy"], -row["epoch"]))
    fitting = {name: told for name, told in ours.items() if told["accuracy"] >= best["val_accuracy"]}
    name = min(fitting or ours, key=lambda name: ours[name]["seconds"])
    ratio = best["seconds"] / ours[name]["seconds"]
    met = bool(fitting) and ratio >= WANTED
    reached = f"{best['val_accuracy']:.3f} at best, after epoch {best['epoch']}, {best['seconds']:.0f} s"
    print(f"Keras, {len(epochs)} epochs: {reached}")
    print(f"{name}: {ratio:.1f} times faster (wanted: {WANTED:.0f}, at no less accuracy): {'met' if met else 'MISSED'}")
    print(f"load: {os.getloadavg()[0]:.1f}")
    return {
        "keras_accuracy": best["val_accuracy"],
        "keras_seconds": best["seconds"],
        "keras_epochs": epochs,
        "recipe": name,
        "ours_accuracy": ours[name]["accuracy"],
        "ours_seconds": ours[name]["seconds"],
        "ours": ours,
        "ratio": ratio,
        "met": met,
    }


def keras(source: Path, scratch: Path, epochs: int) -> list[dict[str, Any]]:
    """Run the published recipe and return its epochs; they are printed as they come."""
    python = environment("keras")
    with zipfile.ZipFile(source) as archive:
        archive.extractall(scratch / "pictures")
    weights = check(source, scratch / "check.npz")
    script = str(ROOT / "benchmarks" / "_keras_sports.py")
    command = [str(python), script, str(scratch / "pictures"), str(weights), str(scratch / "check.npz"), str(epochs)]
    rows = []
    environ = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(f"  Keras: {line.strip()}", flush=True)
            rows.append(line)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return epochs_of(rows)


def read(log: Path) -> list[dict[str, Any]]:
    return epochs_of(log.read_text(encoding="utf-8").splitlines())


def epochs_of(lines: list[str]) -> list[dict[str, Any]]:
    told = [json.loads(line) for line in lines if line.startswith("{")]
    return [row for row in told if "epoch" in row]


def check(source: Path, path: Path) -> Path:
    """Write some pictures with what our network makes of them; return the file of its weights."""
    import numpy as np

    from anmok.data.scan import scan
    from anmok.features.extraction import load_pixels
    from anmok.features.session import open_session
    from anmok.models.packs import find_pack
    from anmok.models.registry import get_model

    manifest = scan(source)
    some = manifest.with_table(manifest.table.iloc[::160].reset_index(drop=True))
    pictures = np.array(load_pixels(some, 224, "squash"))
    session = open_session(get_model("mobilenetv2").extractor().onnx, threads=1)
    (embedding,) = session.run(["embedding"], {"pictures": pictures})
    np.savez(path, pictures=pictures, embedding=embedding)
    return find_pack(PACK).folder / "model.safetensors"


def anmok(name: str, source: str, folder: str) -> dict[str, Any]:
    """Train one recipe on all 2,000 pictures, nothing cached, and count its right answers for the 500."""
    from anmok.config import SplitConfig
    from anmok.data.scan import scan
    from anmok.data.split import assign_splits
    from anmok.models.recipes import get_recipe
    from anmok.training.train import train

    # The 500 are the only ones held out, so they become the test; what chooses the epoch is cut from the 2,000.
    manifest = assign_splits(scan(source), SplitConfig())
    run = train(get_recipe(name), manifest, Path(folder))
    held = run.predictions().of_split("test")
    accuracy = float((held.probabilities.argmax(axis=1) == held.labels).mean())
    seconds = time.perf_counter() - BEGIN
    return {"accuracy": accuracy, "seconds": seconds, "pictures": len(held.labels), "stages": dict(run.seconds)}


if __name__ == "__main__":
    sys.exit(main())
