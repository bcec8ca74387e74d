"""Cheonjiyeon: a waterfall from a dark cliff into a green pool, framed by leaves; floodlit at night."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from anmok.data.sample.foliage import leaf_colour, leaf_texture, paint_crown, shade_leaves
from anmok.data.sample.light import Colour, draw_light, mix, rgb, vary
from anmok.data.sample.noise import Field, fractal, line, sample_smooth, smoothstep, tile
from anmok.data.sample.sky import paint_sky
from anmok.data.sample.view import Patch, Scene, View
from anmok.data.sample.water import paint_water
from anmok.data.sample.waterfall_foreground import paint_bank, paint_boulders, paint_frame


@dataclass(frozen=True)
class Fall:
    """Where the parts stand; all in shares of the picture."""

    x: float
    top: float
    base: float  # the water line
    width: float  # at the lip
    spread: float  # how much wider it is at the base
    lean: float
    ledge: float  # share of the way down at which it breaks; above 1 for never
    rim: float  # top of the cliff; below 0 when no sky is to be seen


def _choose(rng: np.random.Generator) -> Fall:
    kind = rng.choice(["classic", "close", "far"], p=[0.55, 0.25, 0.2])
    x = float(np.clip(rng.normal(0.5, 0.14), 0.2, 0.8))
    if kind == "classic":
        top = float(rng.uniform(0.10, 0.26))
        return Fall(
            x,
            top,
            float(rng.uniform(0.6, 0.74)),
            float(rng.uniform(0.07, 0.14)),
            float(rng.uniform(1.2, 1.9)),
            float(rng.normal(0, 0.02)),
            float(rng.choice([2.0, rng.uniform(0.4, 0.75)])),
            top - float(rng.uniform(0.01, 0.14)),
        )
    if kind == "close":
        return Fall(
            x,
            float(rng.uniform(-0.25, 0.04)),
            float(rng.uniform(0.72, 0.92)),
            float(rng.uniform(0.16, 0.30)),
            float(rng.uniform(1.1, 1.6)),
            float(rng.normal(0, 0.02)),
            float(rng.choice([2.0, 0.6])),
            -0.3,
        )
    top = float(rng.uniform(0.26, 0.4))
    return Fall(
        x,
        top,
        float(rng.uniform(0.56, 0.66)),
        float(rng.uniform(0.035, 0.06)),
        float(rng.uniform(1.2, 1.8)),
        0.0,
        2.0,
        top - float(rng.uniform(0.02, 0.06)),
    )


def paint_waterfall(rng: np.random.Generator, pixels: int) -> Scene:
    """Paint one view of the fall."""
    light = draw_light(rng, hours=(0.1, 0.2, 0.22, 0.14, 0.12, 0.22))
    fall = _choose(rng)
    # Only figures and haze need metres here: the cliff is taken to stand 34 m away.
    focal = float(rng.uniform(1.0, 1.4))
    height = 2.2
    view = View(pixels, focal, fall.base - height * focal / 34, height)
    scene = Scene.empty(view, light)
    if fall.rim > 0:
        paint_sky(scene, rng)
    flood = _floodlight(rng, fall, view) if light.dark > 0.5 and rng.random() < 0.9 else None
    _paint_cliff(scene, rng, fall, flood)
    _paint_trees_on_rim(scene, rng, fall)
    _paint_stream(scene, rng, fall, flood)
    _paint_mist(scene, rng, fall, flood, 0.5)
    _paint_pool(scene, rng, fall)
    _paint_mist(scene, rng, fall, flood, 0.35)
    paint_boulders(scene, rng, fall_x=fall.x, width=fall.width, base=fall.base, glow=flood)
    scene.depth[:] = np.where(view.v > fall.base, np.minimum(scene.depth, 200), 34)
    if rng.random() < 0.5:
        paint_bank(scene, rng)
    paint_frame(scene, rng, fall.x)
    return scene


def _floodlight(rng: np.random.Generator, fall: Fall, view: View) -> Colour:
    """Light thrown up from the pool's edge, (pixels, pixels, 3)."""
    codes = ["#fff1d0", "#cfe6ff", "#9adfb0", "#8fb4ff", "#ffd08a", "#d4a8ff"]
    total = np.zeros((view.pixels, view.pixels, 3), np.float32)
    for sign in (-1, 1):
        colour = mix(rgb(codes[int(rng.integers(len(codes)))]), rgb("#fff4e0"), float(rng.uniform(0.2, 0.6)))
        cx = fall.x + sign * float(rng.uniform(0.05, 0.25))
        dx, dy = view.u - cx, fall.base - view.v
        cone = np.exp(-((dx / (0.14 + 0.55 * np.clip(dy, 0, 1))) ** 2)) * np.exp(-np.clip(dy, 0, 1) * 1.6)
        total += cone[..., None] * colour * np.float32(rng.uniform(0.7, 1.3))
    return total


