"""Jusangjeolli: cliffs of six-sided basalt columns standing in the sea."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from anmok.data.sample.foliage import paint_turf
from anmok.data.sample.light import Light, draw_light, mix, rgb, vary
from anmok.data.sample.noise import Field, enlarge, sample, sample_smooth, smoothstep, tile
from anmok.data.sample.people import paint_people
from anmok.data.sample.sky import paint_range, paint_sky
from anmok.data.sample.view import Relief, Scene, View, cast_relief, slices
from anmok.data.sample.water import paint_water


@dataclass(frozen=True)
class Cells:
    """The column each point belongs to; all arrays have the shape of the points."""

    x: Field  # centre of the column, metres
    z: Field
    lot: Field  # one random value per column, 0 to 1
    edge: Field  # metres to the joint between this column and the next


def hexagons(rng: np.random.Generator, x: Field, z: Field, width: float, disorder: float) -> Cells:
    """Part the plane into slightly irregular hexagons about `width` metres across."""
    table = rng.random((3, 64, 64), dtype=np.float32)
    jitter_x, jitter_z = (table[:2] - np.float32(0.5)) * np.float32(disorder)
    row_step = np.float32(0.866)
    px, pz = x / np.float32(width), z / np.float32(width)
    base = np.floor(pz / row_step + np.float32(0.5)).astype(np.int32)
    best = np.full(x.shape, 1e9, np.float32)
    second = np.full(x.shape, 1e9, np.float32)
    cx, cz, lot = np.zeros_like(best), np.zeros_like(best), np.zeros_like(best)
    for dr in (-1, 0, 1):
        row = base + dr
        shift = (row & 1).astype(np.float32) * np.float32(0.5)
        left = np.floor(px - shift).astype(np.int32)
        for dc in (0, 1):
            column = left + dc
            cell = ((row & 63) << 6) | (column & 63)
            qx = column.astype(np.float32) + shift + jitter_x.ravel()[cell]
            qz = row.astype(np.float32) * row_step + jitter_z.ravel()[cell]
            distance = (px - qx) ** 2 + (pz - qz) ** 2
            nearer = distance < best
            second = np.minimum(second, np.where(nearer, best, distance))
            best = np.where(nearer, distance, best)
            cx, cz = np.where(nearer, qx, cx), np.where(nearer, qz, cz)
            lot = np.where(nearer, table[2].ravel()[cell], lot)
    edge = (np.sqrt(second) - np.sqrt(best)) * np.float32(width * 0.5)
    return Cells(cx * np.float32(width), cz * np.float32(width), lot, edge)


@dataclass(frozen=True)
class Coast:
    """Shape of one stretch of coast: heights in metres above the sea, seen from the eye of `view`."""

    view: View
    width: float  # of a column
    shore: float  # depth at which the columns rise, metres
    lean: float  # how much the shore turns away towards one side
    top: float  # height of the cliff
    steps: float  # metres over which it rises from the sea
    ragged: float  # how much neighbouring columns differ, metres
    near_rocks: float  # height of columns around the viewer's feet; 0 for none
    bay: float  # a bay of this depth in the shore line


def _choose_coast(rng: np.random.Generator, pixels: int) -> Coast:
    kind = rng.choice(["cliff", "deck", "honeycomb", "wall"], p=[0.36, 0.26, 0.18, 0.20])
    if kind == "cliff":
        height = rng.uniform(6, 12)
        return Coast(
            View(pixels, float(rng.uniform(0.9, 1.4)), float(rng.uniform(0.2, 0.42)), float(height)),
            width=float(rng.uniform(1.1, 1.6)),
            shore=float(rng.uniform(20, 32)),
            lean=float(rng.uniform(0.5, 1.3)),
            top=float(rng.uniform(9, 17)),
            steps=float(rng.uniform(2, 7)),
            ragged=float(rng.uniform(0.5, 1.3)),
            near_rocks=float(rng.choice([0, 1.0])),
            bay=float(rng.uniform(2, 8)),
        )
    if kind == "deck":  # from the viewing deck down on the steps in the surf
        return Coast(
            View(pixels, float(rng.uniform(0.95, 1.4)), float(rng.uniform(0.02, 0.2)), float(rng.uniform(13, 18))),
            width=float(rng.uniform(1.3, 1.9)),
            shore=float(rng.uniform(23, 33)),
            lean=float(rng.uniform(1.2, 2.2)),
            top=float(rng.uniform(6, 11)),
            steps=float(rng.uniform(8, 16)),
            ragged=float(rng.uniform(0.5, 1.2)),
            near_rocks=float(rng.uniform(0, 2)),
            bay=float(rng.uniform(2, 7)),
        )
    if kind == "honeycomb":  # standing on the tops
        return Coast(
            View(pixels, float(rng.uniform(0.8, 1.2)), float(rng.uniform(0.06, 0.3)), float(rng.uniform(3.4, 5.0))),
            width=float(rng.uniform(0.7, 1.05)),
            shore=float(rng.uniform(15, 30)),
            lean=float(rng.uniform(0.2, 0.9)),
            top=float(rng.uniform(5, 9)),
            steps=float(rng.uniform(2, 6)),
            ragged=float(rng.uniform(0.3, 0.6)),
            near_rocks=float(rng.uniform(1.5, 2.2)),
            bay=float(rng.uniform(0, 4)),
        )
    return Coast(  # from a boat: a wall like organ pipes
        View(pixels, float(rng.uniform(1.0, 1.5)), float(rng.uniform(0.62, 0.82)), float(rng.uniform(1.8, 3.2))),
        width=float(rng.uniform(0.9, 1.4)),
        shore=float(rng.uniform(16, 24)),
        lean=float(rng.uniform(-0.2, 0.4)),
        top=float(rng.uniform(8, 16)),
        steps=float(rng.uniform(1, 5)),
        ragged=float(rng.uniform(0.5, 1.4)),
        near_rocks=0.0,
        bay=float(rng.uniform(1, 4)),
    )


def paint_columns(rng: np.random.Generator, pixels: int) -> Scene:
    """Paint one view of the joints."""
    light = draw_light(rng, hours=(0.14, 0.2, 0.22, 0.2, 0.17, 0.07))
    if light.sun[2] > 0 and rng.random() < 0.65:  # the coast looks south: mostly the sun stands behind the viewer
        light = replace(light, sun=light.sun * np.array([1, 1, -1], np.float32))
    coast = _choose_coast(rng, pixels)
    scene = Scene.empty(coast.view, light)
    paint_sky(scene, rng)
    if rng.random() < 0.6:
        far = mix(rgb("#5d7466"), rgb("#6a6f70"), float(rng.random()))
        paint_range(scene, rng, z=float(rng.uniform(500, 900)), top=float(rng.uniform(30, 90)), colour=far)
    waviness = enlarge(rng.random((3, 12), dtype=np.float32), 3, 256)
    cells: list[Cells] = []
    warp = float(rng.uniform(0, 512))

    def height_at(x: Field, z: Field) -> Field:
        found = hexagons(rng, x, z, coast.width, disorder=0.34)
        cells.append(found)
        along = np.clip((found.x / 90 + 0.5) * 255, 0, 255).astype(np.int32)
        bend = (waviness[0][along] - 0.5) * 2 * coast.bay
        inland = found.z - coast.shore - found.x * coast.lean - bend
        rise = np.clip(inland / coast.steps, 0, 1)
        # Columns break off in stairs: whole groups share a height, single ones differ.
        group = sample_smooth(tile(1), found.x * 7 + warp, found.z * 7) - np.float32(0.5)
        stair = np.round((rise + group * 0.5 * (rise < 1)) * 5) / 5
        heights = np.where(inland > 0, np.clip(stair, 0.04, 1) * coast.top * (0.9 + group * 0.35), -2.0)
        heights = heights + (found.lot - 0.5) * coast.ragged * np.where(inland > 0, 1, 0.0)
        inside = inland > coast.steps * 1.4 + 3
        heights = np.where(inside, coast.top * (0.95 + 0.3 * group) + 0.06 * (inland - coast.steps), heights)
        if coast.near_rocks > 0:
            reach = coast.shore * 0.55 - found.x * coast.lean * 0.7 + (waviness[1][along] - 0.5) * 9
            near = coast.near_rocks * np.clip((reach - found.z) / 5, -1.5, 1) + (group * 2.2 + (found.lot - 0.5)) * 0.9
            near = np.where(found.lot > 0.94, near - 1.2, near)
            heights = np.maximum(heights, np.where(reach - found.z > -7, near, -2.0))
        return np.asarray(np.maximum(heights, 0), np.float32)

    near = max(0.7 * coast.view.height * coast.view.focal / max(1 - coast.view.horizon, 0.1), 1.0)
    relief, _, _, heights = cast_relief(coast.view, slices(near, 160, 300), height_at)
    _paint_basalt(scene, rng, relief, heights=heights, cells=cells[0], coast=coast)
    _paint_sea(scene, rng, relief, heights, coast)
    if coast.near_rocks > 1 and rng.random() < 0.5:
        flat = relief.seen & (relief.z < 14) & (np.abs(relief.y - coast.near_rocks) < 0.6)
        count = int(rng.integers(1, 4))
        paint_people(scene, rng, count=count, ground=coast.near_rocks, z_range=(5, 12), where=flat)
    return scene


def _paint_basalt(
    scene: Scene, rng: np.random.Generator, relief: Relief, *, heights: Field, cells: Cells, coast: Coast
) -> None:
    light = scene.light
    patch = relief.rows
    relief = relief.cut(patch)
    top = relief.pick(heights)
    drop = top - relief.y  # metres below the top of this column
    side_share = smoothstep(0.03, 0.14, drop)
    cx, cz, lot, edge = (relief.pick(grid) for grid in (cells.x, cells.z, cells.lot, cells.edge))
    ox = float(rng.uniform(0, 512))
    grain = sample(tile(3, cells=16, octaves=5, gain=0.7), relief.x * 60 + ox, (relief.z + relief.y) * 60)
    stain = sample_smooth(tile(0), cx * 9 + ox, cz * 9 + relief.y * 5)
    # Tops: flat, lit by the sky, parted by joints.
    joint = smoothstep(0.0, 0.05 + 0.0015 * relief.z.clip(0, 40), edge)
    dome = np.clip(edge / (coast.width * 0.25), 0, 1)
    # Sides: six faces, each with its own light, vertical flutes and level cracks.
    angle = np.arctan2(relief.z - cz, relief.x - cx)
    face = np.round(angle / (np.pi / 3) + 0.5) * (np.pi / 3) - np.pi / 6
    facing = np.clip(np.cos(face) * light.sun[0] + np.sin(face) * light.sun[2], 0, None)
    bands = sample(tile(2), drop * 60 + lot * 512, np.broadcast_to(lot * 511, drop.shape))
    crack = 1 - 0.5 * smoothstep(0.62, 0.74, bands)
    across = np.abs(np.sin(angle * 3))
    relieved = 0.55 + 0.45 * smoothstep(0.05, 0.6, across)
    sky_side = (0.22 + 0.46 * np.clip(np.cos(face - np.pi * 0.85), 0, 1)) * crack * relieved
    cloud = smoothstep(0.35, 0.6, sample_smooth(tile(1), relief.x * 2 + ox, relief.z * 2)) * 0.6 + 0.4
    top_facing = light.sun[1] * cloud * (0.25 + 0.75 * joint) * (0.85 + 0.3 * dome)
    open_sky = (0.45 + 0.55 * joint) * (1 - side_share) + sky_side * side_share
    facing = 1.15 * top_facing * (1 - side_share) + 0.9 * facing * cloud * side_share * relieved * crack
    dark, warm, pale = vary(rng, rgb("#4b4a4b")), vary(rng, rgb("#6b5d50")), vary(rng, rgb("#8b8983"))
    albedo = dark + (warm - dark) * smoothstep(0.4, 0.75, stain)[..., None]
    albedo = albedo + (pale - albedo) * (0.5 * smoothstep(0.35, 0.9, lot) * (1 - 0.5 * side_share))[..., None]
    albedo = albedo * (0.55 + 0.9 * grain)[..., None]
    tide = smoothstep(1.6, 0.2, relief.y + stain)  # wet and dark just above the sea
    albedo = albedo * (1 - 0.5 * tide)[..., None]
    if light.snow:
        white = light.snow * (1 - side_share) * smoothstep(1.0, 2.4, top) * joint
        albedo = albedo + (rgb("#eef2f8") - albedo) * white[..., None]
    if light.season != "winter" and rng.random() < 0.75:
        moss = smoothstep(0.52, 0.7, stain + 0.12 * (1 - side_share) - 0.1) * smoothstep(1.5, 5, top) * 0.5
        albedo = albedo + (rgb("#5b6a3a") - albedo) * moss[..., None]
    colour = light.shade(albedo, facing, open_sky)
    if light.wet:
        colour = colour + (light.ambient * np.float32(0.18)) * ((1 - side_share) * joint * grain)[..., None]
    colour = scene.hazed(colour, relief.z)
    scene.over(colour, relief.seen.astype(np.float32), patch)
    scene.depth[patch] = np.where(relief.seen, relief.z, scene.depth[patch])
    if coast.view.height < coast.top * 1.2:
        inland = relief.seen & (top > coast.top * 0.8) & (side_share < 0.5)
        paint_turf(scene, rng, inland & (coast.view.v[patch] < coast.view.horizon), patch)


def _paint_sea(scene: Scene, rng: np.random.Generator, relief: Relief, heights: Field, coast: Coast) -> None:
    light = scene.light
    view = scene.view
    sea = relief.seen & (relief.pick(heights) <= 0.001)
    # Beyond the last slice the sea goes on to the horizon.
    below = (view.v > view.horizon) & ~relief.seen
    z = np.where(sea, relief.z, np.clip(view.height * view.focal / np.clip(view.v - view.horizon, 1e-4, 1), 0, 6000))
    x = (view.u - 0.5) * z / view.focal
    mask = (sea | below).astype(np.float32)
    rock = (relief.seen & ~sea).astype(np.float32)
    step = max(view.pixels // 40, 1)
    coarse = rock.reshape(view.pixels // step, step, view.pixels // step, step).mean(axis=(1, 3))
    around = (coarse + np.roll(coarse, 1, 1) + np.roll(coarse, -1, 1) + np.roll(coarse, 1, 0)) / 4
    around = (around + np.roll(around, 1, 1) + np.roll(around, -1, 1) + np.roll(around, 1, 0)) / 4
    shore = enlarge(around.astype(np.float32), view.pixels, view.pixels)
    storm = float(rng.uniform(0.5, 1.0)) if light.weather in ("rain", "overcast") else float(rng.uniform(0.25, 0.8))
    crest = sample_smooth(tile(1), x * 3 + 99, z * 9)
    foam = shore * 1.25 * storm + smoothstep(0.66, 0.9, crest) * 0.5 * storm
    turquoise = _sea_colour(light, rng)
    paint_water(
        scene,
        rng,
        mask,
        x,
        z,
        mirror_row=view.horizon * view.pixels if view.horizon > 0.5 else max(view.horizon * view.pixels, 2.0),
        deep=vary(rng, rgb("#0d3a55")),
        shallow=turquoise,
        shallowness=np.clip(shore * 1.1 + 0.12, 0, 0.8),
        foam=foam,
        chop=float(rng.uniform(0.7, 1.3)),
        reflect=0.75,
    )
    scene.depth[:] = np.where(sea | below, z, scene.depth)


def _sea_colour(light: Light, rng: np.random.Generator) -> Field:
    bright = rgb("#2f9aa0") if light.cover < 0.7 else rgb("#4d7d83")
    return vary(rng, bright, 0.15)
