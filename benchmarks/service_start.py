"""How long `anmok serve` takes from the command to the first answer for a photo, as a stranger installs it.

    python benchmarks/service_start.py [--repeats 5] [--keep] [--json FILE]

A wheel is built of this working tree and installed with the extra `service` and the pinned versions into a new virtual
environment below .bench/ (`--keep` takes the one of the last time). Then, each time on a new folder: the command
begins, and a client sends a photo to /api/v1/identify until it is answered; the clock ends with the answer. The first
time is the coldest: nothing was imported from there before, and where the system allows it (root), its cache of files
is emptied before each. A second start on the same folder is timed beside: tables and style are there already.
Wanted: under 5 s, each time. The modules that the service's processes hold at the end are looked through for training
libraries, too. Exit code 1 where a time or a module is too much.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from PIL import Image

from _environments import ROOT

WANTED = 5.0
HEAVY = ("torch", "torchvision", "timm", "pandas", "sklearn", "matplotlib", "scipy")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--keep", action="store_true", help="take the environment of the last time")
    parser.add_argument("--json", type=Path, help="also write the figures there")
    options = parser.parse_args()
    anmok = installed(keep=options.keep)
    photo = some_photo()
    first, again, caches = [], [], False
    with tempfile.TemporaryDirectory() as scratch:
        for number in range(options.repeats):
            folder = Path(scratch) / str(number)
            caches = empty_caches()
            first.append(seconds_to_answer(anmok, folder, photo))
            again.append(seconds_to_answer(anmok, folder, photo))
            print(f"new folder {first[-1]:.2f} s, again {again[-1]:.2f} s", flush=True)
        imported = modules(anmok, Path(scratch) / "modules", photo)
    heavy = sorted(name for name in imported if name.partition(".")[0] in HEAVY)
    met = max(first) < WANTED and not heavy and "onnxruntime" in imported
    print(f"caches of files emptied before each: {'yes' if caches else 'no'}")
    print(f"training libraries in the service's processes: {', '.join(heavy) or 'none'} of {len(imported)} modules")
    print(f"again, median: {statistics.median(again):.2f} s")
    print(f"slowest of the first starts: {max(first):.2f} s (wanted: under {WANTED:.0f}): {'met' if met else 'MISSED'}")
    print(f"load: {os.getloadavg()[0]:.1f}")
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        figures = {"first": first, "again": again, "caches_emptied": caches, "heavy": heavy, "met": met}
        options.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")
    return 0 if met else 1


def installed(*, keep: bool) -> Path:
    """Return the command of a fresh installation from a wheel."""
    folder = ROOT / ".bench" / "service"
    command = folder / "bin" / "anmok"
    if keep and command.exists():
        return command
    shutil.rmtree(folder, ignore_errors=True)
    with tempfile.TemporaryDirectory() as wheels:
        build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", wheels]
        subprocess.run([*build, str(ROOT)], check=True)
        (wheel,) = Path(wheels).glob("*.whl")
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
        subprocess.run([*pip, "-c", str(ROOT / "requirements" / "run.txt"), f"{wheel}[service]"], check=True)
    return command


def seconds_to_answer(anmok: Path, folder: Path, photo: bytes, **environ: str) -> float:
    """Start the service, wait for an answer, stop it; return how long the answer took from the start on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = folder.with_suffix(".log").open("a", encoding="utf-8")
    began = time.perf_counter()
    command = [str(anmok), "serve", "--data", str(folder), "--port", str(port)]
    with (
        log,
        subprocess.Popen(
            command, cwd=folder.parent, stdout=log, stderr=subprocess.STDOUT, env={**os.environ, **environ}
        ) as process,
    ):
        try:
            request = urllib.request.Request(
                f"http://127.0.0.1:{port}/api/v1/identify", data=photo, headers={"Content-Type": "image/jpeg"}
            )
            while True:
                assert process.poll() is None, "the service ended"
                assert time.perf_counter() - began < 300, "the service does not answer"
                with contextlib.suppress(urllib.error.URLError, ConnectionError):
                    answer = json.load(urllib.request.urlopen(request, timeout=60))
                    break
                time.sleep(0.01)
            took = time.perf_counter() - began
            assert answer["class"], answer
        finally:
            process.terminate()
    return took


def modules(anmok: Path, folder: Path, photo: bytes) -> set[str]:
    """Return the modules that the service's processes import until an answer is there."""
    seconds_to_answer(anmok, folder, photo, PYTHONPROFILEIMPORTTIME="1")
    log = folder.with_suffix(".log").read_text(encoding="utf-8")
    return set(re.findall(r"^import time:\s+\d+ \|\s+\d+ \|\s+(\S+)$", log, re.MULTILINE))


def empty_caches() -> bool:
    """Let the system forget the files that it has read; tell whether it did."""
    try:
        os.sync()
        Path("/proc/sys/vm/drop_caches").write_text("3\n", encoding="ascii")
    except OSError:
        return False
    return True


def some_photo() -> bytes:
    stream = io.BytesIO()
    Image.effect_mandelbrot((224, 224), (-2, -1.5, 1, 1.5), 60).convert("RGB").save(stream, "JPEG")
    return stream.getvalue()


if __name__ == "__main__":
    sys.exit(main())
