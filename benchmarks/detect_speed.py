"""How fast one photo is answered: a detector's bundle against PyTorch eager of the same network, both on two threads.

    ANMOK_WEIGHTS=../shared/weights python benchmarks/detect_speed.py [FOLDER]

FOLDER is what ``anmok detect train`` left; without one, a network with chance weights is taken, which is as fast. A
photo of 640 pixels; medians of turns that alternate, so that a busy machine slows both alike. "network" is
scores and distances; "photo" is all of it, from the file's bytes to boxes, by the same decoding and suppression.
"""

from __future__ import annotations

import argparse
import io
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from anmok.detection.bundle import DetectorInfo
from anmok.detection.decoding import decode_boxes
from anmok.detection.export import detector_graph
from anmok.detection.fitting import load_fitted, on_canvas
from anmok.detection.network import Detector, pretrained_detector
from anmok.detection.predictor import DetectionPredictor
from anmok.detection.settings import DetectConfig
from anmok.detection.train import finished
from anmok.models.packs import find_pack
from anmok.progress import SilentProgress
from anmok.training.run import Run

WANTED = 3.0


def photo() -> bytes:
    """Return a JPEG of 640x480 pixels, smooth with some noise."""
    random = np.random.default_rng(0)
    coarse = Image.fromarray(random.integers(0, 256, (12, 16, 3), dtype=np.uint8)).resize((640, 480))
    noisy = np.asarray(coarse, dtype=np.int16) + random.integers(-8, 9, (480, 640, 3), dtype=np.int16)
    stream = io.BytesIO()
    Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)).save(stream, "JPEG", quality=85)
    return stream.getvalue()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--turns", type=int, default=40)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--side", type=int, default=DetectConfig().side)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    network, predictor, side = opened(arguments.folder, arguments.threads, arguments.side)
    data = photo()
    pixels, size = load_fitted(data, name="photo", side=side)
    canvas = on_canvas(pixels)

    def eager() -> tuple[np.ndarray, np.ndarray]:
        with torch.inference_mode():
            scores, distances = network(torch.from_numpy(canvas)[None])
        return scores[0].numpy(), distances[0].numpy()

    def eager_photo() -> object:
        fitted, whole = load_fitted(data, name="photo", side=side)
        seen = on_canvas(fitted)
        with torch.inference_mode():
            scores, distances = network(torch.from_numpy(seen)[None])
        return decode_boxes(
            scores[0].numpy(),
            distances[0].numpy(),
            canvas=seen.shape[:2],
            fitted=(fitted.shape[1], fitted.shape[0]),
            picture=whole,
            least_score=max(predictor.threshold, 0.02),
        )

    print(f"{'':>8}  {'PyTorch eager':>14}  {'bundle':>9}  times as fast (wanted: {WANTED:.0f})")
    rows: list[tuple[str, Callable[[], object], Callable[[], object]]] = [
        ("network", eager, lambda: predictor.raw(canvas)),
        ("photo", eager_photo, lambda: predictor.detect(data, name="photo")),
    ]
    ratios = {}
    for name, slow, fast in rows:
        seconds = turns(slow, fast, arguments.turns)
        print(f"{name:>8}  {1000 * seconds[0]:>11.1f} ms  {1000 * seconds[1]:>6.1f} ms  {seconds[0] / seconds[1]:.2f}")
        ratios[name] = seconds[0] / seconds[1]
    print(f"boxes within {size[0]}x{size[1]} pixels, network at {canvas.shape[1]}x{canvas.shape[0]}")
    return int(ratios["photo"] < WANTED)


def turns(slow: Callable[[], object], fast: Callable[[], object], count: int) -> tuple[float, float]:
    """Return the median seconds of each, taken in turns, after some that do not count."""
    seconds: tuple[list[float], list[float]] = ([], [])
    for turn in range(count + 5):
        for work, its in zip((slow, fast), seconds, strict=True):
            begin = time.perf_counter()
            work()
            if turn >= 5:
                its.append(time.perf_counter() - begin)
    return statistics.median(seconds[0]), statistics.median(seconds[1])


def opened(folder: Path | None, threads: int, side: int) -> tuple[Detector, DetectionPredictor, int]:
    """Return the network in PyTorch, the same from its bundle, and its side."""
    if folder is not None:
        trained = finished(Run(folder / "run"), SilentProgress())
        if trained is None:
            raise SystemExit(f"{folder} holds no finished training")
        predictor = DetectionPredictor.open(folder / "best.anmok", threads=threads)
        return trained.network, predictor, predictor.info.side
    torch.manual_seed(0)
    network = pretrained_detector(find_pack(DetectConfig().backbone), 6).eval()
    info = DetectorInfo(
        name="chance",
        labels=tuple("abcdef"),
        side=side,
        threshold=0.3,
        created="",
        anmok="",
        backbone="",
        licence="",
        data_hash="",
    )
    return network, DetectionPredictor(info, detector_graph(network), threads=threads), side


if __name__ == "__main__":
    sys.exit(main())
