"""The service's speed: photos a second over HTTP, beside the bundle asked directly, and FastAPI with PyTorch.

    python benchmarks/service_speed.py [--seconds 15] [--repeats 3] [--clients 8] [--together 1] [--json FILE]

One bundle (MobileNetV2 at 224 pixels with a head learned from scenes6.zip) and JPEGs of 224 pixels, each sent once, so
that each is kept. Five ways take turns in each round; medians of the rounds are compared:

  loop       the bundle in a loop: one photo after the other, one call each (`Predictor.predict_items`)
  all cores  the bundle given all photos as one stream, on all cores: more no service can reach that shares the
             processor with nobody
  service    `anmok serve`, a process for each core: photo decoded, answered, re-encoded, kept, noted in the database,
             counted; 8 clients, which share the processor with it
  fastapi    FastAPI and PyTorch eager with the same weights, `uvicorn app` as one starts it; the same clients. It
             answers and keeps nothing
  fastapi x  the same with a process for each core and one thread of PyTorch each

Wanted: service at least 0.7 of loop; its slowest hundredth (p99) at most 5 times its median; 4 times fastapi. The
other two are printed beside, and the processor time that a server takes for a photo, which tells more on a busy
machine. Exit code 1 where one of the three falls short. Needs ANMOK_DATA and ANMOK_WEIGHTS.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from _environments import ROOT, NotToBeHad, environment, told

WANTED_OF_LOOP, WANTED_TAIL, WANTED_OF_FASTAPI = 0.7, 5.0, 4.0
SIZE = 224
#: Pictures of the source from which photos are cut, and from which the head learns.
PICTURES = 240
#: A second of one core answers fewer photos than this on any machine that this was run on.
MOST_A_SECOND = 250
#: Answers of each way that are compared with those of the others.
KEPT = 100
CORES = len(os.sched_getaffinity(0))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--together", type=int, default=1, help="photos that go through the model together")
    parser.add_argument("--only", help="ways, separated by commas")
    parser.add_argument("--json", type=Path, help="also write the figures there")
    parser.add_argument("--part", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        print(json.dumps(direct(*options.part)))
        return 0
    data, weights = os.environ.get("ANMOK_DATA", ""), os.environ.get("ANMOK_WEIGHTS", "")
    if not (data and weights and Path(data).is_dir()):
        print("skipped: set ANMOK_DATA and ANMOK_WEIGHTS to the folders of real pictures and weights")
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(Path(scratch), Path(data) / "scenes6.zip", options)
        rounds = [bench.round(number) for number in range(options.repeats)]
    figures = judged(rounds)
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")
    return 0 if figures["met"] else 1


class Bench:
    """What all rounds share: the bundle, the photos, the ways."""

    def __init__(self, scratch: Path, source: Path, options: argparse.Namespace) -> None:
        self.scratch, self.options = scratch, options
        pictures = some_pictures(source)
        self.photos = scratch / "photos"
        cut_photos(pictures, self.photos, int(options.seconds * MOST_A_SECOND * CORES) + 100)
        self.bundle, self.head = make_bundle(scratch, pictures)
        self.ways = {
            "loop": lambda number: self.direct("loop"),
            "all cores": lambda number: self.direct("stream"),
            "service": self.service,
            "fastapi": lambda number: self.fastapi(workers=1, threads=0),
            "fastapi x": lambda number: self.fastapi(workers=CORES, threads=1),
        }
        if options.only:
            self.ways = {name: way for name, way in self.ways.items() if name in options.only.split(",")}
        try:
            self.python = environment("fastapi")
        except NotToBeHad as reason:
            print(f"without FastAPI: {reason}")
            self.ways = {name: way for name, way in self.ways.items() if not name.startswith("fastapi")}

    def round(self, number: int) -> dict[str, dict[str, Any]]:
        """Let every way take its turn."""
        found = {}
        for name, way in self.ways.items():
            found[name] = way(number)
            rate = found[name]["answers"] / found[name]["seconds"]
            tail = "".join(f", {key} {found[name][key]:.1f} ms" for key in ("p50", "p99") if key in found[name])
            cost = f", {found[name]['processor']:.1f} ms of processor time each"
            print(f"round {number + 1}: {name}: {rate:.1f} photos/s{tail}{cost}", flush=True)
        same_answers(found)
        return found

    def direct(self, kind: str) -> dict[str, Any]:
        """Ask the bundle in a new process."""
        return told(
            [sys.executable, __file__, "--part", kind, str(self.bundle), str(self.photos), str(self.options.seconds)]
        )

    def service(self, number: int) -> dict[str, Any]:
        """Ask ``anmok serve`` on a new folder."""
        folder, port = self.scratch / f"service-{number}", free_port()
        words = ["--data", str(folder), "--port", str(port), "--workers", str(CORES)]
        words += ["--together", str(self.options.together), "--bundle", str(self.bundle)]
        with running([sys.executable, "-m", "anmok", "serve", *words], port, {"ANMOK_LIMITS": "off"}) as server:
            found = self.visit(port, "/api/v1/identify", server)
        kept = sum(1 for _file in folder.glob("uploads/*/*.jpg"))
        assert kept >= found["answers"], f"{found['answers']} photos were answered, {kept} are kept"
        return found

    def fastapi(self, *, workers: int, threads: int) -> dict[str, Any]:
        """Ask FastAPI."""
        port = free_port()
        command = [str(self.python), "-m", "uvicorn", "_fastapi_torch:app", "--port", str(port), "--log-level", "error"]
        environ = {"ANMOK_HEAD": str(self.head), "ANMOK_THREADS": str(threads), "PYTHONPATH": str(ROOT / "src")}
        with running([*command, "--workers", str(workers)], port, environ) as server:
            return self.visit(port, "/identify", server)

    def visit(self, port: int, path: str, server: int) -> dict[str, Any]:
        """Send photos; the first second is not counted. ``server``: the number of the process that was started."""
        client = [sys.executable, str(ROOT / "benchmarks" / "_service_client.py"), "127.0.0.1", str(port), path]
        clients = str(self.options.clients)
        warm = told([*client, str(self.photos), clients, "1", "0"])
        before = processor_seconds(server)
        found = told([*client, str(self.photos), clients, str(self.options.seconds), str(warm["answers"])])
        # The first photos are those that the other ways answer first, too.
        found["first"] = warm["first"]
        found["processor"] = 1000 * (processor_seconds(server) - before) / found["answers"]
        assert set(found["statuses"]) == {"200"}, found["statuses"]
        return found


def direct(kind: str, bundle: str, photos: str, seconds: str) -> dict[str, Any]:
    """Ask the bundle for as long as told; runs in a process of its own."""
    from anmok.inference.predictor import Predictor

    items = [(path.name, path.read_bytes) for path in sorted(Path(photos).iterdir())]
    predictor = Predictor.open(bundle)
    list(predictor.predict_items(items[:20]))
    first: dict[str, Any] = {}
    began, used = time.perf_counter(), time.process_time()
    # No more photos after the time; those under way are waited for and counted, and so is the time that they take.
    given = takewhile(lambda _item: time.perf_counter() < began + float(seconds), items)
    if kind == "stream":
        answers = predictor.predict_items(given)
    else:
        answers = (next(predictor.predict_items([item])) for item in given)
    done = 0
    for answer in answers:
        done += 1
        if len(first) < KEPT:
            first[answer.path] = answer.to_json()
    took, used = time.perf_counter() - began, time.process_time() - used
    return {"answers": done, "seconds": took, "first": first, "processor": 1000 * used / done}


def judged(rounds: Sequence[Mapping[str, Mapping[str, Any]]]) -> dict[str, Any]:
    """Print and return medians and ratios."""
    rates = {
        name: statistics.median(one[name]["answers"] / one[name]["seconds"] for one in rounds) for name in rounds[0]
    }
    for name, rate in rates.items():
        print(f"{name}: {rate:.1f} photos/s")
    figures: dict[str, Any] = {"rates": rates, "load": os.getloadavg()[0], "met": True}
    if "service" not in rates:
        return figures
    for name, wanted in (
        ("loop", WANTED_OF_LOOP),
        ("all cores", None),
        ("fastapi", WANTED_OF_FASTAPI),
        ("fastapi x", None),
    ):
        if name in rates:
            ratio = rates["service"] / rates[name]
            figures[f"service / {name}"] = ratio
            verdict = "" if wanted is None else f" (wanted: {wanted}): {'met' if ratio >= wanted else 'MISSED'}"
            print(f"service / {name}: {ratio:.2f}{verdict}")
            figures["met"] &= wanted is None or ratio >= wanted
    tail = statistics.median(one["service"]["p99"] / one["service"]["p50"] for one in rounds)
    print(f"p99 / p50: {tail:.2f} (wanted: at most {WANTED_TAIL}): {'met' if tail <= WANTED_TAIL else 'MISSED'}")
    print(f"load: {figures['load']:.1f}")
    return figures | {"p99 / p50": tail, "met": figures["met"] and tail <= WANTED_TAIL}


def same_answers(found: Mapping[str, Mapping[str, Any]]) -> None:
    """Make sure that all ways gave the same answers: else their speeds say nothing."""
    compared = 0
    for name, other in found.items():
        for photo, answer in other["first"].items():
            for reference in found.values():
                if reference is not other and photo in reference["first"]:
                    expected = reference["first"][photo]
                    difference = abs(answer["probability"] - expected["probability"])
                    assert difference < 0.02, f"{name} answers {answer} for {photo}, another way {expected}"
                    compared += 1
    assert compared > 20 or len(found) == 1, "the ways have too few photos in common"


def some_pictures(source: Path) -> list[tuple[str, bytes]]:
    """Return pictures of all classes with their names in the zip."""
    with zipfile.ZipFile(source) as archive:
        names = sorted(name for name in archive.namelist() if name.lower().endswith((".jpg", ".jpeg", ".png")))
        return [(name, archive.read(name)) for name in names[:: max(1, len(names) // PICTURES)]]


def cut_photos(pictures: Sequence[tuple[str, bytes]], folder: Path, count: int) -> None:
    """Write JPEGs of 224 pixels, no two the same: squares from different places of the pictures."""
    folder.mkdir()
    random = np.random.default_rng(0)
    opened = [Image.open(io.BytesIO(data)).convert("RGB") for _name, data in pictures]
    for number in range(count):
        image = opened[number % len(opened)]
        side = int(min(image.size) * random.uniform(0.6, 1))
        left, top = (int(random.integers(0, one - side + 1)) for one in image.size)
        cut = image.resize((SIZE, SIZE), Image.Resampling.BICUBIC, box=(left, top, left + side, top + side))
        cut.save(folder / f"{number:06}.jpg", quality=90)


def make_bundle(scratch: Path, pictures: Sequence[tuple[str, bytes]]) -> tuple[Path, Path]:
    """Train the head; return the bundle, and the head as FastAPI's side reads it."""
    import onnx
    from onnx import numpy_helper

    from anmok.bundle.format import read_bundle

    source, out = scratch / "pictures.zip", scratch / "trained"
    with zipfile.ZipFile(source, "w") as archive:
        for name, data in pictures:
            archive.writestr(name, data)
    words = ["train", str(source), "--recipe", "mobilenetv2", "--image-size", str(SIZE), "--out", str(out)]
    subprocess.run([sys.executable, "-m", "anmok", *words], check=True, stdout=subprocess.DEVNULL)
    bundle = out / "best.anmok"
    read = read_bundle(bundle, reference=False)
    graph = onnx.load_model_from_string(read.model).graph
    (node,) = [node for node in graph.node if "logits" in node.output]
    values = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    weight, bias = (values[name] for name in node.input[1:])
    transposed = any(one.name == "transB" and one.i for one in node.attribute)
    head = scratch / "head.npz"
    np.savez(
        head,
        weight=weight if transposed else weight.T,
        bias=bias,
        labels=np.array(read.info.labels),
        temperature=read.info.temperature,
        image_size=read.info.image_size,
        pack="mobilenetv2_100.tf2_in1k",
    )
    return bundle, head


def processor_seconds(server: int) -> float:
    """Return the processor time that a process and those below it have used."""
    facts = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            facts[int(entry.name)] = (int(fields[1]), int(fields[11]) + int(fields[12]))
    ours, before = {server}, 0
    while len(ours) > before:
        before = len(ours)
        ours |= {number for number, (parent, _ticks) in facts.items() if parent in ours}
    return sum(facts[number][1] for number in ours if number in facts) / os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextlib.contextmanager
def running(command: Sequence[str], port: int, environ: Mapping[str, str]) -> Iterator[int]:
    """Run a server until the block ends, which begins when it answers; give its number."""
    process = subprocess.Popen(
        list(command), stdout=subprocess.DEVNULL, env={**os.environ, **environ}, cwd=ROOT / "benchmarks"
    )
    try:
        end = time.monotonic() + 180
        while True:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5).close()
                break
            assert process.poll() is None, f"{command} ended"
            assert time.monotonic() < end, f"{command} did not answer"
            time.sleep(0.1)
        yield process.pid
    finally:
        process.terminate()
        process.wait(60)


if __name__ == "__main__":
    sys.exit(main())
