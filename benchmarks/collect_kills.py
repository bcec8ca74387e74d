"""SIGKILL at 20 random moments of a collection: its folder and manifest must equal those of an undisturbed run.

    python benchmarks/collect_kills.py [--kills 20] [--pictures 600] [--seed 0]

Three classes of real pictures of ANMOK_DATA from a loopback server that speaks Openverse. Moments are drawn over the
time that the undisturbed run took. Also told: how many files the server gave more than once (those under way at a
kill). Exit code 1 where anything differs.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.collect_speed import unpack  # noqa: E402

from anmok.collect import ClassPlan, Manners, Plan, QueryText, collect  # noqa: E402
from anmok.collect.state import FOLDER  # noqa: E402
from anmok.data.manifest import Manifest  # noqa: E402
from anmok.storage import write_json  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--pictures", type=int, default=600)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    data = Path(os.environ.get("ANMOK_DATA", ""))
    if not os.environ.get("ANMOK_DATA") or not data.is_dir():
        print("skipped: set ANMOK_DATA to the folder of real pictures")
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        os.environ["ANMOK_CACHE"] = str(folder / "cache")
        for at, name in enumerate(unpack(data, folder / "web", options.pictures)):
            (folder / "web" / name).rename(folder / "web" / f"{'abc'[at % 3]}{name}")
        server = subprocess.Popen(
            [sys.executable, str(ROOT / "benchmarks" / "_collect_world.py"), str(folder / "web")],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert server.stdout is not None
        try:
            return compare(folder, plan_of(int(server.stdout.readline()), options.pictures), options)
        finally:
            server.terminate()
            server.wait()


def plan_of(port: int, pictures: int) -> Plan:
    classes = tuple(ClassPlan(name=f"class {q}", queries=(QueryText(text=q),)) for q in "abc")
    manners = Manners(start_delay=0.0, delays={"openverse": 0.0}, quotas={"openverse": 1_000_000})
    endpoints = {"openverse": f"http://127.0.0.1:{port}/v1/images/"}
    each = min(pictures // 3, 240) - 20
    return Plan(
        classes=classes, per_class=each, min_side=16, sources=("openverse",), endpoints=endpoints, manners=manners
    )


def compare(folder: Path, plan: Plan, options: argparse.Namespace) -> int:
    begin = time.perf_counter()
    collect(plan, folder / "undisturbed", topics=False)
    seconds = time.perf_counter() - begin
    draw = random.Random(options.seed)
    hidden = folder / "killed" / FOLDER
    hidden.mkdir(parents=True)
    write_json(hidden / "job.json", {"plan": plan.to_json(), "dry": False})
    command = [sys.executable, "-m", "anmok.collect.child", str(hidden)]
    killed = 0
    for _kill in range(options.kills):
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            # From its start on; most of the time is spent on imports, which may be killed, too.
            child.wait(timeout=draw.uniform(0.2, 1.0) * seconds)
        except subprocess.TimeoutExpired:
            child.send_signal(signal.SIGKILL)
            killed += 1
        child.communicate()
    collect(plan, folder / "killed", topics=False)
    same = files_of(folder / "killed") == files_of(folder / "undisturbed")
    rows = [
        Manifest.load(folder / name / "manifest.parquet").table.drop(columns="collected_at")
        for name in ("killed", "undisturbed")
    ]
    equal = rows[0].equals(rows[1])
    print(f"undisturbed run: {seconds:.1f} s, {len(rows[1])} pictures")
    print(f"killed {killed} times of {options.kills} starts; files equal: {same}; manifest equal: {equal}")
    return 0 if same and equal else 1


def files_of(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and FOLDER not in path.parts and path.suffix == ".jpg"
    }


if __name__ == "__main__":
    sys.exit(main())
