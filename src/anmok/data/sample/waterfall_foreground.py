"""The near side of the waterfall: boulders, the bank with its visitors, and the leaves that frame the view."""

from __future__ import annotations

import numpy as np

from anmok.data.sample.foliage import leaf_colour, paint_crown
from anmok.data.sample.light import Colour, rgb, vary
from anmok.data.sample.noise import line, sample, sample_smooth, smoothstep, tile
from anmok.data.sample.people import paint_people
from anmok.data.sample.view import Scene


def paint_bank(scene: Scene, rng: np.random.Generator) -> None:
    """Paint the near bank with its flagstones, and the visitors who stand on it."""
    view, light = scene.view, scene.light
    edge = float(rng.uniform(0.86, 0.95))
    shore = edge + (line(rng, view.pixels, 4, octaves=4) - 0.5) * 0.05
    mask = smoothstep(-0.004, 0.006, view.v - shore[None, :])
    z = np.clip(view.height * view.focal / np.clip(view.v - view.horizon, 1e-3, 1), 1, 34)
    x = (view.u - 0.5) * z / view.focal
    z = np.broadcast_to(z, x.shape)
    stones = sample_smooth(tile(0), x * 40, z * 40)
    grain = sample(tile(3, cells=16, octaves=5, gain=0.7), x * 90, z * 90)
    albedo = vary(rng, rgb("#6f675a"), 0.15) * (0.35 + 0.7 * smoothstep(0.35, 0.6, stones) + 0.5 * grain)[..., None]
    if light.snow:
        albedo = albedo + (rgb("#eef2f8") - albedo) * (smoothstep(0.3, 0.6, stones) * light.snow)[..., None]
    colour = light.shade(albedo, np.full_like(x, 0.35), np.full_like(x, 0.7))
    scene.over(colour, mask)
    rows = np.array([edge + 0.02, min(edge + 0.10, 0.99)])
    far, near = (view.height * view.focal / (rows - view.horizon)).tolist()
    paint_people(scene, rng, count=int(rng.integers(1, 6)), ground=0.0, z_range=(near, far))


def _paint_boulder(
    scene: Scene,
    rng: np.random.Generator,
    centre: tuple[float, float],
    radius: tuple[float, float],
    stone: Colour,
    *,
    z: float,
    glow: Colour | None = None,
) -> None:
    """Paint one wet rock: `centre` and `radius` as (x, y) in pixels; its foot is cut off level."""
    side = scene.view.pixels
    (cx, cy), (rx, ry) = (float(centre[0]), float(centre[1])), (float(radius[0]), float(radius[1]))
    left, right = int(max(cx - rx * 1.25, 0)), int(min(cx + rx * 1.25, side))
    top, bottom = int(max(cy - ry * 1.25, 0)), int(min(cy + ry * 0.5, side))
    ox, oy = float(rng.uniform(0, 512)), float(rng.uniform(0, 512))
    if right - left < 2 or bottom - top < 2:
        return
    px = ((np.arange(left, right, dtype=np.float32) - cx) / rx)[None, :]
    py = ((np.arange(top, bottom, dtype=np.float32) - cy) / ry)[:, None]
    px, py = np.broadcast_arrays(px, py)
    lump = sample_smooth(tile(0), px * 34 + ox, py * 34 + oy)
    grain = sample(tile(3, cells=16, octaves=5, gain=0.7), px * rx * 2.2 + ox, py * ry * 2.2 + oy)
    reach = np.abs(px) ** 2.2 + np.abs(py) ** 2.2 - (lump - 0.5) * 1.5
    mask = smoothstep(1.0, 0.9, reach) * smoothstep(0.42, 0.34, py + (lump - 0.5) * 0.9)
    bulge = lump - sample_smooth(tile(0), px * 34 + ox + 4, py * 34 + oy + 4)
    sun = scene.light.sun
    facing = np.clip(0.35 + 0.45 * px * np.sign(sun[0]) - 0.5 * py + bulge * 3, 0, 1.3)
    open_sky = np.clip(0.55 - 0.5 * py + bulge * 2, 0.12, 1.2)
    albedo = stone * ((0.45 + 0.6 * lump + 0.5 * grain) * (1 - 0.55 * smoothstep(0.0, 0.35, py)))[..., None]
    if scene.light.snow:
        white = smoothstep(-0.1, -0.5, py + (grain - 0.5) * 0.4) * scene.light.snow
        albedo = albedo + (rgb("#eef2f8") - albedo) * white[..., None]
    colour = scene.light.shade(albedo, facing * 0.6, open_sky)
    patch = (slice(top, bottom), slice(left, right))
    if glow is not None:
        colour = colour + albedo * glow[patch] * np.float32(0.3)
    scene.rgb[patch] += (scene.hazed(colour, z) - scene.rgb[patch]) * mask[..., None]


def paint_boulders(
    scene: Scene, rng: np.random.Generator, *, fall_x: float, width: float, base: float, glow: Colour | None
) -> None:
    """Paint rocks along the water line `base` on both sides of a fall at `fall_x`, and some before the viewer."""
    side = scene.view.pixels
    stone = vary(rng, rgb("#4d4a46"), 0.15)
    for _ in range(int(rng.integers(5, 16))):  # along the far bank
        x = float(rng.uniform(0, 1))
        size = side * float(0.012 + 0.045 * rng.beta(1.2, 3.0))
        if abs(x - fall_x) > width * 0.5:
            y = (base + float(rng.uniform(0.0, 0.02))) * side
            _paint_boulder(scene, rng, (x * side, y), (size * 1.5, size), vary(rng, stone, 0.1), z=32, glow=glow)
    if rng.random() < 0.75:
        count = int(rng.integers(3, 9))
        low = float(rng.uniform(0.9, 1.0))
        for y in np.sort(rng.uniform(low, 1.08, count)):
            size = side * float(rng.uniform(0.06, 0.15)) * (0.6 + (y - 0.85) * 2)
            centre = (float(rng.uniform(0, 1)) * side, float(y) * side)
            _paint_boulder(scene, rng, centre, (size * 1.4, size), vary(rng, stone, 0.12), z=7, glow=glow)


def paint_frame(scene: Scene, rng: np.random.Generator, fall_x: float) -> None:
    """Paint leaves close to the camera, from above and at the sides, but not over the fall at `fall_x`."""
    if rng.random() < 0.3:
        return
    side = scene.view.pixels
    colour = leaf_colour(rng, scene.light) * np.float32(rng.uniform(0.35, 0.8))
    hands = [-1, 1] if rng.random() < 0.5 else [int(rng.choice([-1, 1]))]
    for hand in hands:
        edge = 0.0 if hand < 0 else 1.0
        if abs(fall_x - edge) < 0.3:
            continue
        for _ in range(int(rng.integers(3, 7))):
            x = edge - hand * float(rng.uniform(-0.06, 0.10))
            y = float(rng.uniform(-0.02, 0.5)) if rng.random() < 0.75 else float(rng.uniform(0.5, 1.0))
            size = side * float(rng.uniform(0.06, 0.13))
            paint_crown(
                scene, rng, (x * side, y * side), (size * 1.2, size), vary(rng, colour, 0.12), z=5.0, ragged=0.8
            )
    if rng.random() < 0.4:
        for x in rng.uniform(0, 1, int(rng.integers(3, 7))):
            size = side * float(rng.uniform(0.05, 0.10))
            paint_crown(
                scene, rng, (x * side, -0.01 * side), (size * 1.5, size), vary(rng, colour, 0.12), z=5.0, ragged=0.8
            )
