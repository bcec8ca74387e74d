"""How fast pictures are decoded and made square, against plain Pillow.

    python benchmarks/decode.py [ZIP] [--size 224] [--pictures 400]

ZIP is any zip of pictures (default: cats-dogs.zip in the folder of ANMOK_DATA); without one, photos made by code
are taken. Every way is run several times in turns and the best run counts, so that other work on the machine
disturbs all alike. Read the ratios, not the milliseconds: of processor time (which a busy machine disturbs least)
and of time on the clock (where a second thread shows). Expect about 1.0 against plain Pillow with one thread, and
about 4 times the speed of a full decode on a 12-megapixel photo.
"""

from __future__ import annotations

import argparse
import io
import os
import time
import zipfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from anmok.images import decode, load, resize

ROUNDS = 5
Way = Callable[[bytes], NDArray[np.uint8]]


def plain_pillow(data: bytes, size: int) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB").resize((size, size), Image.Resampling.BICUBIC))


def full_decode(data: bytes, size: int) -> NDArray[np.uint8]:
    return resize(decode(data, name="picture").pixels, size, "squash")


def scaled_decode(data: bytes, size: int) -> NDArray[np.uint8]:
    return load(data, name="picture", size=size, rule="squash")


def spent(way: Way, files: Sequence[bytes], threads: int) -> tuple[float, float]:
    """Return the seconds on the clock and of the processor."""
    clock, processor = time.perf_counter(), time.process_time()
    if threads == 1:
        for data in files:
            way(data)
    else:
        with ThreadPoolExecutor(threads) as pool:
            for _ in pool.map(way, files):
                pass
    return time.perf_counter() - clock, time.process_time() - processor


def best_of(ways: dict[str, tuple[Way, int]], files: Sequence[bytes]) -> dict[str, tuple[float, float]]:
    """Return the least seconds of each way; the ways take turns."""
    best = dict.fromkeys(ways, (float("inf"), float("inf")))
    for _ in range(ROUNDS):
        for name, (way, threads) in ways.items():
            clock, processor = spent(way, files, threads)
            best[name] = min(best[name][0], clock), min(best[name][1], processor)
    return best


def photo(width: int, height: int, seed: int) -> bytes:
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (height // 16, width // 16, 3), dtype=np.uint8))
    smooth = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC), dtype=np.int16)
    noisy = np.clip(smooth + rng.integers(-6, 7, smooth.shape, dtype=np.int16), 0, 255).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(noisy).save(stream, "JPEG", quality=90)
    return stream.getvalue()


def pictures_of(archive: Path | None, number: int) -> tuple[str, list[bytes]]:
    if archive is None:
        return "photos of 500x375 made by code", [photo(500, 375, seed) for seed in range(min(number, 40))]
    with zipfile.ZipFile(archive) as source:
        names = [name for name in source.namelist() if name.lower().endswith((".jpg", ".jpeg", ".png"))]
        chosen = names[:: max(1, len(names) // number)][:number]
        return f"{len(chosen)} pictures of {archive.name}", [source.read(name) for name in chosen]


def report(title: str, best: dict[str, tuple[float, float]], count: int, base: str) -> None:
    print(f"{title}; speed as a multiple of {base}")
    for name, (clock, processor) in best.items():
        print(
            f"  {name:<28}clock {1000 * clock / count:7.2f} ms {best[base][0] / clock:5.2f} x   "
            f"processor {1000 * processor / count:7.2f} ms {best[base][1] / processor:5.2f} x"
        )


def default_archive() -> Path | None:
    archive = Path(os.environ.get("ANMOK_DATA", "")) / "cats-dogs.zip"
    return archive if os.environ.get("ANMOK_DATA") and archive.is_file() else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", nargs="?", type=Path, default=default_archive())
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--pictures", type=int, default=400)
    options = parser.parse_args()
    size: int = options.size

    title, files = pictures_of(options.archive, options.pictures)
    base = "plain Pillow, 1 thread"
    ways: dict[str, tuple[Way, int]] = {
        base: (lambda data: plain_pillow(data, size), 1),
        "anmok load, 1 thread": (lambda data: scaled_decode(data, size), 1),
        "plain Pillow, 2 threads": (lambda data: plain_pillow(data, size), 2),
        "anmok load, 2 threads": (lambda data: scaled_decode(data, size), 2),
    }
    report(f"{title}, to {size} pixels", best_of(ways, files), len(files), base)

    large = [photo(4000, 3000, 0)]
    base = "full decode"
    ways = {
        base: (lambda data: full_decode(data, size), 1),
        "plain Pillow": (lambda data: plain_pillow(data, size), 1),
        "anmok load (scaled decode)": (lambda data: scaled_decode(data, size), 1),
    }
    report(f"a JPEG of 4000x3000, to {size} pixels", best_of(ways, large), 1, base)
    apart = np.abs(full_decode(large[0], size).astype(int) - scaled_decode(large[0], size)).mean()
    print(f"  the scaled decode differs from the full one by {apart:.2f} of 255 on average")


if __name__ == "__main__":
    main()
