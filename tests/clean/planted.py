"""Plants near duplicates of real pictures: rescaled, recompressed, brightened, cropped, and all of these at once."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

from anmok.data.manifest import Manifest

KINDS = ("rescale", "jpeg", "brightness", "crop", "all")
RESAMPLERS = (
    Image.Resampling.BOX,
    Image.Resampling.BILINEAR,
    Image.Resampling.HAMMING,
    Image.Resampling.BICUBIC,
    Image.Resampling.LANCZOS,
)


@dataclass(frozen=True)
class Planted:
    """One planted copy.

    Attributes:
        path: of the copy. original: of the picture that it was made from. kind: what was done, one of ``KINDS``.
    """

    path: str
    original: str
    kind: str


def plant(
    manifest: Manifest, folder: Path, *, count: int, seed: int, everything: bool = True, mirrored: bool = False
) -> tuple[Planted, ...]:
    """Write all pictures of ``manifest`` and ``count`` changed copies of some of them into ``folder``.

    The copies stand in the class and split of their originals. What is done is drawn by ``seed``: sides times 0.4 to
    2 with any common resampler, JPEG quality 30 to 90, brightness times 0.8 to 1.2, and a window that is up to 5 %
    narrower and lower, anywhere.

    Args:
        everything: write the pictures that have no copy, too.
        mirrored: mirror the copies as well.
    """
    rng = np.random.default_rng(seed)
    paths = manifest.table["path"].tolist()
    chosen = rng.choice(len(paths), size=count, replace=False)
    planted = []
    with manifest.open_source() as source:
        for row in range(len(paths)) if everything else sorted(chosen.tolist()):
            target = folder / paths[row]
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read(paths[row]))
        for number, row in enumerate(chosen.tolist()):
            kind = KINDS[number % len(KINDS)]
            image = Image.open(io.BytesIO(source.read(paths[row]))).convert("RGB")
            if mirrored:
                image = ImageOps.mirror(image)
            name = Path(paths[row])
            copy = name.with_name(f"{name.stem}-{kind}-{number}.jpg")
            changed(image, kind, rng).save(folder / copy, "JPEG", quality=quality(kind, rng))
            planted.append(Planted(copy.as_posix(), paths[row], kind))
    return tuple(planted)


def changed(image: Image.Image, kind: str, rng: np.random.Generator) -> Image.Image:
    """Return the picture with everything done to it that ``kind`` names, but the saving."""
    if kind in ("crop", "all"):
        image = image.crop(window(*image.size, rng))
    if kind in ("brightness", "all"):
        image = ImageEnhance.Brightness(image).enhance(rng.uniform(0.8, 1.2))
    if kind in ("rescale", "all"):
        factor = float(np.exp(rng.uniform(np.log(0.4), np.log(2))))
        size = (max(16, round(image.width * factor)), max(16, round(image.height * factor)))
        image = image.resize(size, RESAMPLERS[rng.integers(len(RESAMPLERS))])
    return image


def window(width: int, height: int, rng: np.random.Generator) -> tuple[int, int, int, int]:
    """Return left, top, right, bottom of a window 2 to 5 % narrower and lower than the picture, anywhere in it."""
    less_x, less_y = (round(side * rng.uniform(0.02, 0.05)) for side in (width, height))
    left, top = int(rng.integers(less_x + 1)), int(rng.integers(less_y + 1))
    return left, top, left + width - less_x, top + height - less_y


def quality(kind: str, rng: np.random.Generator) -> int:
    """Return the JPEG quality that a copy is saved with."""
    return int(rng.integers(30, 91)) if kind in ("jpeg", "all") else 92
