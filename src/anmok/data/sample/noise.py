"""Noise that rock, leaves, clouds and water are made of: smooth random fields and tiles to sample from.

Fields depend on the generator and on the wanted number of cells only, so a larger picture of the same
seed shows the same rocks in more detail. Tiles are pure functions of their number and are remembered.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Field = NDArray[np.floating[Any]]  # float32 in fact; the wider type spares casts that only the checker needs
TILE = 512  # period of a tile in texels; a power of two, so that wrapping is a bit mask


def enlarge(grid: Field, height: int, width: int, margin: int = 0) -> Field:
    """Enlarge a (rows, cols) float32 grid to (height, width) by cubic splines, leaving `margin` cells out."""
    rows, cols = grid.shape
    box = (margin, margin, cols - margin, rows - margin)
    # Cubic splines overshoot; the callers only ever need smooth and bounded enough.
    return np.asarray(Image.fromarray(grid).resize((width, height), Image.Resampling.BICUBIC, box=box), np.float32)


def fractal(
    rng: np.random.Generator,
    shape: tuple[int, int],
    cells: tuple[float, float],
    *,
    octaves: int = 4,
    gain: float = 0.5,
) -> Field:
    """Draw a float32 field of `shape` with `cells` (down, across) bumps in its coarsest octave.

    Values have mean 0.5 and a spread of about 0.2, nearly all of them within 0 to 1.
    """
    height, width = shape
    total = np.zeros(shape, np.float32)
    # Octaves of large bumps are added up small and enlarged together: the same picture in half the time.
    small = np.zeros((max(height // 4, 1), max(width // 4, 1)), np.float32)
    drafts = 0
    weight, energy = 1.0, 0.0
    rows, cols = cells
    for _ in range(octaves):
        grid = rng.random((int(np.ceil(rows)) + 3, int(np.ceil(cols)) + 3), dtype=np.float32)
        draft = rows * 8 <= height and cols * 8 <= width
        canvas = small if draft else total
        drafts += draft
        canvas += weight * (enlarge(grid, canvas.shape[0], canvas.shape[1], margin=1) - np.float32(0.5))
        energy += weight**2
        weight *= gain
        rows, cols = rows * 2, cols * 2
    if drafts:
        total += enlarge(small, height, width)
    total *= np.float32(0.95 / np.sqrt(energy))
    total += np.float32(0.5)
    return total


def line(rng: np.random.Generator, length: int, cells: float, *, octaves: int = 4, gain: float = 0.5) -> Field:
    """Draw a one-dimensional fractal of (length,) float32 values around 0.5: ridges, shores, profiles."""
    return fractal(rng, (1, length), (1, cells), octaves=octaves, gain=gain).ravel()


def _periodic(rng: np.random.Generator, cells: int) -> Field:
    grid = rng.random((cells, cells), dtype=np.float32)
    padded = np.pad(grid, 2, mode="wrap")
    side = TILE + 4 * TILE // cells
    cut = 2 * TILE // cells
    seamless: Field = enlarge(padded, side, side)[cut : cut + TILE, cut : cut + TILE] - np.float32(0.5)
    return seamless


def _seamed(field: Field) -> Field:
    """Repeat the first row and column at the end, so that a texel's neighbours are always beside it."""
    padded: Field = np.pad(field, ((0, 1), (0, 1)), mode="wrap")
    padded.setflags(write=False)
    return padded


@lru_cache(maxsize=16)
def tile(number: int, *, cells: int = 4, octaves: int = 6, gain: float = 0.55) -> Field:
    """Give a (513, 513) float32 fractal, seamless every 512 texels; 0.5 on average, spread about 0.2."""
    rng = np.random.default_rng([77, number])
    total = np.zeros((TILE, TILE), np.float32)
    weight = 1.0
    for octave in range(octaves):
        total += weight * _periodic(rng, cells * 2**octave)
        weight *= gain
    total *= np.float32(0.2) / total.std()
    total += np.float32(0.5)
    return _seamed(total)


@lru_cache(maxsize=4)
def leaves(number: int) -> Field:
    """Give a (513, 513) float32 tile of overlapping brush dabs, from 0 in the shade to 1 in the light."""
    rng = np.random.default_rng([78, number])
    image = Image.new("L", (TILE, TILE), 70)
    draw = ImageDraw.Draw(image)
    for layer in range(3):
        count = 3200
        x, y = rng.uniform(0, TILE, (2, count))
        along = rng.uniform(2.5, 6.5, count) * (1.15 - 0.2 * layer)
        angle = rng.uniform(0, np.pi, count)
        tone = np.clip(rng.normal(70 + 58 * layer, 34, count), 0, 255)
        dx, dy = along * np.cos(angle), along * np.sin(angle)
        for i in range(count):
            for ox in (-TILE, 0, TILE) if not 8 < x[i] < TILE - 8 else (0,):
                for oy in (-TILE, 0, TILE) if not 8 < y[i] < TILE - 8 else (0,):
                    px, py = x[i] + ox, y[i] + oy
                    points = [
                        (px - dx[i], py - dy[i]),
                        (px - dy[i] * 0.45, py + dx[i] * 0.45),
                        (px + dx[i], py + dy[i]),
                        (px + dy[i] * 0.45, py - dx[i] * 0.45),
                    ]
                    draw.polygon(points, fill=int(tone[i]))
    return _seamed(np.asarray(image, np.float32) / np.float32(255))


def _texels(x: Field, y: Field) -> NDArray[np.intp]:
    """Place of each texel in a flattened tile, whose rows are one longer than the period."""
    column = x.astype(np.int32) & (TILE - 1)
    row = y.astype(np.int32) & (TILE - 1)
    return (row * (TILE + 1) + column).astype(np.intp)


def sample(texture: Field, x: Field, y: Field) -> Field:
    """Look a tile up at texel coordinates of any shape, wrapped at the seam, without interpolation (fast)."""
    found: Field = texture.ravel().take(_texels(x, y))
    return found


def sample_smooth(texture: Field, x: Field, y: Field) -> Field:
    """Look a tile up at texel coordinates, wrapped at the seam, with bilinear interpolation."""
    x, y = x.astype(np.float32, copy=False), y.astype(np.float32, copy=False)
    left, top = np.floor(x), np.floor(y)
    fx, fy = x - left, y - top
    place = _texels(left, top)
    flat = texture.ravel()
    # In place, since half of the time of a picture goes by here.
    upper = flat.take(place)
    upper += (flat.take(place + 1) - upper) * fx
    place += TILE + 1
    lower = flat.take(place)
    place += 1
    lower += (flat.take(place) - lower) * fx
    lower -= upper
    lower *= fy
    upper += lower
    return upper


def smoothstep(low: float | Field, high: float | Field, x: Field) -> Field:
    """Ramp from 0 at `low` to 1 at `high` without a kink; it falls where `low` is the larger one."""
    x = x.astype(np.float32, copy=False)
    t = np.clip((x - low) / (np.asarray(high, np.float32) - np.asarray(low, np.float32)), 0, 1)
    result: Field = (t * t * (3 - 2 * t)).astype(np.float32, copy=False)
    return result
