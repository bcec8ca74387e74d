"""The scan's speed, memory and resumption, on a folder of 50,000 pictures made by hard links of the shared sets.

    python benchmarks/explore.py [--pictures 50000] [--repeats 3] [--threads N] [--sets mixed,cats-dogs,cifar10-small]

Needs ANMOK_DATA (`make bench` sets it where the folder lies beside the project). Prints:

- for each set, and for all sets mixed, each distinct picture once, with an empty cache: pictures a second of the
  decoder alone (`images.decode(..., at_least=256)` of the same bytes, read from the same folder, in as many threads)
  and of the statistics (a whole `scan`: list, read, hash, decode, measure, keep), and their ratio (wanted: 0.8 or
  more). A scan decodes JPEGs at the smaller scale at which it measures, which is part of its speed. The two take turns
  and medians are compared. On a busy machine read the ratio of processor time;
- for `anmok scan` and `anmok explore` of 50,000 pictures, which are hard links of 1,500: seconds, and the most memory
  (wanted: under 1.5 GB). Links of a picture share the work, so that the backbone's vectors take a minute and not half
  an hour; tables and arrays have all 50,000 rows. With ANMOK_WEIGHTS (`make bench` sets it) the backbone is exported
  first, since the cache is empty, and that counts too; without it, explore takes handcrafted features;
- for a scan that is killed half-way and started again: which pictures it opened twice, of those that had been finished
  (wanted: none), and of those that were on their way.

Ends with exit code 1 if something wanted falls short.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from anmok.data.readers import read_listing
from anmok.data.scan import scan
from anmok.data.source import SETTLED_NS
from anmok.data.sources import open_source
from anmok.images import decode

SETS = ("cats-dogs", "cifar10-small", "drawings-with-photos", "horse-or-human", "scenes6", "sports100-small")
WANTED_RATIO, WANTED_BYTES = 0.8, 1.5e9
SHARED_BY_LINKS = 1_500
PATIENCE = 1800
"""Seconds, after which a command is ended."""

# Tells each picture that is opened, at once, so that a kill hides nothing.
_WATCHED = """
import os, sys
log = os.open({log!r}, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
def hook(event, values):
    if event == "open" and str(values[0]).startswith({folder!r}) and values[2] & os.O_NONBLOCK:
        os.write(log, (str(values[0]) + chr(10)).encode())
sys.addaudithook(hook)
from anmok.data.scan import scan
scan({folder!r}, threads={threads})
"""


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pictures", type=int, default=50_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--sets", default="cats-dogs,cifar10-small,mixed")
    options = parser.parse_args()
    data = os.environ.get("ANMOK_DATA", "")
    if not (data and Path(data).is_dir()):
        print("skipped: set ANMOK_DATA to the folder of real pictures")
        return 0
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        os.environ["ANMOK_CACHE"] = str(root / "cache")
        distinct = unpacked(Path(data), root / "mixed")
        linked = link(distinct, root / "linked", options.pictures)
        print(f"{len(distinct)} distinct pictures of {len(SETS)} sets; {options.pictures} by hard links")
        time.sleep(SETTLED_NS / 1e9)
        met = True
        for name in options.sets.split(","):
            folder = root / "mixed" if name == "mixed" else root / "mixed" / name
            met &= compare(name, folder, options.threads, options.repeats) or name != "mixed"
        met &= resumed(linked, root, options.threads)
        few = distinct[:: -(-len(distinct) // SHARED_BY_LINKS)]
        shared = link(few, root / "shared", options.pictures)
        time.sleep(SETTLED_NS / 1e9)
        print(f"\n{options.pictures} pictures by hard links of {len(few)}")
        met &= memory("scan", shared, root)
        met &= memory("explore", shared, root)
    return 0 if met else 1


def unpacked(data: Path, into: Path) -> list[Path]:
    for name in SETS:
        with zipfile.ZipFile(data / f"{name}.zip") as archive:
            archive.extractall(into / name)
    return sorted(path for path in into.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png"))


def link(files: list[Path], into: Path, count: int) -> Path:
    for number in range(count):
        file = files[number % len(files)]
        target = into / file.parent.name / f"{number:06d}{file.suffix}"
        target.parent.mkdir(parents=True, exist_ok=True)
        os.link(file, target)
    return into


def compare(name: str, folder: Path, threads: int, repeats: int) -> bool:
    ways: dict[str, Callable[[], int]] = {
        "decoder": partial(decode_all, folder, threads),
        "statistics": partial(scan_all, folder, threads),
    }
    walls: dict[str, list[float]] = {way: [] for way in ways}
    costs: dict[str, list[float]] = {way: [] for way in ways}
    for _turn in range(repeats):
        for way, work in ways.items():
            shutil.rmtree(os.environ["ANMOK_CACHE"], ignore_errors=True)
            begin, used = time.perf_counter(), time.process_time()
            count = work()
            walls[way].append((time.perf_counter() - begin) / count)
            costs[way].append((time.process_time() - used) / count)
    wall = {way: statistics.median(values) for way, values in walls.items()}
    cost = {way: statistics.median(values) for way, values in costs.items()}
    print(f"\n{name}: {count} pictures, {threads} threads")
    for way in ways:
        print(f"  {way:12} {1 / wall[way]:8.0f} pictures/s {1e6 * cost[way]:8.0f} us of processor time each")
    ratio, share = wall["decoder"] / wall["statistics"], cost["decoder"] / cost["statistics"]
    print(f"  statistics / decoder: {ratio:.3f} (wanted, mixed: {WANTED_RATIO}); by processor time: {share:.3f}")
    return ratio >= WANTED_RATIO


def decode_all(folder: Path, threads: int) -> int:
    with open_source(folder) as source:
        paths = [item.path for item in read_listing(source).items]

        def work(begin: int) -> None:
            for path in paths[begin : begin + 64]:
                decode(source.read(path), name=path, at_least=256)

        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(work, range(0, len(paths), 64)))
    return len(paths)


def scan_all(folder: Path, threads: int) -> int:
    return len(scan(folder, threads=threads))


def resumed(folder: Path, root: Path, threads: int) -> bool:
    shutil.rmtree(os.environ["ANMOK_CACHE"], ignore_errors=True)
    code = [_WATCHED.format(log=str(root / name), folder=str(folder), threads=threads) for name in ("first", "second")]
    half = len({path.stat().st_ino for path in folder.rglob("*") if path.is_file()}) // 2
    with subprocess.Popen([sys.executable, "-c", code[0]]) as process:
        while process.poll() is None and finished() < half:
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
    done = finished()
    subprocess.run([sys.executable, "-c", code[1]], check=True)
    # By inode: hard links of a picture are one picture.
    first, second = (
        [Path(line).stat().st_ino for line in (root / n).read_text().split("\n")[:-1]] for n in ("first", "second")
    )
    twice = len(set(first) & set(second))
    under_way = len(set(first)) - done
    print(f"\nkilled when {done} of {2 * half} pictures were finished, and {under_way} on their way")
    print(f"  opened again: {twice} (wanted: none that was finished, so at most {under_way})")
    return process.returncode == -signal.SIGKILL and twice <= under_way


def finished() -> int:
    """Count the pictures of which the cache knows everything: each has two rows."""
    file = Path(os.environ["ANMOK_CACHE"]) / "pictures.sqlite"
    try:
        database = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
        try:
            return int(database.execute("SELECT count(*) FROM entries").fetchone()[0]) // 2
        finally:
            database.close()
    except sqlite3.OperationalError:  # not even made
        return 0


def memory(command: str, folder: Path, root: Path) -> bool:
    shutil.rmtree(os.environ["ANMOK_CACHE"], ignore_errors=True)
    out = root / ("m.parquet" if command == "scan" else "explored")
    begin = time.perf_counter()
    arguments = [sys.executable, "-m", "anmok", command, str(folder), "-o", str(out)]
    with (root / "said").open("w+b") as said:
        process = subprocess.Popen(arguments, stdout=said, stderr=said)
        # It may be killed in the midst of anything, so that a command that hangs does not hang the benchmark.
        guard = threading.Timer(PATIENCE, process.kill)
        guard.start()
        _pid, status, usage = os.wait4(process.pid, 0)
        guard.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        last = said.read().decode(errors="replace")[-2000:]
    # Of the process and of those that it started and waited for, the largest.
    most = usage.ru_maxrss * 1024
    print(f"\nanmok {command}: exit code {process.returncode}, {time.perf_counter() - begin:.0f} s")
    print(f"  at most {most / 1e6:.0f} MB of memory (wanted: {WANTED_BYTES / 1e6:.0f})")
    if process.returncode:
        print(last)
    return process.returncode == 0 and most < WANTED_BYTES


if __name__ == "__main__":
    sys.exit(main())
