"""Leaves, trees, palms and turf, made of tiles of brush dabs lit from the side of the sun."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anmok.data.sample.light import Colour, Light, mix, rgb, vary
from anmok.data.sample.noise import TILE, Field, leaves, smoothstep, tile
from anmok.data.sample.view import Patch, Scene, colours


def leaf_colour(rng: np.random.Generator, light: Light, *, evergreen: bool = True) -> Colour:
    """Pick a leaf colour for the season."""
    palette = {
        "spring": ("#6f9a3c", "#87a84a", "#4f8042"),
        "summer": ("#3f7434", "#4c8238", "#2f6238"),
        "autumn": ("#8f7a30", "#a8602c", "#5d7434"),
        "winter": ("#49663c", "#5d6b40", "#3d5a3c"),
    }[light.season]
    code = palette[int(rng.integers(3))]
    chosen = vary(rng, rgb(code), 0.12)
    return mix(chosen, rgb("#35602f"), 0.6) if evergreen and light.season in ("autumn", "winter") else chosen


def leaf_texture(rng: np.random.Generator, height: int, width: int, grain: float) -> Field:
    """Cut a (height, width) piece out of the leaf tile; `grain` texels per pixel."""
    oy, ox = rng.integers(0, TILE, 2)
    rows = ((np.arange(height) * grain).astype(np.int64) + oy) % TILE
    columns = ((np.arange(width) * grain).astype(np.int64) + ox) % TILE
    return leaves(int(rng.integers(2)))[np.ix_(rows, columns)]


def shade_leaves(light: Light, texture: Field, form: Field, colour: Colour) -> Colour:
    """Light leaves: `texture` 0 to 1 from the tile, `form` 0 (inside, below) to 1 (lit side), both (h, w)."""
    share = np.clip(texture * 0.62 + form * 0.62 - 0.16, 0, 1)
    deep = colour * np.float32(0.22) * light.ambient
    middle = colour * (light.ambient * np.float32(0.9) + light.sun_rgb * np.float32(0.16))
    bright = mix(colour, rgb("#c9d06a"), 0.22)
    lit = bright * (light.ambient * np.float32(1.1) + light.sun_rgb * np.float32(0.62))
    shaded = colours(share, deep, middle, lit)
    if light.snow:
        white = light.ambient * np.float32(1.0) + light.sun_rgb * np.float32(0.4)
        shaded = shaded + (white - shaded) * (smoothstep(0.62, 0.85, share) * light.snow)[..., None]
    return shaded


def paint_crown(
    scene: Scene,
    rng: np.random.Generator,
    centre: tuple[float, float],
    radius: tuple[float, float],
    colour: Colour,
    *,
    z: float,
    ragged: float = 0.5,
) -> None:
    """Paint one crown or bush: `centre` and `radius` as (x, y) in pixels, at depth `z` metres."""
    side = scene.view.pixels
    (cx, cy), (rx, ry) = (float(centre[0]), float(centre[1])), (float(radius[0]), float(radius[1]))
    left, right = int(max(cx - rx * 1.3, 0)), int(min(cx + rx * 1.3 + 1, side))
    top, bottom = int(max(cy - ry * 1.3, 0)), int(min(cy + ry * 1.3 + 1, side))
    oy, ox = rng.integers(0, TILE, 2)
    grain = 320 / side
    number = int(rng.integers(0, 4))
    flip = int(rng.integers(2))
    if right - left < 2 or bottom - top < 2:
        return
    px = (np.arange(left, right, dtype=np.float32) + 0.5 - cx)[None, :] / rx
    py = (np.arange(top, bottom, dtype=np.float32) + 0.5 - cy)[:, None] / ry
    rows = (((np.arange(top, bottom) - cy) * grain * 1.0).astype(np.int64) + oy) % TILE
    columns = (((np.arange(left, right) - cx) * grain * 1.0).astype(np.int64) + ox) % TILE
    texture = leaves(flip)[np.ix_(rows, columns)]
    # Boughs: coarse noise over the crown moves its outline and breaks it into clumps.
    scale = 90 / max(rx, ry) * 1.0
    clump = tile(number)[
        np.ix_(
            ((np.arange(top, bottom) - cy) * scale + ox).astype(np.int64) % TILE,
            ((np.arange(left, right) - cx) * scale + oy).astype(np.int64) % TILE,
        )
    ]
    reach = np.sqrt(px * px + py * py) - (clump - 0.5) * 1.5 * ragged - (texture - 0.5) * 0.28
    mask = smoothstep(0.98, 0.88, reach)
    toward = scene.light.sun[0] * px - max(float(scene.light.sun[1]), 0.35) * py
    form = np.clip(0.5 + 0.42 * toward + (clump - 0.5) * 1.5, 0, 1)
    paint = scene.hazed(shade_leaves(scene.light, texture, form, colour), z)
    patch = (slice(top, bottom), slice(left, right))
    mask = mask * (scene.depth[patch] > z)
    scene.rgb[patch] += (paint - scene.rgb[patch]) * mask[..., None]
    scene.depth[patch] = np.where(mask > 0.5, z, scene.depth[patch])


def paint_tree(
    scene: Scene, rng: np.random.Generator, foot: tuple[float, float, float], tall: float, colour: Colour
) -> None:
    """Paint a broad-leaved tree of `tall` metres standing at `foot` (x, y, z)."""
    z = foot[2]
    foot_x, foot_y = scene.view.project(*foot)
    unit = scene.view.scale(z)
    trunk = max(tall * 0.035 * unit, 1.0)
    paint_stem(
        scene,
        (foot_x, foot_y),
        (foot_x + rng.normal(0, 0.04) * tall * unit, foot_y - tall * 0.6 * unit),
        trunk,
        vary(rng, rgb("#5a4a3c")),
        z=z,
    )
    for _ in range(int(rng.integers(3, 6))):
        dx, dy = rng.normal(0, 0.17), rng.uniform(0.45, 0.85)
        size = tall * rng.uniform(0.18, 0.28) * unit
        paint_crown(
            scene,
            rng,
            (foot_x + dx * tall * unit, foot_y - dy * tall * unit),
            (size * rng.uniform(0.95, 1.3), size * 0.85),
            vary(rng, colour, 0.08),
            z=z,
        )


def paint_stem(
    scene: Scene, foot: tuple[float, float], head: tuple[float, float], width: float, colour: Colour, *, z: float
) -> None:
    """Paint a tapering stem between two pixels, lit from the side of the sun."""
    side = scene.view.pixels
    top, bottom = int(max(min(head[1], foot[1]), 0)), int(min(max(head[1], foot[1]), side))
    if bottom <= top:
        return
    row = np.arange(top, bottom, dtype=np.float32)[:, None]
    t = (foot[1] - row) / max(foot[1] - head[1], 1e-3)
    centre = foot[0] + (head[0] - foot[0]) * t
    half = width * (1 - 0.45 * t) / 2
    left = int(np.clip(min(foot[0], head[0]) - width, 0, side))
    right = int(np.clip(max(foot[0], head[0]) + width + 1, 0, side))
    if right <= left:
        return
    off = np.arange(left, right, dtype=np.float32)[None, :] + 0.5 - centre
    mask = np.clip(half - np.abs(off) + 0.5, 0, 1).astype(np.float32)
    round_light = np.clip(0.55 + 0.45 * off / np.maximum(half, 0.5) * np.sign(scene.light.sun[0]), 0.1, 1)
    paint = scene.light.shade(np.broadcast_to(colour, (*off.shape, 3)), round_light * 0.6, round_light)
    patch = (slice(top, bottom), slice(left, right))
    mask = mask * (scene.depth[patch] > z)
    scene.rgb[patch] += (scene.hazed(paint, z) - scene.rgb[patch]) * mask[..., None]


def paint_turf(scene: Scene, rng: np.random.Generator, where: NDArray[np.bool_], patch: Patch) -> None:
    """Cover the pixels of a patch with low green growth where `where`, of the patch's size, says so."""
    rows = np.nonzero(where.any(axis=1))[0]
    if not len(rows):
        return
    # Usually a thin strip along the ridge: only that is painted.
    where = where[rows[0] : rows[-1] + 1]
    first = patch[0].start + int(rows[0])
    strip = (slice(first, first + where.shape[0]), slice(None))
    texture = leaf_texture(rng, where.shape[0], where.shape[1], 1.4 * 320 / scene.view.pixels)
    form = tile(2)[np.ix_(np.arange(where.shape[0]) * 3 % TILE, np.arange(where.shape[1]) * 2 % TILE)]
    paint = shade_leaves(scene.light, texture, form, leaf_colour(rng, scene.light))
    depth = np.where(np.isfinite(scene.depth[strip]), scene.depth[strip], 100)
    scene.over(scene.hazed(paint, depth), where.astype(np.float32), strip)
