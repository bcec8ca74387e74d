"""The quality checks beside cleanvision: agreement, what is found of planted faults, time and memory.

    python benchmarks/quality.py [--each 25] [--seed 0] [--no-cleanvision]

1. scenes6.zip and cats-dogs.zip as they are: what each flags, and what both do.
2. The same sets with ``--each`` pictures of every fault planted (tests/clean/faulty.py says how each is made): the
   share that is found, and how many pictures are flagged that were not spoilt.
3. Time and peak memory. Both begin with the folder and end with all flags; Anmok's time is the scan, with an empty
   cache, and the checks.

cleanvision runs at its own defaults in an environment of its own (.bench/cleanvision, made here when it is absent).
Each run is a process of its own. Needs ANMOK_DATA; `make bench` sets it. Prints Markdown. Ends with exit code 1 if
fewer than nine in ten of the pictures that any fault spoilt are found in either set, or if more than one in a hundred
of the others is flagged beyond what was flagged before anything was planted.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENT = ROOT / ".bench" / "cleanvision"
VERSION = "0.3.7"
THEIRS = {
    "dark": "dark",
    "light": "light",
    "low-information": "low_information",
    "blurred": "blurry",
    "odd-size": "odd_size",
    "odd-aspect": "odd_aspect_ratio",
    "greyscale": "grayscale",
    "screenshot": "",
}
SETS = ("scenes6", "cats-dogs")
WANTED, FALSE_ALARMS = 0.9, 0.01


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--each", type=int, default=25)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--no-cleanvision", action="store_true")
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        print(json.dumps(ours(options.worker)))
        return 0
    data = Path(os.environ.get("ANMOK_DATA") or "nowhere")
    if not data.is_dir():
        print("skipped: set ANMOK_DATA to the folder of real pictures")
        return 0
    sys.path.insert(0, str(ROOT))
    from anmok.data.scan import scan
    from tests.clean.faulty import spoil

    python = None if options.no_cleanvision else ready_environment()
    met, rows = True, []
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["ANMOK_CACHE"] = str(Path(scratch) / "cache")
        for name in SETS:
            manifest = scan(data / f"{name}.zip")
            plain, spoilt = Path(scratch) / name, Path(scratch) / f"{name}-spoilt"
            spoil(manifest, plain, each=0, seed=0)
            faults = spoil(manifest, spoilt, each=options.each, seed=options.seed)
            before = run_both(plain, python, Path(scratch))
            after = run_both(spoilt, python, Path(scratch))
            show_agreement(name, len(manifest), before)
            met &= show_planted(name, len(manifest), faults, before, after)
            rows += [
                (f"{name}{suffix}", len(manifest), who, run)
                for suffix, runs in (("", before), (", spoilt", after))
                for who, run in runs.items()
            ]
    print("\n| set | pictures | by | seconds | pictures/s | peak memory, MB |\n|---|---|---|---|---|---|")
    for name, count, who, run in rows:
        print(
            f"| {name} | {count} | {who} | {run['seconds']:.1f} | {count / run['seconds']:.0f} "
            f"| {run['peak'] / 2**20:.0f} |"
        )
    return 0 if met else 1


def run_both(folder: Path, python: Path | None, scratch: Path) -> dict[str, dict[str, Any]]:
    """Return what Anmok and cleanvision flag, each with its seconds and peak."""
    with tempfile.TemporaryDirectory(dir=scratch) as cache:
        command = [sys.executable, str(Path(__file__).resolve()), "--worker", str(folder)]
        runs = {"Anmok": run(command, {**os.environ, "ANMOK_CACHE": cache})}
    if python is not None:
        runs["cleanvision"] = run(
            [str(python), str(ROOT / "benchmarks" / "_cleanvision.py"), str(folder)], dict(os.environ)
        )
    return runs


def run(command: list[str], environment: dict[str, str]) -> dict[str, Any]:
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def ours(folder: Path) -> dict[str, Any]:
    """Scan and check one folder in this process."""
    begin = time.perf_counter()
    from anmok.clean.evidence import Evidence
    from anmok.clean.examine import examine
    from anmok.data.scan import scan

    examined = examine(Evidence(scan(folder)), tuple(THEIRS))
    flagged = {one.check.name: [finding.path for finding in one.findings] for one in examined}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"flagged": flagged, "seconds": time.perf_counter() - begin, "peak": peak}


def flags_of(runs: dict[str, dict[str, Any]], who: str, check: str) -> set[str]:
    if who not in runs:
        return set()
    return set(runs[who]["flagged"].get(check if who == "Anmok" else THEIRS[check], ()))


def show_agreement(name: str, count: int, runs: dict[str, dict[str, Any]]) -> None:
    print(
        f"\n{name}, {count} pictures as they are:\n\n| check | Anmok | cleanvision | both |\n|---|---|---|---|",
        flush=True,
    )
    for check, issue in THEIRS.items():
        one, other = flags_of(runs, "Anmok", check), flags_of(runs, "cleanvision", check)
        theirs = (len(other), len(one & other)) if issue and "cleanvision" in runs else ("-", "-")
        print(f"| {check} | {len(one)} | {theirs[0]} | {theirs[1]} |", flush=True)


def show_planted(
    name: str, count: int, faults: dict[str, str], before: dict[str, dict[str, Any]], after: dict[str, dict[str, Any]]
) -> bool:
    """Print what was found of each fault, and what was flagged without being spoilt; tell whether Anmok did well."""
    from tests.clean.faulty import FAULTS

    met = True
    print(
        f"\n{name} with planted faults: found, and newly flagged of the {count - len(faults)} that were not spoilt:\n"
    )
    print("| fault | planted | check | Anmok found | newly flagged | cleanvision found | newly flagged |")
    print("|---|---|---|---|---|---|---|")
    for fault, (check, _make) in FAULTS.items():
        planted = {path for path, kind in faults.items() if kind == fault}
        cells = []
        for who in ("Anmok", "cleanvision"):
            flagged = flags_of(after, who, check)
            new = len(flagged - set(faults) - flags_of(before, who, check))
            share = len(flagged & planted) / len(planted)
            shown = who in after and (who == "Anmok" or THEIRS[check])
            cells += [f"{share:.2f}", str(new)] if shown else ["-", "-"]
            if who == "Anmok":
                met &= share >= WANTED and new <= FALSE_ALARMS * count
        print(f"| {fault} | {len(planted)} | {check} | {' | '.join(cells)} |", flush=True)
    return met


def ready_environment() -> Path | None:
    """Return the Python of cleanvision's environment, which is made when absent; None, and a word, without network."""
    python = ENVIRONMENT / "bin" / "python"
    probe = [str(python), "-c", "import cleanvision"]
    if python.exists() and subprocess.run(probe, capture_output=True, check=False).returncode == 0:
        return python
    try:
        subprocess.run([sys.executable, "-m", "venv", str(ENVIRONMENT)], check=True, capture_output=True)
        install = [str(python), "-m", "pip", "install", "--quiet", f"cleanvision=={VERSION}"]
        subprocess.run(install, check=True, capture_output=True, text=True)
    except subprocess.CalledProcessError as error:
        print(f"without cleanvision, which could not be installed: {error}")
        return None
    return python


if __name__ == "__main__":
    sys.exit(main())