def _paint_cliff(scene: Scene, rng: np.random.Generator, fall: Fall, flood: Colour | None) -> None:
    view, light = scene.view, scene.light
    # Below the water line the pool will cover everything.
    tall = min(fall.base + 0.03, 1.0)
    patch = (slice(0, int(tall * view.pixels)), slice(None))
    shape = (patch[0].stop, view.pixels)
    v = view.v[patch]
    flood = None if flood is None else flood[patch]
    scale = float(rng.uniform(0.8, 1.25)) * (0.7 if fall.width > 0.15 else 1.3 if fall.width < 0.065 else 1.0)
    big = fractal(rng, shape, (3 * scale * tall, 4 * scale), octaves=6, gain=0.56)
    pillars = fractal(rng, shape, (2.5 * scale * tall, 15 * scale), octaves=4, gain=0.6)
    strata = fractal(rng, shape, (16 * scale * tall, 2.5 * scale), octaves=3, gain=0.6)
    rock = big * 0.9 + pillars * 0.75 + strata * 0.45 - 0.55
    step = max(view.pixels // 160, 1)
    right = np.roll(rock, -step, 1) - rock
    down = np.roll(rock, -step, 0) - rock
    toward = np.float32(np.sign(light.sun[0]))
    facing = np.clip(0.30 - right * toward * 6.5 + down * 5.0, 0, 1.4)
    hollow = smoothstep(0.28, 0.62, rock)
    near_fall = np.exp(-(((view.u - fall.x) / (fall.width * 2.6)) ** 2))
    depth_in = 1 - 0.55 * near_fall * (v < fall.base)  # the fall has worn itself a niche
    stone = vary(rng, rgb("#5b5650"), 0.12)
    ochre = vary(rng, rgb("#6f5f48"), 0.12)
    albedo = stone + (ochre - stone) * smoothstep(0.4, 0.7, big)[..., None]
    albedo = albedo * (0.4 + 0.85 * hollow)[..., None] * (1 - 0.35 * near_fall)[..., None]
    slant = np.clip(0.30 + 0.45 * max(-float(light.sun[2]), 0.0) + 0.2 * float(light.sun[1]), 0, 1)
    sunlit = smoothstep(0.45, 0.6, fractal(rng, shape, (1.6, 1.6), octaves=3) + 0.15 * (0.5 - v))
    colour = light.shade(albedo, facing * slant * sunlit * depth_in, (0.25 + 0.6 * hollow) * depth_in * (0.5 + facing))
    green = leaf_colour(rng, light)
    texture = leaf_texture(rng, *shape, 1.5 * 320 / view.pixels)
    growth = big * 0.55 + strata * 0.5 + 0.22 * np.abs(view.u - fall.x) - 0.38 * near_fall + 0.12 * (fall.base - v)
    lush = float(rng.uniform(0.42, 0.62)) + (0.08 if light.season == "winter" else 0)
    plants = smoothstep(lush, lush + 0.07, growth + (texture - 0.5) * 0.16)
    form = np.clip(0.5 - right * toward * 5 + down * 3.5, 0, 1)
    leaves = shade_leaves(light, texture, form, green)
    colour = colour + (leaves * depth_in[..., None] - colour) * plants[..., None]
    moss = vary(rng, rgb("#4c6a2c")) * (light.ambient + light.sun_rgb * np.float32(0.25))
    mossy = smoothstep(0.55, 0.8, strata) * (1 - plants) * 0.55
    colour = colour + (moss * (0.4 + facing)[..., None] - colour) * mossy[..., None]
    if flood is not None:
        wash = albedo * (1 - plants)[..., None] + green * (0.35 + texture)[..., None] * plants[..., None]
        colour = colour + wash * (0.35 + facing)[..., None] * flood * np.float32(1.1)
    edge = line(rng, view.pixels, 9, octaves=4) - np.float32(0.5)
    valley = 0.05 * np.exp(-(((view.u[0] - fall.x) / 0.12) ** 2))
    crest = fall.rim + edge * 0.08 + valley - 0.10 * np.abs(view.u[0] - fall.x)
    mask = np.clip((v - crest[None, :]) * view.pixels, 0, 1).astype(np.float32)
    scene.over(scene.hazed(colour, 34.0), mask, patch)


def _paint_trees_on_rim(scene: Scene, rng: np.random.Generator, fall: Fall) -> None:
    if fall.rim < 0:
        return
    side = scene.view.pixels
    colour = leaf_colour(rng, scene.light)
    for x in np.sort(rng.uniform(-0.05, 1.05, int(rng.integers(14, 26)))):
        if abs(x - fall.x) < fall.width * 0.8:
            continue
        y = fall.rim + 0.01 - 0.10 * abs(x - fall.x) + float(rng.normal(0, 0.02))
        size = side * float(rng.uniform(0.05, 0.10))
        paint_crown(scene, rng, (x * side, y * side), (size * 1.15, size), vary(rng, colour, 0.12), z=36.0)


def _pixels_between(view: View, low: float, high: float) -> slice:
    """Rows or columns between two shares of the picture."""
    return slice(int(low * view.pixels), int(high * view.pixels))


def _stream(scene: Scene, rng: np.random.Generator, fall: Fall) -> tuple[Patch, Field, Field]:
    """The patch a stream takes up, and its opacity and brightness there."""
    view = scene.view
    reach = fall.width * fall.spread * (1.0 if fall.ledge > 1 else 1.5) + abs(fall.lean)
    left, right = float(np.clip(fall.x - reach, 0, 0.95)), float(np.clip(fall.x + reach, 0.05, 1))
    top, bottom = max(fall.top, 0.0), fall.base + 0.015
    # In shares of the picture, not in pixels: a larger picture must draw the same strands.
    tall, wide = bottom - top, right - left
    patch = (_pixels_between(view, top, bottom), _pixels_between(view, left, right))
    u, v = view.u[:, patch[1]], view.v[patch[0]]
    shape = (v.shape[0], u.shape[1])
    down = np.clip((v - fall.top) / (fall.base - fall.top), 0, 1.2)
    wander = line(rng, shape[0], 6 * tall, octaves=4)[:, None] - np.float32(0.5)
    middle = fall.x + fall.lean * down + wander * fall.width * 0.10
    half = fall.width * 0.5 * (1 + (fall.spread - 1) * np.clip(down, 0, 1) ** 1.4)
    if fall.ledge < 1:  # below a ledge the water fans out
        half = half * (1 + 0.55 * smoothstep(fall.ledge - 0.01, fall.ledge + 0.06, down))
    off = (u - middle) / half
    cells = 10 / max(fall.width, 0.05)
    strands = fractal(rng, shape, (2.2 * tall, min(cells, 150) * wide), octaves=4, gain=0.62)
    falling = fractal(rng, shape, (9 * tall, min(cells * 0.8, 120) * wide), octaves=3, gain=0.6)
    ragged = (strands - 0.5) * (0.5 + 0.45 * down)
    body = smoothstep(1.06, 0.72, np.abs(off) + ragged)
    thin = smoothstep(0.30, 0.52, strands + 0.22 * (1 - np.abs(off)) + 0.10 * (1 - down))
    opacity = body * (0.35 + 0.65 * thin) * (v < fall.base + 0.01)
    bright = 0.5 + 0.9 * (strands - 0.35) + 0.7 * (falling - 0.5) + 0.12 * (1 - np.abs(off))
    if fall.ledge < 1:
        bright = bright + 0.35 * np.exp(-(((down - fall.ledge) / 0.03) ** 2))
    return patch, opacity, np.clip(bright, 0.12, 1.3)


def _paint_stream(scene: Scene, rng: np.random.Generator, fall: Fall, flood: Colour | None) -> None:
    light = scene.light
    sides: list[Fall] = [fall]
    for _ in range(int(rng.choice([0, 0, 1, 2]))):  # side streams, as after rain
        width = fall.width * float(rng.uniform(0.12, 0.4))
        x = fall.x + float(rng.choice([-1, 1])) * fall.width * float(rng.uniform(0.9, 2.0))
        sides.append(Fall(x, fall.top + float(rng.uniform(0.0, 0.12)), fall.base, width, 1.5, 0.0, 2.0, fall.rim))
    water = light.ambient * np.float32(1.15) + light.sun_rgb * np.float32(0.30)
    white: Colour = mix(water, rgb("#ffffff") * water.mean(), 0.4)
    for stream in sides:
        patch, opacity, bright = _stream(scene, rng, stream)
        colour = white * bright[..., None]
        if flood is not None:
            colour = colour * np.float32(0.6) + flood[patch] * bright[..., None]
        scene.over(scene.hazed(colour, 33.0), opacity * 0.96, patch)


def _paint_mist(scene: Scene, rng: np.random.Generator, fall: Fall, flood: Colour | None, strength: float) -> None:
    view, light = scene.view, scene.light
    high = 0.035 + fall.width * 0.4
    top, bottom = max(fall.base - 2.8 * high, 0.0), min(fall.base + 2.6 * high, 1.0)
    patch = (_pixels_between(view, top, bottom), slice(None))
    v = view.v[patch]
    cloud = fractal(rng, (v.shape[0], view.pixels), (4 * (bottom - top), 5), octaves=4)
    wide = fall.width * fall.spread * 1.5
    shape = np.exp(-(((view.u - fall.x) / wide) ** 2) - ((v - fall.base + 0.015) / high) ** 2)
    paint: Colour = light.ambient + light.sun_rgb * np.float32(0.28)
    if flood is not None:
        paint = paint * np.float32(0.5) + flood[patch] * np.float32(0.6)
    scene.over(paint, np.clip(np.clip(shape * (0.5 + cloud), 0, 1) * strength * 1.3, 0, 0.95), patch)


def _paint_pool(scene: Scene, rng: np.random.Generator, fall: Fall) -> None:
    view = scene.view
    shore = (line(rng, view.pixels, 5, octaves=4) - 0.5) * 0.022
    mask = np.clip((view.v - fall.base - shore[None, :]) * view.pixels, 0, 1).astype(np.float32)
    z = np.clip(view.height * view.focal / np.clip(view.v - view.horizon, 1e-3, 1), 1, 34)
    x = (view.u - 0.5) * z / view.focal
    z = np.broadcast_to(z, x.shape).astype(np.float32)
    # Rings run out from the foot of the fall.
    foot_x, foot_z = (fall.x - 0.5) * 34 / view.focal, 33.0
    away = np.sqrt((x - foot_x) ** 2 + (z - foot_z) ** 2)
    foam_reach = fall.width * 34 / view.focal * fall.spread
    froth = sample_smooth(tile(1), x * 16, z * 16 + away * 3)
    foam = smoothstep(foam_reach * 1.5, foam_reach * 0.2, away) + 0.55 * smoothstep(0.62, 0.8, froth) * np.exp(
        -away / 14
    )
    deep = vary(rng, rgb(str(rng.choice(["#12332c", "#0f3a3a", "#1d3b24", "#123044"]))), 0.15)
    paint_water(
        scene,
        rng,
        mask,
        x,
        z,
        mirror_row=fall.base * view.pixels,
        deep=deep,
        shallow=vary(rng, rgb("#3f8f7c"), 0.15),
        shallowness=np.clip(0.25 + 0.4 * froth - away / 60, 0, 0.7),
        foam=foam.astype(np.float32),
        chop=float(rng.uniform(0.35, 0.9)),
        reflect=1.0,
    )
