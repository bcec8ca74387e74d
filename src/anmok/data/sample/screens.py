"""Screenshots that end up among photos: a street map and a conversation, with writing nobody can read."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from anmok.data.sample.noise import fractal, smoothstep


def draw_map(rng: np.random.Generator, size: int) -> Image.Image:
    """A street map as a telephone shows it."""
    side = size * 2
    land = fractal(rng, (side, side), (2.5, 2.5), octaves=4)
    sea = smoothstep(0.56, 0.565, land + 0.35 * (np.linspace(-0.5, 0.5, side, dtype=np.float32))[None, :])
    park = smoothstep(0.6, 0.605, fractal(rng, (side, side), (4, 4), octaves=3))
    base = np.array([242, 239, 231], np.float32) + (np.array([198, 226, 180], np.float32) - 242) * park[..., None] * 0.9
    base = base + (np.array([158, 205, 232], np.float32) - base) * sea[..., None]
    image = Image.fromarray(np.clip(base, 0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    roads = []
    for i in range(16):
        points = []
        x, y = rng.uniform(0, side, 2)
        angle = rng.uniform(0, 6.3)
        for _ in range(14):
            points.append((x, y))
            angle += rng.normal(0, 0.25)
            x, y = x + np.cos(angle) * side * 0.11, y + np.sin(angle) * side * 0.11
        roads.append((points, 7 if i < 3 else 4))
    for points, width in roads:
        draw.line(points, fill="#b9b2a4", width=(width + 2) * side // 320, joint="curve")
    for points, width in roads:
        draw.line(points, fill="#f7d98a" if width == 7 else "#ffffff", width=width * side // 320, joint="curve")
    for _ in range(9):
        x, y = rng.uniform(0.05, 0.8, 2) * side
        _scribble(draw, rng, (x, y, side * 0.12, side * 0.018), "#6d6a64")
    x, y = rng.uniform(0.3, 0.7, 2) * side
    r = side * 0.05
    draw.polygon([(x - r * 0.8, y - r * 1.6), (x + r * 0.8, y - r * 1.6), (x, y)], fill="#d8402f")
    draw.ellipse((x - r, y - r * 3.1, x + r, y - r * 1.1), fill="#d8402f")
    draw.ellipse((x - r * 0.4, y - r * 2.5, x + r * 0.4, y - r * 1.7), fill="#ffffff")
    draw.rounded_rectangle(
        (side * 0.05, side * 0.04, side * 0.95, side * 0.14), side * 0.03, fill="#ffffff", outline="#c8c8c8"
    )
    _scribble(draw, rng, (side * 0.1, side * 0.075, side * 0.4, side * 0.03), "#444444")
    return image.reduce(2)


def _scribble(
    draw: ImageDraw.ImageDraw, rng: np.random.Generator, box: tuple[float, float, float, float], colour: str
) -> None:
    """Draw a line of what looks like writing at this size; no font is needed. `box`: left, top, width, height."""
    x, y, width, height = box
    end = x + width
    while x < end:
        word = rng.uniform(1.5, 5) * height
        stop = min(x + word, end)
        while x < stop:
            kind, step = rng.random(), height * rng.uniform(0.45, 0.8)
            if kind < 0.6:
                draw.line(
                    (x, y + rng.uniform(0, 0.4) * height, x, y + height), fill=colour, width=max(int(height / 7), 1)
                )
            draw.arc(
                (x, y + 0.2 * height, x + step, y + height),
                rng.uniform(0, 180),
                rng.uniform(200, 420),
                fill=colour,
                width=max(int(height / 7), 1),
            )
            x += step * 1.15
        x += height * 0.6


def draw_chat(rng: np.random.Generator, size: int) -> Image.Image:
    """A screenshot of a conversation."""
    side = size * 2
    image = Image.new("RGB", (side, side), str(rng.choice(["#b2c7da", "#eceff3", "#22262e"])))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, side, side * 0.11), fill="#3a4a5c")
    _scribble(draw, rng, (side * 0.3, side * 0.04, side * 0.35, side * 0.032), "#ffffff")
    y = side * 0.15
    while y < side * 0.88:
        mine = rng.random() < 0.5
        lines = int(rng.integers(1, 4))
        width = side * rng.uniform(0.3, 0.6)
        height = side * (0.035 + 0.045 * lines)
        x = side * 0.96 - width if mine else side * 0.16
        if not mine:
            tone = tuple(int(value) for value in rng.integers(90, 220, 3))
            draw.ellipse((side * 0.03, y, side * 0.13, y + side * 0.1), fill=tone)
        draw.rounded_rectangle((x, y, x + width, y + height), side * 0.025, fill="#fbe34d" if mine else "#ffffff")
        for row in range(lines):
            length = width - side * 0.05 if row < lines - 1 else (width - side * 0.05) * rng.uniform(0.4, 0.95)
            _scribble(draw, rng, (x + side * 0.025, y + side * (0.022 + 0.045 * row), length, side * 0.026), "#3a3a3a")
        y += height + side * 0.03
    return image.reduce(2)
