"""From the painted light to a photograph: exposure, tone, tilt, lens faults, rain, snow and sensor noise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from anmok.data.sample.light import Light
from anmok.data.sample.noise import enlarge
from anmok.data.sample.view import Scene

OVERSAMPLING = 2  # painted pixels per side of a finished one


def _expose(scene: Scene, rng: np.random.Generator, exposure: float | None) -> Image.Image:
    """Give an sRGB picture of the painted size: a filmic curve, so that lamps and the sun keep their colour."""
    stops = float(np.clip(rng.normal(0.0, 0.22), -0.5, 0.5)) if exposure is None else exposure
    # The camera meters as a real one does: dark scenes are lifted, but not all the way to daylight.
    small = np.maximum(scene.rgb[::8, ::8], 0)
    black = np.float32(0.55 * np.percentile(small, 1))
    small = np.maximum(small - black, np.float32(0.002))
    metered = float(np.exp(np.log(small.mean(axis=2) + 0.01).mean()))
    gain = 2.0**stops * (0.21 / metered) ** (0.74 - 0.17 * scene.light.dark)
    # Its white balance takes a good part of the evening's red away, as it does of the shade's blue,
    # and leaves a cast of its own.
    tint = np.minimum(small, 2 * small.mean()).mean(axis=(0, 1))
    balance = (tint.mean() / tint) ** np.float32(rng.uniform(0.15, 0.45))
    cast = np.exp(np.array([1, 0.1, -1]) * rng.normal(0, 0.035))
    light = scene.rgb - black
    np.maximum(light, 0, out=light)
    light *= (gain * balance * cast).astype(np.float32)
    _bloom(light)
    vivid = np.float32(np.clip(rng.normal(1.08, 0.09), 0.8, 1.3))
    grey = light[..., 0] + light[..., 1]
    grey += light[..., 2]
    grey *= (1 - vivid) / 3
    light *= vivid
    light += grey[..., None]
    np.clip(light, 0, 12, out=light)
    toned = light * np.float32(2.51)
    toned += np.float32(0.03)
    toned *= light
    below = light * np.float32(2.43)
    below += np.float32(0.59)
    below *= light
    below += np.float32(0.14)
    toned /= below
    # The power 1 / 2.2 by way of a square root and a table: exact to a level, and several times as fast.
    np.sqrt(np.minimum(toned, 1, out=toned), out=toned)
    toned *= np.float32(1023)
    toned += np.float32(0.5)
    table = (np.linspace(0, 1, 1024) ** (2 / 2.2) * 255 + 0.5).astype(np.uint8)
    return Image.fromarray(table.take(toned.astype(np.intp)))


def _bloom(light: NDArray[np.float32]) -> None:
    """Spread what is brighter than white over its surroundings, in place."""
    side = light.shape[0]
    step = max(side // 40, 1)
    rows = side // step * step
    over = np.clip(light[:rows, :rows] - np.float32(0.9), 0, 2)
    coarse = over.reshape(rows // step, step, rows // step, step * 3).sum(axis=1)
    soft = coarse.reshape(rows // step, rows // step, step, 3).sum(axis=2) / np.float32(step * step)
    if soft.max() < 0.02:
        return
    soft = np.pad(soft, ((6, 6), (6, 6), (0, 0)), mode="edge")
    for _ in range(3):  # three box filters are nearly a Gaussian
        soft = (soft[2:] + soft[1:-1] + soft[:-2]) / np.float32(3)
        soft = (soft[:, 2:] + soft[:, 1:-1] + soft[:, :-2]) / np.float32(3)
    soft = np.ascontiguousarray(soft[3:-3, 3:-3].transpose(2, 0, 1)) * np.float32(0.3)
    for channel in range(3):
        light[..., channel] += np.maximum(enlarge(soft[channel], side, side), 0)


def _fall(picture: Image.Image, light: Light, rng: np.random.Generator) -> Image.Image:
    """Draw rain or snow between viewer and scene."""
    if light.weather not in ("rain", "snow") or rng.random() < 0.25:
        return picture
    side = picture.width
    veil = Image.new("L", picture.size, 0)
    draw = ImageDraw.Draw(veil)
    unit = side / 320
    if light.weather == "rain":
        slant = rng.normal(0, 0.22)
        for _ in range(int(rng.integers(60, 190))):
            x, y = rng.uniform(-0.1, 1.1) * side, rng.uniform(-0.1, 1) * side
            length = rng.uniform(8, 30) * unit
            strength = int(rng.uniform(25, 95))
            draw.line((x, y, x + slant * length, y + length), fill=strength, width=max(1, round(unit)))
    else:
        for _ in range(int(rng.integers(120, 380))):
            x, y = rng.uniform(0, side, 2)
            radius = rng.gamma(2.0, 0.75) * unit + 0.4
            strength = int(rng.uniform(110, 245))
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=strength)
    veil = veil.filter(ImageFilter.GaussianBlur(0.7 * unit))
    tone = np.clip((light.ambient * 1.6) ** (1 / 2.2), 0.6, 1) * 255  # at night by the light of the lamps
    cover = Image.new("RGB", picture.size, (int(tone[0]), int(tone[1]), int(tone[2])))
    return Image.composite(cover, picture, veil)


def _frame(picture: Image.Image, rng: np.random.Generator, size: int, flip: bool) -> Image.Image:
    """Tilt and crop a little, then reduce to the finished size."""
    side = picture.width
    if flip:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    tilt = float(np.clip(rng.normal(0, 1.6), -5, 5))
    span = float(rng.uniform(0.84, 0.99))
    # The tilted frame must stay inside the painted picture.
    fit = 1 / (np.cos(np.radians(abs(tilt))) + np.sin(np.radians(abs(tilt))))
    span = min(span, fit)
    play = (fit - span) / 2 * side
    cx, cy = side / 2 + rng.uniform(-1, 1, 2) * play
    half = span * side / 2
    cos, sin = np.cos(np.radians(tilt)), np.sin(np.radians(tilt))
    corners = [
        (cx + half * (sx * cos - sy * sin), cy + half * (sx * sin + sy * cos))
        for sx, sy in ((-1, -1), (-1, 1), (1, 1), (1, -1))
    ]
    # First at full detail, then averaged: that is where the smooth edges come from.
    quad = tuple(coordinate for corner in corners for coordinate in corner)
    large = picture.transform(
        (size * OVERSAMPLING, size * OVERSAMPLING), Image.Transform.QUAD, quad, Image.Resampling.BILINEAR
    )
    return large.reduce(OVERSAMPLING)


def photograph(
    scene: Scene,
    rng: np.random.Generator,
    *,
    size: int,
    flip: bool | None = None,
    exposure: float | None = None,
) -> Image.Image:
    """Turn the scene into the finished RGB picture of `size` x `size`; `flip` None lets chance decide."""
    picture = _expose(scene, rng, exposure)
    picture = _fall(picture, scene.light, rng)
    picture = _frame(picture, rng, size, bool(rng.random() < 0.5) if flip is None else flip)
    if rng.random() < 0.22:
        picture = picture.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.25, 0.75)) * size / 160))
    pixels = np.asarray(picture, np.float32)
    grid = np.linspace(-1, 1, size, dtype=np.float32)
    radius = grid[:, None] ** 2 + grid[None, :] ** 2
    pixels = pixels * (1 - np.float32(rng.uniform(0.0, 0.16)) * radius)[..., None]
    grain = min(rng.gamma(2.0, 0.7) * (1.0 + 1.2 * scene.light.dark), 5.5)
    pixels += rng.standard_normal((size, size, 1), np.float32) * np.float32(grain)
    pixels += rng.standard_normal((size, size, 3), np.float32) * np.float32(0.45 * grain)
    return Image.fromarray(np.clip(pixels + 0.5, 0, 255).astype(np.uint8))
