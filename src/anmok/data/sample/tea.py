"""O'sulloc: rows of green tea under a wide sky, and the museum with its round tower."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from anmok.data.sample.foliage import leaf_colour, paint_tree
from anmok.data.sample.light import draw_light, mix, rgb, vary
from anmok.data.sample.noise import Field, leaves, sample, sample_smooth, smoothstep, tile
from anmok.data.sample.people import paint_people
from anmok.data.sample.sky import paint_range, paint_sky
from anmok.data.sample.tea_museum import paint_museum
from anmok.data.sample.view import Relief, Scene, View, cast_relief, facing_sun, slices, slopes


@dataclass(frozen=True)
class TeaField:
    """One tea field: direction and size of its rows, the shape of the hill, and where the field ends."""

    view: View
    turn: float  # radians between the rows and the line of sight
    spacing: float  # metres from row to row
    bush: float  # height of a bush
    hill: float  # metres
    end: float  # depth at which the field gives way to lawn
    museum: float  # depth of the museum; 0 for none


def _choose(rng: np.random.Generator, pixels: int) -> TeaField:
    kind = rng.choice(["rows", "museum", "close", "hills"], p=[0.3, 0.38, 0.12, 0.2])
    turn = float(np.clip(rng.normal(0, 0.35), -1.0, 1.0)) if rng.random() < 0.7 else float(rng.uniform(1.1, 1.5))
    spacing = float(rng.uniform(1.7, 2.3))
    if kind == "rows":
        view = View(pixels, float(rng.uniform(0.8, 1.2)), float(rng.uniform(0.28, 0.5)), float(rng.uniform(2.4, 5.5)))
        return TeaField(view, turn, spacing, 1.0, float(rng.uniform(0.5, 4)), float(rng.uniform(60, 160)), 0)
    if kind == "museum":
        view = View(pixels, float(rng.uniform(1.0, 1.6)), float(rng.uniform(0.42, 0.64)), float(rng.uniform(2.2, 5.0)))
        far = float(rng.uniform(26, 62))
        return TeaField(view, turn, spacing, 0.9, float(rng.uniform(0, 0.8)), far * float(rng.uniform(0.4, 0.8)), far)
    if kind == "close":
        view = View(pixels, float(rng.uniform(0.9, 1.3)), float(rng.uniform(0.12, 0.36)), float(rng.uniform(1.9, 2.6)))
        museum = float(rng.choice([0.0, 70.0]))
        return TeaField(view, turn, spacing * 1.1, 1.1, 0.4, 70, museum)
    view = View(pixels, float(rng.uniform(1.3, 2.0)), float(rng.uniform(0.16, 0.36)), float(rng.uniform(8, 14)))
    return TeaField(view, turn, spacing * 1.2, 1.1, float(rng.uniform(5, 10)), 170, float(rng.choice([0.0, 150.0])))


def paint_tea(rng: np.random.Generator, pixels: int) -> Scene:
    """Paint one view of the tea fields."""
    light = draw_light(rng, hours=(0.14, 0.22, 0.24, 0.2, 0.14, 0.06))
    field = _choose(rng, pixels)
    scene = Scene.empty(field.view, light)
    paint_sky(scene, rng)
    if rng.random() < 0.55:  # Hallasan
        paint_range(
            scene,
            rng,
            z=3000,
            top=float(rng.uniform(260, 480)) / field.view.focal,
            colour=vary(rng, rgb("#5c7285")),
            peak=float(rng.uniform(0.1, 0.9)),
        )
    paint_range(scene, rng, z=420, top=float(rng.uniform(22, 42)), colour=vary(rng, rgb("#4d6a45")), cells=9)
    cos, sin = np.float32(np.cos(field.turn)), np.float32(np.sin(field.turn))
    ox = float(rng.uniform(0, 512))
    curve = float(rng.uniform(0, 7))

    def land(x: Field, z: Field) -> Field:
        waves = sample_smooth(tile(1), x * 0.9 + ox, z * 0.9) - np.float32(0.5)
        fall = np.clip(z / 40, 0, 1)
        return np.asarray(waves * field.hill * 2.2 * fall, np.float32)

    def row_at(x: Field, z: Field) -> Field:
        bend = sample_smooth(tile(2), x * 0.8, z * 0.8 + ox) - np.float32(0.5)
        phase: Field = ((x * cos + z * sin + bend * curve) / field.spacing).astype(np.float32)
        return phase

    grids: dict[str, Field] = {}

    def height_at(x: Field, z: Field) -> Field:
        phase = row_at(x, z)
        part = phase - np.floor(phase)
        bump = 1 - (2 * np.abs(part - 0.5) / 0.84) ** 4
        tuft = sample(leaves(0), x * 52, z * 52) - np.float32(0.5)
        inside = smoothstep(field.end + 3, field.end, z + 6 * (sample_smooth(tile(3), x * 3, z * 3) - 0.5))
        grids["part"], grids["inside"], grids["row"] = part, inside, np.floor(phase)
        soft = np.clip(30 / z, 0.25, 1)
        grids["land"] = land(x, z)
        shape = np.clip(bump, 0, 1) ** 0.6 * field.bush + tuft * 0.16 * soft * (bump > 0)
        return np.asarray(grids["land"] + np.clip(shape, 0, None) * inside, np.float32)

    depths = slices(1.6, 420, 330)
    relief, x, z, heights = cast_relief(field.view, depths, height_at)
    _paint_bushes(scene, rng, relief, surface=(x, z, heights), grids=grids, field=field)
    if field.museum:
        ground = float(land(np.zeros((1, 1), np.float32), np.full((1, 1), field.museum, np.float32))[0, 0])
        paint_museum(scene, rng, field.museum, ground)
    else:
        _paint_edge_trees(scene, rng, field, land)
    if rng.random() < 0.55:
        spot = float(rng.uniform(7, 22))
        ground = float(land(np.zeros((1, 1), np.float32), np.full((1, 1), spot, np.float32))[0, 0])
        paint_people(scene, rng, count=int(rng.integers(1, 5)), ground=ground + 0.35, z_range=(spot, spot + 9))
    return scene


def _paint_edge_trees(scene: Scene, rng: np.random.Generator, field: TeaField, land: object) -> None:
    colour = leaf_colour(rng, scene.light)
    count = int(rng.integers(0, 8))
    for z in sorted(rng.uniform(field.end * 0.95 + 5, field.end * 1.4 + 10, count), reverse=True):
        x = float(rng.uniform(-0.6, 0.6) * z / field.view.focal)
        paint_tree(scene, rng, (x, 0.0, float(z)), float(rng.uniform(6, 11)), vary(rng, colour, 0.1))


def _paint_bushes(
    scene: Scene,
    rng: np.random.Generator,
    relief: Relief,
    *,
    surface: tuple[Field, Field, Field],
    grids: dict[str, Field],
    field: TeaField,
) -> None:
    light = scene.light
    patch = relief.rows
    relief = relief.cut(patch)
    across, along = slopes(*surface)
    limit = np.float32(2.2)
    facing = relief.blend(facing_sun(light, np.clip(across, -limit, limit), np.clip(along, -limit, limit)))
    part = relief.pick(grids["part"])
    inside = relief.blend(grids["inside"])
    lift = np.clip((relief.y - relief.blend(grids["land"])) / field.bush, 0, 1.2)
    ox = float(rng.uniform(0, 512))
    texture = sample(leaves(0), relief.x * 46 + ox, relief.z * 46 + relief.y * 40)
    fine = sample(leaves(1), relief.x * 17, relief.z * 17 + ox)
    near = np.clip(14 / relief.z, 0, 1)
    texture = texture * near + (0.25 + 0.5 * fine) * (1 - near)
    patchy = sample_smooth(tile(0), relief.x * 4 + ox, relief.z * 4)
    cloud = smoothstep(0.36, 0.58, sample_smooth(tile(1), relief.x * 1.1 + ox, relief.z * 1.1 + ox)) * 0.62 + 0.38
    deep, green, young = {
        "spring": ("#1f4a22", "#5d9436", "#b5d05a"),
        "summer": ("#173f20", "#3f7f30", "#8dbb48"),
        "autumn": ("#1d3f22", "#4d7a34", "#93a548"),
        "winter": ("#1c3a24", "#426836", "#7b8f4a"),
    }[light.season]
    low, body, tip = vary(rng, rgb(deep), 0.1), vary(rng, rgb(green), 0.1), vary(rng, rgb(young), 0.1)
    tips = smoothstep(0.45, 0.95, lift * 0.75 + texture * 0.45) * (0.55 + 0.6 * patchy)
    albedo = low + (body - low) * smoothstep(0.1, 0.7, lift * 0.8 + texture * 0.3)[..., None]
    albedo = albedo + (tip - albedo) * np.clip(tips, 0, 1)[..., None]
    albedo = albedo * (0.55 + 0.75 * texture)[..., None]
    soil = mix(vary(rng, rgb("#4a382a")), rgb("#3d5a2c"), 0.35)
    lawn = mix(body, rgb("#a8b060"), 0.4 if light.season != "winter" else 0.75)
    path = smoothstep(0.16, 0.03, lift) * smoothstep(0.2, 0.5, inside)
    albedo = albedo + (soil - albedo) * (path * 0.8)[..., None]
    grass = lawn * (0.7 + 0.5 * fine)[..., None] * (0.8 + 0.4 * patchy)[..., None]
    albedo = grass + (albedo - grass) * inside[..., None]
    valley = 0.25 + 0.75 * smoothstep(0.0, 0.75, lift + (1 - inside))
    if light.snow:
        white = smoothstep(0.35, 0.9, lift * 0.8 + texture * 0.5 + (1 - inside)) * light.snow
        albedo = albedo + (rgb("#eef2f8") - albedo) * white[..., None]
    # Rows are alternately in their neighbour's shade when the sun is low.
    beside = np.abs(float(light.sun[0])) * (1 - float(light.sun[1]))
    own = 1 - 0.55 * beside * smoothstep(0.6, 0.2, lift) * inside
    del part
    colour = light.shade(albedo, facing * cloud * own * valley, (0.35 + 0.65 * valley) * 1.05)
    if light.sun[2] > 0.2:  # against the light the leaves glow
        through = tips * inside * float(light.sun[2]) * 0.25
        colour = colour + tip * light.sun_rgb * (through * cloud)[..., None]
    colour = scene.hazed(colour, relief.z)
    scene.over(colour, relief.seen.astype(np.float32), patch)
    scene.depth[patch] = np.where(relief.seen, relief.z, scene.depth[patch])
