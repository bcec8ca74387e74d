"""Spoils real pictures by known amounts: what the quality checks must find among the others."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from anmok.data.manifest import Manifest


def blurred(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Out of focus: a Gaussian of a fiftieth to a thirtieth of the shorter side."""
    return picture.filter(ImageFilter.GaussianBlur(min(picture.size) / rng.uniform(30, 50)))


def enlarged(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """A tiny picture blown up: eight to twelve times."""
    times = rng.uniform(8, 12)
    tiny = picture.resize((round(picture.width / times), round(picture.height / times)))
    return tiny.resize(picture.size, Image.Resampling.BICUBIC)


def dark(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """A tenth to a sixth of the light."""
    share = rng.uniform(0.1, 0.16)
    return picture.point([round(level * share) for level in range(256)] * 3)


def light(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Faded: a tenth to a sixth of the way from white."""
    share = rng.uniform(0.1, 0.16)
    return picture.point([round(255 - (255 - level) * share) for level in range(256)] * 3)


def plain(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """The mean colour with some noise: a lens cap, a wall."""
    mean = np.asarray(picture, dtype=np.float64).mean(axis=(0, 1))
    noisy = mean + rng.normal(0, 1.5, (picture.height, picture.width, 3))
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))


def grey(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Without colour, stored as RGB."""
    return picture.convert("L").convert("RGB")


def small(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """An icon: a sixth to a fourth of the sides."""
    times = rng.uniform(4, 6)
    return picture.resize((max(1, round(picture.width / times)), max(1, round(picture.height / times))))


def strip(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """A strip of a picture, five to seven times as long as high."""
    height = max(1, round(picture.width / rng.uniform(5, 7)))
    top = (picture.height - height) // 2
    return picture.crop((0, top, picture.width, top + height))


def page(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """A page of text of the same size, dark on light or light on dark."""
    ground, ink = ((250, 250, 247), (30, 30, 35)) if rng.random() < 0.7 else ((28, 30, 38), (205, 215, 205))
    result = Image.new("RGB", picture.size, ground)
    draw, size = ImageDraw.Draw(result), max(9, picture.width // 22)
    font = ImageFont.load_default(size)
    for top in range(size, int(picture.height * 0.92), round(size * 1.6)):
        letters = "".join(rng.choice(list("abcdefghijklmnoprstuvw    "), int(rng.integers(12, 40))))
        draw.text((size, top), letters, font=font, fill=ink)
    return result


FAULTS: dict[str, tuple[str, Callable[[Image.Image, np.random.Generator], Image.Image]]] = {
    "blurred": ("blurred", blurred),
    "enlarged": ("blurred", enlarged),
    "dark": ("dark", dark),
    "light": ("light", light),
    "plain": ("low-information", plain),
    "grey": ("greyscale", grey),
    "small": ("odd-size", small),
    "strip": ("odd-aspect", strip),
    "page": ("screenshot", page),
}
"""By name: the check that must find it, and what makes it of a picture."""


def spoil(manifest: Manifest, folder: Path, *, each: int, seed: int, names: tuple[str, ...] = ()) -> dict[str, str]:
    """Write all pictures into ``folder``; ``each`` of every fault are spoilt (JPEG 88). Return path to fault."""
    rng = np.random.default_rng(seed)
    chosen = names or tuple(FAULTS)
    paths = manifest.table["path"].tolist()
    rows = rng.permutation(len(paths))[: each * len(chosen)].tolist()
    fault_of = {paths[row]: chosen[number % len(chosen)] for number, row in enumerate(rows)}
    with manifest.open_source() as source:
        for path in paths:
            data = source.read(path)
            if path in fault_of:
                with Image.open(io.BytesIO(data)) as opened:
                    picture = FAULTS[fault_of[path]][1](opened.convert("RGB"), rng)
                stream = io.BytesIO()
                picture.save(stream, "JPEG", quality=88)
                data = stream.getvalue()
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
    return fault_of
