"""What stands around the cafe: palms, parasols, tables, strings of lamps, and Jeju's stone grandfather."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from anmok.data.sample.foliage import leaf_colour, paint_stem
from anmok.data.sample.light import Colour, rgb, vary
from anmok.data.sample.people import cast_shadow, set_figure
from anmok.data.sample.view import Scene

_FINE = 3


def _srgb(colour: Colour, factor: float = 1.0) -> tuple[int, int, int]:
    red, green, blue = (np.clip(colour * factor, 0, 1) ** (1 / 2.2) * 255).astype(int)
    return int(red), int(green), int(blue)


def draw_fronds(rng: np.random.Generator, width: int, colour: Colour) -> Image.Image:
    """Draw the head of a palm, RGBA, `width` pixels wide and as tall."""
    side = max(width, 6) * _FINE
    image = Image.new("RGBA", (side, side), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    centre = side / 2
    fronds = int(rng.integers(13, 19))
    for i in range(fronds):
        # The ones behind first, dark; the ones in front last, light.
        angle = rng.uniform(-0.25, np.pi + 0.25)
        reach = side * rng.uniform(0.36, 0.48)
        sag = side * rng.uniform(0.16, 0.34)
        tone = _srgb(colour, float(0.45 + 0.9 * i / fronds))
        last = (centre, centre)
        for t in np.linspace(0.12, 1, 9):
            x = centre + np.cos(angle) * reach * t
            y = centre - np.sin(angle) * reach * t + sag * t * t
            draw.line((*last, x, y), fill=tone, width=max(_FINE // 2, 1))
            leaf = side * 0.085 * np.sin(np.pi * min(t + 0.12, 1.0)) + side * 0.02
            for hand in (-1, 1):
                dx = np.cos(angle) * leaf * 0.7 + hand * leaf * 0.4 * np.sin(angle)
                draw.polygon([last, (x, y), (x + dx, y + leaf * (0.85 + 0.25 * hand))], fill=tone)
            last = (x, y)
    return image.reduce(_FINE)


def paint_palm(scene: Scene, rng: np.random.Generator, root: tuple[float, float, float], tall: float) -> None:
    """Paint a palm of `tall` metres standing at `root` (x, y, z)."""
    z = root[2]
    unit = scene.view.scale(z)
    foot = scene.view.project(*root)
    head = (foot[0] + float(rng.normal(0, 0.07)) * tall * unit, foot[1] - tall * unit)
    cast_shadow(scene, root, 1.6, 0.45)
    paint_stem(scene, foot, head, max(0.34 * unit, 1.2), vary(rng, rgb("#7a6a58")), z=z)
    crown = draw_fronds(rng, int(np.clip(tall * rng.uniform(0.62, 0.8) * unit, 6, 500)), leaf_colour(rng, scene.light))
    set_figure(scene, crown, head[0] - crown.width / 2, head[1] - crown.height / 2, z)


def draw_parasol(rng: np.random.Generator, width: int, colour: str) -> Image.Image:
    """Draw an open parasol with its pole and table, RGBA, `width` pixels wide."""
    wide = max(width, 6) * _FINE
    tall = int(wide * 0.95)
    image = Image.new("RGBA", (wide, tall), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    centre = wide / 2
    draw.line((centre, 0.1 * tall, centre, tall), fill="#d8d2c6", width=max(wide // 45, 1))
    draw.rectangle((0.3 * wide, 0.70 * tall, 0.7 * wide, 0.735 * tall), fill="#a87f56")
    for side in (0.12, 0.78):
        draw.rectangle((side * wide, 0.66 * tall, (side + 0.035) * wide, tall), fill="#5d4a3a")
        draw.rectangle((side * wide, 0.82 * tall, (side + 0.1) * wide, 0.85 * tall), fill="#6d5846")
    ridge = [(0.0, 0.36), (0.22, 0.33), (0.5, 0.32), (0.78, 0.33), (1.0, 0.36)]
    base = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)], float)
    for i in range(4):
        shade = (0.82, 1.0, 0.94, 0.74)[i]
        fill = tuple(int(v) for v in np.clip(base * shade, 0, 255))
        (ax, ay), (bx, by) = ridge[i], ridge[i + 1]
        draw.polygon([(centre, 0.03 * tall), (ax * wide, ay * tall), (bx * wide, by * tall)], fill=fill)
    if rng.random() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return image.reduce(_FINE)


def paint_parasols(
    scene: Scene,
    rng: np.random.Generator,
    *,
    count: int,
    ground: float,
    z_range: tuple[float, float],
    x_share: tuple[float, float],
) -> None:
    """Paint parasols over tables on `ground` metres between two depths."""
    colour = str(rng.choice(["#f2ead8", "#f4f4f0", "#d8c29a", "#3f6f8f", "#d97b5a", "#e9d9b8"]))
    for z in sorted(rng.uniform(*z_range, count), reverse=True):
        x = float((rng.uniform(*x_share) - 0.5) * z / scene.view.focal)
        cast_shadow(scene, (x, ground, float(z)), 1.7, 0.4)
        figure = draw_parasol(rng, int(np.clip(2.9 * scene.view.scale(float(z)), 6, 400)), colour)
        column, row = scene.view.project(x, ground, float(z))
        set_figure(scene, figure, column - figure.width / 2, row - figure.height, float(z))


def paint_lamp_string(
    scene: Scene, rng: np.random.Generator, start: tuple[float, float, float], end: tuple[float, float, float]
) -> None:
    """Paint a sagging string of small lamps between two points in metres."""
    view = scene.view
    count = int(rng.integers(9, 16))
    colour = rgb("#ffd79a") * np.float32(0.25 + 2.4 * scene.light.dark)
    for t in np.linspace(0, 1, count):
        x, y, z = (a + (b - a) * float(t) for a, b in zip(start, end, strict=True))
        column, row = view.project(x, y - 1.1 * float(np.sin(np.pi * t)), z)
        size = max(0.07 * view.scale(z), 0.7)
        reach = int(size * 9) + 2
        c0, c1 = int(max(column - reach, 0)), int(min(column + reach, view.pixels))
        r0, r1 = int(max(row - reach, 0)), int(min(row + reach, view.pixels))
        if c1 <= c0 or r1 <= r0:
            continue
        square = (np.arange(c0, c1, dtype=np.float32)[None, :] - column) ** 2 + (
            np.arange(r0, r1, dtype=np.float32)[:, None] - row
        ) ** 2
        shine = np.exp(-square / (2 * size * size)) + np.exp(-square / (2 * (4 * size) ** 2)) * 0.12 * scene.light.dark
        scene.rgb[r0:r1, c0:c1] += shine[..., None] * colour


def paint_grandfather(scene: Scene, rng: np.random.Generator, x: float, ground: float, z: float) -> None:
    """Paint a dol hareubang, the stone figure that stands at Jeju's gates."""
    tall = int(np.clip(rng.uniform(1.5, 2.2) * scene.view.scale(z), 8, 300)) * _FINE
    wide = int(tall * 0.52)
    image = Image.new("RGBA", (wide, tall), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    stone, dark, pale = "#5d5a57", "#3c3a39", "#757069"
    draw.rounded_rectangle((0.08 * wide, 0.42 * tall, 0.92 * wide, tall), 0.2 * wide, fill=stone)
    draw.rounded_rectangle((0.16 * wide, 0.14 * tall, 0.84 * wide, 0.52 * tall), 0.3 * wide, fill=pale)
    draw.ellipse((0.10 * wide, 0.12 * tall, 0.90 * wide, 0.24 * tall), fill=dark)
    draw.pieslice((0.2 * wide, 0.0, 0.8 * wide, 0.32 * tall), 180, 360, fill=stone)
    for share in (0.34, 0.66):
        draw.ellipse(((share - 0.1) * wide, 0.25 * tall, (share + 0.1) * wide, 0.33 * tall), fill=dark)
    draw.rounded_rectangle((0.44 * wide, 0.27 * tall, 0.56 * wide, 0.41 * tall), 0.05 * wide, fill=dark)
    draw.line((0.38 * wide, 0.45 * tall, 0.62 * wide, 0.45 * tall), fill=dark, width=max(tall // 60, 1))
    for top, hand in ((0.60, 1), (0.72, -1)):
        draw.line(
            (0.5 * wide - hand * 0.36 * wide, top * tall, 0.5 * wide + hand * 0.1 * wide, (top + 0.03) * tall),
            fill=dark,
            width=max(tall // 22, 1),
        )
    figure = image.reduce(_FINE)
    cast_shadow(scene, (x, ground, z), 0.7, 0.5)
    column, row = scene.view.project(x, ground, z)
    set_figure(scene, figure, column - figure.width / 2, row - figure.height, z)
