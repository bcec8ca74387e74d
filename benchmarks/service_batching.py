"""Does it pay to let photos of several requests go through the model together? The service's own code, without HTTP.

    python benchmarks/service_batching.py [--seconds 5] [--repeats 5] [--callers 8] [--json FILE]

Callers ask one open bundle (MobileNetV2 at 224 pixels) for one square after another, as the threads of a process of
`anmok serve` do, with `--together` of 1, 2, 4 and 8. The arrangements take turns; medians are compared. Prints photos a
second, the median wait of a caller, and the speed beside that of 1. Nothing is wanted: the figure decides the default.
Needs ANMOK_WEIGHTS, and ANMOK_DATA for the head.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from anmok.config import Limits
from anmok.service.hosting.hosted import HostedBundle, Serving, open_bundle
from service_speed import CORES, make_bundle, some_pictures

TOGETHER = (1, 2, 4, 8)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--callers", type=int, default=8)
    parser.add_argument("--bundle", type=Path, help="instead of MobileNetV2")
    parser.add_argument("--json", type=Path, help="also write the figures there")
    options = parser.parse_args()
    data, weights = os.environ.get("ANMOK_DATA", ""), os.environ.get("ANMOK_WEIGHTS", "")
    if not options.bundle and not (data and weights and Path(data).is_dir()):
        print("skipped: set ANMOK_DATA and ANMOK_WEIGHTS to the folders of real pictures and weights")
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        path = options.bundle or make_bundle(Path(scratch), some_pictures(Path(data) / "scenes6.zip"))[0]
        hosts = {together: opened(path, together) for together in TOGETHER}
    rates: dict[int, list[float]] = {together: [] for together in TOGETHER}
    waits: dict[int, list[float]] = {together: [] for together in TOGETHER}
    for _number in range(options.repeats):
        for together, hosted in hosts.items():
            rate, wait = asked(hosted, options.callers, options.seconds)
            rates[together].append(rate)
            waits[together].append(wait)
    alone = statistics.median(rates[1])
    figures = {}
    for together in TOGETHER:
        rate, wait = statistics.median(rates[together]), statistics.median(waits[together])
        figures[together] = {"photos_a_second": rate, "median_milliseconds": wait, "beside_one": rate / alone}
        print(f"together {together}: {rate:.1f} photos/s, p50 {wait:.1f} ms, {rate / alone:.2f} of one by one")
    print(f"load: {os.getloadavg()[0]:.1f}")
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")
    return 0


def opened(path: Path, together: int) -> HostedBundle:
    """Open the bundle as a process of the service does."""
    turns = threading.BoundedSemaphore(CORES)
    return open_bundle("main", path, Serving(turns=turns, together=together, candidates=5, limits=Limits()))


def asked(hosted: HostedBundle, callers: int, seconds: float) -> tuple[float, float]:
    """Return photos a second, and the median wait of a caller, milliseconds."""
    size = hosted.predictor.info.image_size
    squares = np.random.default_rng(0).integers(0, 255, (16, size, size, 3), dtype=np.uint8)
    waits: list[float] = []
    end = time.perf_counter() + seconds

    def call(number: int) -> None:
        while (began := time.perf_counter()) < end:
            hosted.ask("photo", squares[number % len(squares)])
            waits.append(time.perf_counter() - began)

    threads = [threading.Thread(target=call, args=(number,)) for number in range(callers)]
    began = time.perf_counter()
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return len(waits) / (time.perf_counter() - began), 1000 * statistics.median(waits)


if __name__ == "__main__":
    sys.exit(main())
