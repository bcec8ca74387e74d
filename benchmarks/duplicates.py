"""Duplicates: a million hashes, near copies planted in real pictures, and imagededup beside it.

    python benchmarks/duplicates.py [--hashes 1000000] [--radius 6] [--seeds 0,1] [--no-imagededup]

1. Groups so many synthetic hashes, random ones with planted groups at distance 0 to the radius: seconds, peak memory
   (of the process), recall of the planted pairs. Wanted: under 2 minutes, under 4 GB, all pairs; else exit code 1.
2. Plants near copies (tests/clean/planted.py) in real sets, finds them: recall and precision against what was planted
   and against the pairs that the sets hold by themselves, each of which was looked at. Wanted, on cats-dogs.zip: recall
   0.97, precision 0.99; else exit code 1.
3. Copies in cats-dogs.zip with imagededup's PHash and CNN (150 pairs), at their own defaults, in an environment of its
   own (.bench/imagededup, made here when it is absent; it borrows PyTorch from this one).

Parts 2 and 3 need ANMOK_DATA (and the CNN ANMOK_WEIGHTS); `make bench` sets them. Each run is a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

SECONDS, MEMORY, RECALL, PRECISION = 120.0, 4e9, 0.97, 0.99
ENVIRONMENT = ROOT / ".bench" / "imagededup"
#: set -> copies that are planted.
SETS = {"cats-dogs": 600, "scenes6": 300, "sports100-small": 500, "drawings-with-photos": 200}
#: Pictures, each with a copy, for methods that take long.
SOME = 150


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--hashes", type=int, default=1_000_000)
    parser.add_argument("--radius", type=int, default=6)
    parser.add_argument("--seeds", default="0,1")
    parser.add_argument("--no-imagededup", action="store_true")
    parser.add_argument("--part", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        print(json.dumps(PARTS[options.part[0]](*options.part[1:])))
        return 0
    met = million(options.hashes, options.radius)
    data = Path(os.environ.get("ANMOK_DATA", ""))
    if not os.environ.get("ANMOK_DATA") or not data.is_dir():
        print("planted copies: skipped, set ANMOK_DATA to the folder of real pictures")
        return 0 if met else 1
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["ANMOK_CACHE"] = str(Path(scratch) / "cache")
        for seed in map(int, options.seeds.split(",")):
            print(f"\n| set, seed {seed} | copies | recall | precision | bar | s without scan | peak MB |")
            print("|---|---|---|---|---|---|---|")
            for name, count in SETS.items():
                met &= planted(data, Path(scratch), name, count, seed)
        if not options.no_imagededup:
            beside(data, Path(scratch), int(options.seeds.split(",")[0]))
    return 0 if met else 1


def million(count: int, radius: int) -> bool:
    told = part("hashes", str(count), str(radius))
    met = told["seconds"] < SECONDS and told["peak"] < MEMORY and told["recall"] == 1
    print(
        f"{count:,} hashes, radius {radius}: {told['seconds']:.1f} s, {told['peak'] / 1e9:.2f} GB at most, "
        f"recall of {told['planted']:,} planted pairs {told['recall']:.4f}, {told['groups']:,} groups "
        f"(wanted: under {SECONDS:.0f} s, under {MEMORY / 1e9:.0f} GB, recall 1): {'met' if met else 'MISSED'}"
    )
    return met


def hashes(count: str, radius: str) -> dict[str, Any]:
    """One in twenty is the base of a group with one to three more, each 0 to ``radius`` bits away."""
    import numpy as np

    from anmok.clean.near_hashes import components, near_hashes

    rng = np.random.default_rng(0)
    bases = rng.integers(0, 2**64, int(int(count) * 0.9), dtype=np.uint64)
    of = rng.integers(0, int(count) // 20, int(count) - len(bases))
    flips = np.zeros(len(of), dtype=np.uint64)
    for n, bits in enumerate(rng.integers(0, int(radius) + 1, len(of)).tolist()):
        flips[n] = sum(1 << int(bit) for bit in rng.choice(64, bits, replace=False))
    every = np.concatenate([bases, bases[of] ^ flips])
    begin = time.perf_counter()
    values, codes = np.unique(every, return_inverse=True)
    found = near_hashes(values, values, radius=int(radius))
    groups = components(len(values), np.stack([found.queries, found.rows], axis=1))[codes]
    seconds = time.perf_counter() - begin
    recall = float((groups[of] == groups[len(bases) :]).mean())
    return {"seconds": seconds, "peak": peak(), "recall": recall, "planted": len(of), "groups": int(groups.max() + 1)}


def planted(data: Path, scratch: Path, name: str, count: int, seed: int) -> bool:
    folder = scratch / f"{name}-{seed}"
    plant_into(folder, data / f"{name}.zip", count, seed)
    told = part("anmok", str(folder))
    recall, precision, others = judge(told["pairs"], folder, name)
    met = name != "cats-dogs" or (recall >= RECALL and precision >= PRECISION)
    print(
        f"| {name} | {count} | {recall:.4f} | {precision:.4f} | {told['bar']:.3f} | {told['seconds']:.1f} | "
        f"{told['peak'] / 1e6:.0f} |" + ("" if met else " MISSED")
    )
    for one, other in others:
        print(f"  <!-- not planted, not known: {one} | {other} -->")
    return met


def plant_into(folder: Path, source: Path, count: int, seed: int, *, everything: bool = True) -> None:
    from anmok.data.scan import scan
    from tests.clean.planted import plant

    copies = plant(scan(source), folder, count=count, seed=seed, everything=everything)
    (folder.parent / f"{folder.name}.json").write_text(json.dumps([[copy.path, copy.original] for copy in copies]))


def judge(pairs: list[list[str]], folder: Path, name: str) -> tuple[float, float, list[list[str]]]:
    """Return recall, precision and the pairs that are neither planted nor known."""
    from tests.clean.test_near_duplicates import NATURAL

    copies = json.loads((folder.parent / f"{folder.name}.json").read_text())
    root = dict(copies)
    found = {frozenset(pair) for pair in pairs}
    others = []
    for pair in pairs:
        roots = {root.get(path, path) for path in pair}
        if len(roots) > 1 and roots not in NATURAL[name]:
            others.append(pair)
    recall = sum(frozenset(pair) in found for pair in copies) / len(copies)
    return recall, 1 - len(others) / max(1, len(pairs)), others


def anmok(folder: str) -> dict[str, Any]:
    from anmok.clean.evidence import Evidence
    from anmok.clean.near_copies import near_copies
    from anmok.data.scan import scan

    begin = time.perf_counter()
    manifest = scan(folder)
    evidence = Evidence(manifest)
    len(evidence.thumbs)
    scanned = time.perf_counter()
    near = near_copies(evidence)
    end = time.perf_counter()
    paths = manifest.table["path"].tolist()
    return {
        "pairs": [[paths[one], paths[other]] for one, other in near.pairs.tolist()],
        "bar": near.bar,
        "seconds": end - scanned,
        "whole": end - begin,
        "peak": peak(),
    }


def beside(data: Path, scratch: Path, seed: int) -> None:
    """Print Anmok and imagededup on the same folders: all pictures, and 150 with a copy each for its slow CNN."""
    python = ready_environment()
    packs = sorted(Path(os.environ.get("ANMOK_WEIGHTS", "nowhere")).glob("mobilenetv2*"))
    phash = ("imagededup PHash, at most 10 bits", "phash")
    cnn = ("imagededup CNN (MobileNetV2), cosine 0.9", "cnn")
    everything, some = scratch / f"cats-dogs-{seed}", scratch / f"some-{seed}"
    plant_into(some, data / "cats-dogs.zip", SOME, seed, everything=False)
    for folder, methods in ((everything, (phash,)), (some, (phash, cnn))):
        # An empty cache, so that Anmok decodes everything as imagededup does.
        os.environ["ANMOK_CACHE"] = str(scratch / f"empty-{folder.name}")
        rows: dict[str, dict[str, Any] | str] = {"Anmok": part("anmok", str(folder))}
        for title, method in methods:
            if isinstance(python, str):
                rows[title] = python
            elif method == "cnn" and not packs:
                rows[title] = "ANMOK_WEIGHTS is not set"
            else:
                script = str(ROOT / "benchmarks" / "_imagededup.py")
                rows[title] = run([str(python), script, method, str(folder), *map(str, packs[:1])])
        tabulate(folder, rows)


def tabulate(folder: Path, rows: dict[str, dict[str, Any] | str]) -> None:
    """Print one table; ``rows["Anmok"]`` is what the others are compared with."""
    ours = {frozenset(pair) for pair in rows["Anmok"]["pairs"]}  # type: ignore[index]
    print(f"\n| {folder.name} | recall | precision | pairs | agreement with Anmok | s | peak MB |")
    print("|---|---|---|---|---|---|---|")
    for title, told in rows.items():
        if isinstance(told, str):
            print(f"| {title} | – | – | – | – | – | {told} |")
            continue
        recall, precision, _others = judge(told["pairs"], folder, "cats-dogs")
        theirs = {frozenset(pair) for pair in told["pairs"]}
        agreement = len(ours & theirs) / max(1, len(ours | theirs))
        seconds = told.get("whole", told["seconds"])
        print(
            f"| {title} | {recall:.4f} | {precision:.4f} | {len(theirs)} | {agreement:.3f} | {seconds:.1f} | "
            f"{told['peak'] / 1e6:.0f} |"
        )


def ready_environment() -> Path | str:
    """Return the Python of imagededup's environment, which is made when absent; or why there is none."""
    python = ENVIRONMENT / "bin" / "python"
    if (ENVIRONMENT / "ready").exists():
        return python
    try:
        subprocess.run([sys.executable, "-m", "venv", str(ENVIRONMENT)], check=True, capture_output=True, text=True)
        inside = subprocess.run(
            [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        # PyTorch and the rest are here already; only what is imagededup's own is fetched.
        (Path(inside) / "project.pth").write_text(sysconfig.get_path("purelib") + "\n")
        install = [
            str(python),
            "-m",
            "pip",
            "install",
            "-q",
            "--no-deps",
            "imagededup==0.3.3.post2",
            "PyWavelets==1.9.0",
        ]
        subprocess.run(install, check=True, capture_output=True, text=True)
    except subprocess.CalledProcessError as error:
        return "not installed: " + " ".join(str(error.stderr).split())[-200:]
    (ENVIRONMENT / "ready").touch()
    return python


def part(*words: str) -> dict[str, Any]:
    told = run([sys.executable, __file__, "--part", *words])
    if isinstance(told, str):
        raise SystemExit(told)
    return told


def run(command: list[str]) -> dict[str, Any] | str:
    """Return the JSON that a command prints last, or its last words on standard error."""
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        return "failed: " + " ".join(done.stderr.split())[-300:]
    told: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return told


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0


PARTS = {"hashes": hashes, "anmok": anmok}

if __name__ == "__main__":
    sys.exit(main())
