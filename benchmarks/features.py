"""The engine's speed: files to vectors, as a share of what ONNX Runtime alone reaches on ready arrays.

    python benchmarks/features.py [--pictures 300] [--repeats 5]

Needs ANMOK_DATA and ANMOK_WEIGHTS (`make bench` sets them where the folders lie beside the project). Prints, for
cats-dogs.zip and scenes6.zip: pictures a second of ONNX Runtime alone (the best of several arrangements), of the
engine, their ratio (wanted: 0.8 or more), and how much faster the cache answers (wanted: 10 times or more). The
arrangements take turns and medians are compared. On a busy machine read the ratio of processor time: it is what the
ratio would be if nothing else ran. Ends with exit code 1 if the ratio on the clock, or the cache, falls short.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from anmok.data.scan import scan
from anmok.features.engine import run_graph, stream_pixels
from anmok.features.extraction import extract
from anmok.features.extractor import Extractor
from anmok.features.session import count_threads, open_session
from anmok.models.registry import get_model

WANTED_RATIO, WANTED_SPEEDUP = 0.8, 10.0


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pictures", type=int, default=300)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--model", default="mobilenetv2")
    options = parser.parse_args()
    data, weights = os.environ.get("ANMOK_DATA", ""), os.environ.get("ANMOK_WEIGHTS", "")
    if not (data and weights and Path(data).is_dir()):
        print("skipped: set ANMOK_DATA and ANMOK_WEIGHTS to the folders of real pictures and weights")
        return 0
    met = True
    with tempfile.TemporaryDirectory() as cache:
        os.environ["ANMOK_CACHE"] = cache
        extractor = get_model(options.model).extractor()
        for name in ("cats-dogs", "scenes6"):
            met &= measure(Path(data) / f"{name}.zip", extractor, options.pictures, options.repeats)
    return 0 if met else 1


def measure(source: Path, extractor: Extractor, pictures: int, repeats: int) -> bool:
    manifest = scan(source)
    step = max(1, len(manifest) // pictures)
    manifest = manifest.with_table(manifest.table.iloc[::step])
    cores = count_threads()
    with manifest.open_source() as opened:
        items = [(path, partial(opened.read, path)) for path in manifest.table["path"]]
        size, rule = extractor.input_size, extractor.resize
        ready = np.stack([pixels for _path, pixels in stream_pixels(items, size=size, rule=rule)])
        session = open_session(extractor.onnx, threads=1)
        shared = open_session(extractor.onnx, threads=cores)

        def engine() -> None:
            for _row in run_graph(items, session, outputs=["embedding"], size=size, rule=rule):
                pass

        ways: dict[str, Callable[[], None]] = {"engine": engine}
        for batch in (8, 32):
            ways[f"alone, {cores} threads on one batch of {batch}"] = partial(alone, shared, ready, batch, 1)
        for batch in (1, 4, 16):
            ways[f"alone, {cores} batches of {batch} at once"] = partial(alone, session, ready, batch, cores)
        rates = take_turns(ways, len(ready), repeats)
    print(f"\n{source.name}: {len(ready)} pictures, {cores} cores, {extractor.name}")
    for name, (rate, cost) in rates.items():
        print(f"  {name:36} {rate:7.1f} pictures/s {cost:7.2f} ms of processor time each")
    fastest = max(rate for name, (rate, _cost) in rates.items() if name != "engine")
    cheapest = min(cost for name, (_rate, cost) in rates.items() if name != "engine")
    ratio, share = rates["engine"][0] / fastest, cheapest / rates["engine"][1]
    begin = time.perf_counter()
    first = extract(manifest, extractor)
    cold, begin = time.perf_counter() - begin, time.perf_counter()
    second = extract(manifest, extractor)
    warm = time.perf_counter() - begin
    assert (first == second).all()
    print(f"  engine / ONNX Runtime alone: {ratio:.3f} (wanted: {WANTED_RATIO}); by processor time: {share:.3f}")
    print(f"  first {cold:.2f} s, from the cache {warm:.3f} s: {cold / warm:.0f} times (wanted: {WANTED_SPEEDUP:.0f})")
    return ratio >= WANTED_RATIO and cold / warm >= WANTED_SPEEDUP


def take_turns(ways: dict[str, Callable[[], None]], pictures: int, repeats: int) -> dict[str, tuple[float, float]]:
    """Return each way's median pictures a second and milliseconds of processor time a picture, after a warm-up."""
    rates: dict[str, list[float]] = {name: [] for name in ways}
    costs: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(repeats + 1):
        for name, way in ways.items():
            begin, used = time.perf_counter(), time.process_time()
            way()
            if turn:
                rates[name].append(pictures / (time.perf_counter() - begin))
                costs[name].append(1000 * (time.process_time() - used) / pictures)
    return {name: (statistics.median(rates[name]), statistics.median(costs[name])) for name in ways}


def alone(session: object, ready: np.ndarray, batch: int, workers: int) -> None:  # type: ignore[type-arg]
    def run(begin: int) -> None:
        session.run(["embedding"], {"pictures": ready[begin : begin + batch]})  # type: ignore[attr-defined]

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(run, range(0, len(ready), batch)))


if __name__ == "__main__":
    sys.exit(main())
