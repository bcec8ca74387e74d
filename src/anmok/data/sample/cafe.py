"""Monsant d'Aewol: a cafe of mirror glass on black rocks above a turquoise sea."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from anmok.data.sample.cafe_building import paint_building
from anmok.data.sample.foliage import leaf_colour, leaf_texture, paint_crown
from anmok.data.sample.furniture import paint_grandfather, paint_lamp_string, paint_palm, paint_parasols
from anmok.data.sample.light import Colour, draw_light, mix, rgb, vary
from anmok.data.sample.noise import Field, sample, sample_smooth, smoothstep, tile
from anmok.data.sample.people import paint_car, paint_people
from anmok.data.sample.sky import paint_range, paint_sky
from anmok.data.sample.view import Relief, Scene, View, cast_relief, facing_sun, slices, slopes
from anmok.data.sample.water import paint_water

GROUND = 2.6  # metres of the terrace above the sea


@dataclass(frozen=True)
class Site:
    """Where the viewer stands and how the coast runs."""

    view: View
    kind: str
    house: float  # depth of the near corner
    x: float  # of the near corner
    yaw: float
    shore: float  # depth of the shore: land behind it ("shore"), before it (all others)
    lean: float


def _choose(rng: np.random.Generator, pixels: int) -> Site:
    kind = str(rng.choice(["terrace", "shore", "facade", "parking"], p=[0.32, 0.38, 0.12, 0.18]))
    hand = float(rng.choice([-1.0, 1.0]))
    if kind == "shore":  # from the rocks or the water's edge, land and house beyond
        shore = float(rng.uniform(13, 24))
        view = View(pixels, float(rng.uniform(0.95, 1.5)), float(rng.uniform(0.42, 0.66)), float(rng.uniform(1.8, 4.5)))
        house = shore + float(rng.uniform(9, 22))
        return Site(
            view,
            kind,
            house,
            float(rng.uniform(-0.12, 0.12)) * house,
            hand * float(rng.uniform(0.1, 0.9)),
            shore,
            float(rng.uniform(-0.3, 0.3)),
        )
    eye = GROUND + float(rng.uniform(1.5, 5.5))
    if kind == "facade":
        house = float(rng.uniform(9, 15))
        view = View(pixels, float(rng.uniform(0.8, 1.1)), float(rng.uniform(0.52, 0.72)), eye)
        return Site(
            view,
            kind,
            house,
            float(rng.uniform(-0.12, 0.12)) * house,
            hand * float(rng.uniform(0.15, 0.8)),
            house + 18,
            0.0,
        )
    house = float(rng.uniform(17, 42))
    view = View(pixels, float(rng.uniform(0.9, 1.5)), float(rng.uniform(0.4, 0.62)), eye)
    return Site(
        view,
        kind,
        house,
        hand * float(rng.uniform(0.02, 0.28)) * house / view.focal,
        hand * float(rng.uniform(0.1, 0.9)),
        house + float(rng.uniform(1, 9)),
        hand * float(rng.uniform(0.3, 1.1)),
    )


def paint_cafe(rng: np.random.Generator, pixels: int) -> Scene:
    """Paint one view of the cafe."""
    light = draw_light(rng, hours=(0.1, 0.18, 0.22, 0.18, 0.2, 0.12))
    site = _choose(rng, pixels)
    view = site.view
    scene = Scene.empty(view, light)
    paint_sky(scene, rng)
    deep, bright = vary(rng, rgb("#0f4560")), vary(rng, rgb("#35b0ac"), 0.12)
    if light.cover > 0.7:
        deep, bright = mix(deep, rgb("#33474f"), 0.5), mix(bright, rgb("#5f8585"), 0.6)
    if site.kind == "shore":
        paint_range(scene, rng, z=600, top=float(rng.uniform(25, 70)), colour=vary(rng, rgb("#55705a")), cells=6)
    elif rng.random() < 0.5:  # Biyangdo or a headland over the water
        paint_range(
            scene,
            rng,
            z=1600,
            top=float(rng.uniform(60, 130)),
            colour=rgb("#5d7480"),
            peak=float(rng.uniform(-0.1, 1.1)),
        )
    mirror = _reflected_world(scene, deep, bright)
    ox = float(rng.uniform(0, 512))
    grids: dict[str, Field] = {}

    def height_at(x: Field, z: Field) -> Field:
        bend = (sample_smooth(tile(1), x * 2.2 + ox, z * 0.6) - np.float32(0.5)) * 9
        lump = sample_smooth(tile(0), x * 14 + ox, z * 14) - np.float32(0.5)
        knob = sample_smooth(tile(3), x * 26, z * 26 + ox) - np.float32(0.5)
        inland = z - site.shore - x * site.lean - bend
        if site.kind != "shore":
            inland = -inland
        rocky = smoothstep(4.5, 2.2, inland) * smoothstep(-7, -1, inland)
        base = np.clip(inland / 3.5, -1, 1) * GROUND
        base = np.where(inland > 3.5, GROUND, base)
        stones = (lump * 3.0 + knob * 1.3) * rocky
        grids["inland"], grids["rocky"] = inland, rocky
        near_rocks = 0.0
        if site.kind == "shore":
            near_rocks = np.clip(1 - (z - 3) / float(site.shore * 0.5), -1, 1) + lump * 3.2 + knob * 1.5 - 0.55
            near_rocks = np.minimum(near_rocks, view.height - 1.0 + 0.3 * knob)
        heights = np.maximum(base + stones, near_rocks - 0.2)
        grids["raw"] = heights.astype(np.float32)
        return np.asarray(np.maximum(heights, 0), np.float32)

    near = max(0.6 * (view.height - (0 if site.kind == "shore" else GROUND)) * view.focal / (1 - view.horizon), 0.6)
    relief, x, z, heights = cast_relief(view, slices(near, 420, 260), height_at)
    _paint_land(scene, rng, relief, surface=(x, z, heights), grids=grids, site=site)
    _paint_bay(scene, rng, relief, heights=heights, raw=grids["raw"], sea=(deep, bright))
    paint_building(scene, rng, (site.x, GROUND, site.house), site.yaw, mirror)
    if site.kind == "shore":
        _reflect_house(scene, rng, relief, heights)
    _furnish(scene, rng, site)
    return scene


def _reflected_world(scene: Scene, deep: Colour, bright: Colour) -> Colour:
    """What the mirror glass shows: this sky the other way round, over sea and rocks; (pixels, pixels, 3)."""
    view, light = scene.view, scene.light
    world = scene.rgb[:, ::-1].copy()
    below = np.clip(view.v - view.horizon, 0, 1)
    water = (deep * 0.5 + bright * 0.5) * (light.ambient + light.sun_rgb * np.float32(0.25))
    water = water + (light.horizon * 0.6 - water) * np.exp(-below * 22)[..., None]
    wave = sample(tile(2), view.u * 300, view.v * 2200) - np.float32(0.5)
    water = np.broadcast_to(water, world.shape) * (1 + 0.5 * wave)[..., None]
    rock = rgb("#2c2a2a") * light.ambient
    coast = smoothstep(0.06, 0.09, below + 0.05 * (sample(tile(1), view.u * 400, view.v * 100) - 0.5))
    water = water + (rock - water) * coast[..., None]
    return np.where((below > 0)[..., None], water, world).astype(np.float32)


def _paint_land(
    scene: Scene,
    rng: np.random.Generator,
    relief: Relief,
    *,
    surface: tuple[Field, Field, Field],
    grids: dict[str, Field],
    site: Site,
) -> None:
    light = scene.light
    patch = relief.rows
    relief = relief.cut(patch)
    across, along = slopes(*surface)
    facing = relief.blend(facing_sun(light, np.clip(across, -3, 3), np.clip(along, -3, 3)))
    inland, rocky = relief.blend(grids["inland"]), relief.blend(grids["rocky"])
    ox = float(rng.uniform(0, 512))
    grain = sample(tile(3, cells=16, octaves=5, gain=0.7), relief.x * 60 + ox, relief.z * 60)
    soft = sample_smooth(tile(1), relief.x * 6 + ox, relief.z * 6)
    basalt = vary(rng, rgb("#35333a"), 0.12) * (0.35 + 1.1 * grain)[..., None]
    if site.kind == "parking":
        floor = vary(rng, rgb("#6d6c6c")) * (0.75 + 0.35 * grain + 0.2 * soft)[..., None]
        lane = smoothstep(0.47, 0.485, np.abs((relief.x / 2.6) % 1.0 - 0.5)) * (relief.z < site.house - 5)
        floor = floor + (rgb("#d8d8d2") - floor) * (lane * 0.7)[..., None]
    elif rng.random() < 0.5:  # timber deck
        lath = smoothstep(0.0, 0.10, (relief.z / 0.32) % 1.0) * 0.35 + 0.65
        tone = sample(tile(2), np.floor(relief.z / 0.32) * 37, relief.x * 5)
        floor = vary(rng, rgb("#8d7355")) * (lath * (0.6 + 0.55 * tone + 0.25 * grain))[..., None]
        fade = smoothstep(10, 26, relief.z)
        plain = rgb("#84705a") * (0.9 + 0.2 * soft)[..., None]
        floor = floor + (plain - floor) * fade[..., None]
    else:
        lawn = {"spring": "#7d9a48", "summer": "#5d8a3c", "autumn": "#98904e", "winter": "#9a8f60"}[light.season]
        side = scene.view.pixels
        blade = leaf_texture(rng, relief.x.shape[0], side, 2.0 * 320 / side)
        floor = vary(rng, rgb(lawn)) * (0.5 + 0.5 * blade + 0.4 * soft)[..., None]
    albedo = floor + (basalt - floor) * smoothstep(0.15, 0.5, rocky + (inland < 2.5) + (soft - 0.5) * 0.3)[..., None]
    tide = smoothstep(0.9, 0.1, relief.y)
    albedo = albedo * (1 - 0.45 * tide)[..., None]
    if light.snow:
        white = light.snow * smoothstep(0.4, 1.2, relief.y + soft) * smoothstep(0.2, 0.6, facing + 0.4 + grain * 0.4)
        albedo = albedo + (rgb("#eef2f8") - albedo) * white[..., None]
    cloud = smoothstep(0.34, 0.56, sample_smooth(tile(1), relief.x * 0.8, relief.z * 0.8 + ox)) * 0.6 + 0.4
    colour = light.shade(albedo, facing * cloud, np.full_like(facing, 0.85))
    if light.wet:
        colour = colour * np.float32(0.7) + light.horizon * (0.22 * smoothstep(0.4, 0.7, soft))[..., None]
    if light.dark > 0.4:  # the house lights its surroundings
        away = np.sqrt((relief.x - site.x) ** 2 + (relief.z - site.house + 2) ** 2)
        colour = colour + albedo * rgb("#ffc27a") * (light.dark * 9 / (20 + away**2))[..., None]
    scene.over(scene.hazed(colour, relief.z), relief.seen.astype(np.float32), patch)
    scene.depth[patch] = np.where(relief.seen, relief.z, scene.depth[patch])


def _paint_bay(
    scene: Scene,
    rng: np.random.Generator,
    relief: Relief,
    *,
    heights: Field,
    raw: Field,
    sea: tuple[Colour, Colour],
) -> None:
    view = scene.view
    wet = relief.seen & (relief.pick(heights) <= 0.001)
    beyond = (view.v > view.horizon) & ~relief.seen
    z_sea = np.clip(view.height * view.focal / np.clip(view.v - view.horizon, 1e-4, 1), 0, 6000)
    z = np.where(wet, relief.z, z_sea).astype(np.float32)
    x = (view.u - 0.5) * z / view.focal
    depth = np.clip(-relief.pick(raw), 0, 4)
    shallow = np.where(beyond, 0.12, np.exp(-depth * 0.6)).astype(np.float32)
    patches = sample_smooth(tile(1), x * 2, z * 2)
    shallow = np.clip(shallow * 0.7 + smoothstep(0.4, 0.7, patches) * 0.45 * np.exp(-z / 90), 0, 0.9)
    foam = np.where(beyond, 0, smoothstep(0.55, 0.1, depth)) + smoothstep(0.68, 0.85, patches) * 0.3
    paint_water(
        scene,
        rng,
        (wet | beyond).astype(np.float32),
        x,
        z,
        mirror_row=max(view.horizon * view.pixels, 2),
        deep=sea[0],
        shallow=sea[1],
        shallowness=shallow,
        foam=foam.astype(np.float32),
        chop=float(rng.uniform(0.4, 1.0)),
        reflect=0.8,
    )
    scene.depth[:] = np.where(wet | beyond, z, scene.depth)


def _reflect_house(scene: Scene, rng: np.random.Generator, relief: Relief, heights: Field) -> None:
    """Mirror the shore and the house in the water before them."""
    view = scene.view
    wet = relief.seen & (relief.pick(heights) <= 0.001)
    side = view.pixels
    shore_row = (view.horizon + view.height * view.focal / 20) * side
    ripple = sample(tile(3, cells=16, octaves=5, gain=0.7), relief.x * 34, relief.z * 90) - np.float32(0.5)
    swell = sample_smooth(tile(2), relief.x * 9, relief.z * 24) - np.float32(0.5)
    row = np.arange(side, dtype=np.float32)[:, None]
    source = np.clip(2 * shore_row - row + (ripple + swell) * 0.14 * side, 0, side - 1).astype(np.int32)
    column = np.clip(np.arange(side)[None, :] + ripple * 0.02 * side, 0, side - 1).astype(np.int32)
    share = wet * np.clip(0.5 - (row - shore_row) / side, 0.05, 0.5) * float(rng.uniform(0.5, 1.0))
    above = scene.depth[source, column] > 8
    scene.over(scene.rgb[source, column] * np.float32(0.9), (share * above).astype(np.float32))


def _furnish(scene: Scene, rng: np.random.Generator, site: Site) -> None:
    light = scene.light
    ahead = site.house - 2.5
    if rng.random() < 0.6:
        for _ in range(int(rng.integers(1, 5))):
            z = (
                float(rng.uniform(site.house * 0.75, site.house + 14))
                if site.kind != "shore"
                else float(rng.uniform(site.house - 3, site.house + 12))
            )
            x = float(rng.uniform(-0.55, 0.55)) * z / scene.view.focal
            paint_palm(scene, rng, (x, GROUND, z), float(rng.uniform(4.5, 8.5)))
    for _ in range(int(rng.integers(0, 5))):
        z = float(rng.uniform(ahead - 2, ahead + 1))
        x = site.x + float(rng.uniform(-12, 12))
        px, py = scene.view.project(x, GROUND + 0.3, z)
        size = float(rng.uniform(0.4, 0.9)) * scene.view.scale(z)
        paint_crown(scene, rng, (px, py), (size * 1.4, size * 0.8), leaf_colour(rng, light), z=z, ragged=0.35)
    low = max(ahead * 0.4, 6.0) if site.kind != "shore" else site.shore + 5.5
    high = max(ahead, low + 1)
    if site.kind == "parking":
        for x in np.arange(-9, 10, 3.4) + float(rng.uniform(-1.5, 1.5)):
            if rng.random() < 0.45:
                paint_car(scene, rng, float(x) * 1.5, GROUND, float(rng.uniform(low + 1, high)))
    elif light.weather not in ("rain", "snow") and rng.random() < 0.75:
        paint_parasols(
            scene, rng, count=int(rng.integers(1, 6)), ground=GROUND, z_range=(low, high), x_share=(0.03, 0.97)
        )
    if rng.random() < 0.2:
        paint_grandfather(scene, rng, float(rng.uniform(-0.35, 0.35)) * low, GROUND, float(low + 1))
    if rng.random() < 0.7:
        paint_people(scene, rng, count=int(rng.integers(1, 7)), ground=GROUND, z_range=(low, high))
    if rng.random() < 0.3 + 0.5 * light.dark:
        z = float(rng.uniform(low, high))
        reach = 0.6 * z / scene.view.focal
        paint_lamp_string(scene, rng, (-reach, GROUND + 4.2, z), (reach * 0.4, GROUND + 4.0, z + 3))
