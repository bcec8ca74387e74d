"""10,000 pictures from a loopback server: `anmok collect`, which checks each, beside wget and aria2, which check none.

    python benchmarks/collect_speed.py [--pictures 10000] [--connections 8]

Real pictures of ANMOK_DATA, each with a few bytes behind its end so that no two files are the same, and no two look the
same by more than chance (near-duplicate search stays on; copies that it drops are counted as fetched). All sides get
the same list of addresses and as many connections to the host. Wanted: at least 0.7 times the pictures a second of the
faster of the two (whichever is installed; else the row is skipped), and memory that does not grow with the count: the
peak of the process that crawls, for all pictures, at most 1.3 times that for a tenth of them. Else exit code 1.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SHARE, GROWTH = 0.7, 1.3
SETS = ("sports100-small", "scenes6", "cats-dogs", "horse-or-human", "cifar10-small")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pictures", type=int, default=10_000)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--crawl", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.crawl:
        return crawl(Path(options.crawl[0]), Path(options.crawl[1]), options.connections)
    data = Path(os.environ.get("ANMOK_DATA", ""))
    if not os.environ.get("ANMOK_DATA") or not data.is_dir():
        print("skipped: set ANMOK_DATA to the folder of real pictures")
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        os.environ["ANMOK_CACHE"] = str(folder / "cache")
        names = unpack(data, folder / "web", options.pictures)
        server = subprocess.Popen(
            [sys.executable, str(ROOT / "benchmarks" / "_collect_world.py"), str(folder / "web")],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert server.stdout is not None
        port = int(server.stdout.readline())
        try:
            return measure(folder, names, port, options.connections)
        finally:
            server.terminate()
            server.wait()


def unpack(data: Path, folder: Path, count: int) -> list[str]:
    folder.mkdir()
    names: list[str] = []
    for number, name in enumerate(SETS):
        if not (data / f"{name}.zip").exists():
            continue
        with zipfile.ZipFile(data / f"{name}.zip") as archive:
            for entry in sorted(archive.namelist()):
                if entry.lower().endswith(".jpg") and len(names) < count:
                    names.append(f"{number}-{len(names):06d}.jpg")
                    (folder / names[-1]).write_bytes(archive.read(entry) + len(names).to_bytes(4, "big"))
    print(f"{len(names)} pictures, {sum(p.stat().st_size for p in folder.iterdir()) / 1e6:.0f} MB")
    return names


def measure(folder: Path, names: list[str], port: int, connections: int) -> int:
    rates: dict[str, float] = {}
    urls = folder / "urls.txt"
    urls.write_text("\n".join(f"http://127.0.0.1:{port}/files/{name}" for name in names) + "\n")
    tenth = folder / "tenth.txt"
    tenth.write_text("\n".join(urls.read_text().split("\n")[: len(names) // 10]) + "\n")
    print("| what | seconds | pictures/s | files | peak MB |")
    print("|---|---|---|---|---|")
    others = {
        "aria2": ["aria2c", "-q", "-i", str(urls), "-j", str(connections), "-x1", "-d"],
        # wget has one connection; so many of them share the list.
        "wget": ["sh", "-c", f'xargs -P {connections} -n 200 wget -q -P "$0" < {urls}'],
    }
    for name, command in others.items():
        if shutil.which("aria2c" if name == "aria2" else name) is None:
            print(f"| {name} | not installed | | | |")
            continue
        begin = time.perf_counter()
        subprocess.run([*command, str(folder / name)], check=True, stdout=subprocess.DEVNULL)
        seconds = time.perf_counter() - begin
        rates[name] = len(names) / seconds
        print(f"| {name} | {seconds:.1f} | {rates[name]:.0f} | {sum(1 for _ in (folder / name).iterdir())} | |")
    peaks = []
    for title, listed, count in (("anmok, a tenth", tenth, len(names) // 10), ("anmok", urls, len(names))):
        begin = time.perf_counter()
        done = subprocess.run(
            [sys.executable, __file__, "--connections", str(connections), "--crawl", str(listed), str(folder / title)],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        seconds = time.perf_counter() - begin
        kept, fetched, peak = done.stdout.split()[-3:]
        rates[title] = int(fetched) / seconds
        peaks.append(float(peak))
        print(f"| {title} ({kept} kept) | {seconds:.1f} | {rates[title]:.0f} | {fetched} of {count} | {peak} |")
    fastest = max(rates.get("aria2", 0.0), rates.get("wget", 0.0))
    share = rates["anmok"] / fastest if fastest else float("nan")
    growth = peaks[1] / peaks[0]
    print(f"share of the faster: {share:.2f} (wanted {SHARE}); growth of memory: {growth:.2f} (at most {GROWTH})")
    return 0 if not fastest or (share >= SHARE and growth <= GROWTH) else 1


def crawl(listed: Path, into: Path, connections: int) -> int:
    """Collect a list of addresses; print pictures kept and fetched, and the peak memory of the crawl, MB."""
    sys.path.insert(0, str(ROOT))
    from anmok.collect import ClassPlan, Manners, Plan, QueryText, collect

    addresses = listed.read_text().split()
    manners = Manners(per_host=connections, in_all=connections, start_delay=0.0, robots=True)
    plan = Plan(
        classes=(ClassPlan(name="pictures", queries=(QueryText(text=str(listed)),)),),
        sources=("urls",),
        per_class=len(addresses),
        min_side=16,
        allow=("127.0.0.1",),
        manners=manners,
    )
    collected = collect(plan, into, topics=False)
    refused = collected.refused or {}
    fetched = sum(collected.kept.values()) + sum(n for code, n in refused.items() if "duplicate" in code)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(sum(collected.kept.values()), fetched, f"{peak:.0f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
