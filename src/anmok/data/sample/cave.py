"""Manjanggul: a lava tube lit by lamps along the floor, its stone pillar, and the way in from daylight."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anmok.data.sample.foliage import leaf_colour, leaf_texture, paint_crown
from anmok.data.sample.light import Colour, draw_light, mix, rgb, vary
from anmok.data.sample.noise import Field, sample, sample_smooth, smoothstep, tile
from anmok.data.sample.people import paint_people
from anmok.data.sample.view import Scene, View


@dataclass(frozen=True)
class Tube:
    """Shape of the tube around the eye, in metres."""

    half_width: float
    above: float  # from the axis to the ceiling
    floor: float  # from the axis to the floor
    swing: float  # how far the axis swings sideways
    period: float
    phase: float
    axis: float  # height of the axis above the eye

    def middle(self, z: Field) -> Field:
        """Sideways place of the axis at depth z."""
        swung: Field = self.swing * (np.sin(z / self.period + self.phase) - np.float32(np.sin(self.phase)))
        return swung.astype(np.float32)


@dataclass(frozen=True)
class Lamp:
    """A lamp: place in metres, linear colour times strength."""

    x: float
    y: float
    z: float
    colour: Colour


def paint_cave(rng: np.random.Generator, pixels: int) -> Scene:
    """Paint one view inside the tube."""
    kind = rng.choice(["walk", "pillar", "mouth", "low"], p=[0.46, 0.22, 0.2, 0.12])
    light = draw_light(rng, weathers=(0.4, 0.35, 0.25, 0, 0, 0))  # no rain falls in here
    eye = float(rng.uniform(1.2, 1.9) if kind != "low" else rng.uniform(0.4, 0.8))
    half = float(rng.uniform(2.6, 6.0))
    above = float(rng.uniform(0.45, 0.85) * half + 0.8)
    floor = float(rng.uniform(0.25, 0.5) * half)
    tube = Tube(
        half,
        above,
        floor,
        float(rng.uniform(0, 2.4)),
        float(rng.uniform(8, 16)),
        float(rng.uniform(0, 6.3)),
        floor - eye,
    )
    view = View(pixels, float(rng.uniform(0.65, 1.1)), float(rng.uniform(0.4, 0.64)), 0.0)
    scene = Scene.empty(view, light)
    x, y, z, on_floor, angle = _intersect(rng, tube, view)
    end = float(rng.uniform(16, 34)) if kind == "mouth" else 1e9
    lamps = _hang_lamps(rng, tube, eye, kind)
    _paint_rock(scene, rng, tube, eye=eye, place=(x, y, z, angle), on_floor=on_floor, lamps=lamps, end=end)
    outside = z > end
    if kind == "mouth":
        _paint_outside(scene, rng, outside)
    scene.depth[:] = np.where(outside, 1e6, z)
    if kind == "pillar":
        _paint_pillar(scene, rng, tube, eye)
    if rng.random() < 0.85 or kind == "mouth":
        _paint_puddles(scene, rng, x, z, on_floor & ~outside)
    for lamp in lamps:
        if 2.0 < lamp.z < 40 and lamp.colour.max() > 0:
            _paint_glow(scene, lamp)
    if rng.random() < 0.5:
        near = float(rng.uniform(5, 12))
        paint_people(scene, rng, count=int(rng.integers(1, 5)), ground=-eye, z_range=(near, near + 8), dim=True)
    # A long exposure: the camera lifts the cave to about the brightness of a dull day.
    return scene


def _intersect(
    rng: np.random.Generator, tube: Tube, view: View
) -> tuple[Field, Field, Field, NDArray[np.bool_], Field]:
    tx = np.broadcast_to((view.u - 0.5) / view.focal, (view.pixels, view.pixels))
    ty = np.broadcast_to((view.horizon - view.v) / view.focal, (view.pixels, view.pixels))
    rough = tile(int(rng.integers(0, 4)))
    offset = float(rng.uniform(0, 512))
    z = np.full(tx.shape, 8, np.float32)
    bulge: Field | float = 1.0
    angle = np.zeros_like(z)
    for turn in range(4):
        middle = tube.middle(z)
        rx, ry = tube.half_width * bulge, tube.above * bulge
        a = (tx / rx) ** 2 + (ty / ry) ** 2 + 1e-5
        b = tx * middle / rx**2 + ty * tube.axis / ry**2
        c = (middle / rx) ** 2 + (tube.axis / ry) ** 2 - 1
        z = np.clip((b + np.sqrt(np.clip(b * b - a * c, 0, None))) / a, 0.4, 70).astype(np.float32)
        if turn >= 1:
            angle = np.arctan2(ty * z - tube.axis, tx * z - tube.middle(z))
            bulge = 1 + 0.55 * (sample_smooth(rough, angle * 26 + offset, z * 9) - np.float32(0.5))
    floor_level = tube.axis - tube.floor
    unevenness = (sample_smooth(rough, tx * z * 14, z * 14 + offset) - np.float32(0.5)) * 0.5
    z_floor = np.where(ty < -1e-3, (floor_level + unevenness) / np.minimum(ty, -1e-3), 1e6)
    on_floor = z_floor < z
    z = np.where(on_floor, np.clip(z_floor, 0.4, 70), z).astype(np.float32)
    return tx * z, ty * z, z, on_floor, angle


def _hang_lamps(rng: np.random.Generator, tube: Tube, eye: float, kind: str) -> list[Lamp]:
    codes = ["#ffbe74", "#ffd8a6", "#ffa860", "#fff0d8", "#dff0ff", "#ffcb90"]
    tint = mix(vary(rng, rgb(str(rng.choice(codes))), 0.15), rgb("#f4ead8"), float(rng.uniform(0, 0.5)))
    second = rgb(str(rng.choice(["#7fd8a0", "#6fa8ff", "#ff8f6a", "#c890ff"]))) if rng.random() < 0.22 else tint
    lamps: list[Lamp] = []
    z = float(rng.uniform(2.0, 6.0))
    gap = float(rng.uniform(4.0, 8.5))
    hand = 1.0 if rng.random() < 0.5 else -1.0
    both = rng.random() < 0.35
    while z < 44 and len(lamps) < 9:
        for side in (hand, -hand) if both else (hand,):
            middle = float(tube.middle(np.array(z, np.float32)))
            power = rng.uniform(2.2, 4.2) * (0.55 if kind == "mouth" else 1.0)
            colour = (second if len(lamps) % 3 == 2 else tint) * np.float32(power)
            lamps.append(Lamp(middle + side * tube.half_width * 0.72, -eye + 0.35, z, colour))
        if not both:
            hand = -hand
        z += gap * float(rng.uniform(0.8, 1.25))
    if rng.random() < 0.3:  # the viewer's own torch or flash
        lamps.append(Lamp(0.2, 0.1, 0.0, rgb("#f4f4ff") * np.float32(rng.uniform(3, 8))))
    return lamps


def _paint_rock(
    scene: Scene,
    rng: np.random.Generator,
    tube: Tube,
    *,
    eye: float,
    place: tuple[Field, Field, Field, Field],
    on_floor: NDArray[np.bool_],
    lamps: list[Lamp],
    end: float,
) -> None:
    x, y, z, angle = place
    ox = float(rng.uniform(0, 512))
    coarse, fine = tile(int(rng.integers(0, 4))), tile(3, cells=16, octaves=5, gain=0.7)
    around = np.where(on_floor, x * 30, angle * 90) + ox
    along = z * 30
    here = sample_smooth(coarse, around, along) + 0.5 * sample(fine, around * 3, along * 3)
    relief_a = here - sample_smooth(coarse, around + 5, along) - 0.5 * sample(fine, around * 3 + 6, along * 3)
    relief_z = here - sample_smooth(coarse, around, along + 5) - 0.5 * sample(fine, around * 3, along * 3 + 6)
    # Flow lines: old levels of the lava, left along the walls.
    height = y + eye
    level = height + 0.25 * (sample_smooth(coarse, z * 6, height * 4) - np.float32(0.5))
    lines = sample(tile(2), np.broadcast_to(np.float32(40), z.shape) + z * 1.5, level * float(rng.uniform(50, 100)))
    wall = np.where(on_floor, 0, 1).astype(np.float32)
    shelf = smoothstep(0.40, 0.66, lines)
    middle = tube.middle(z)
    nx = np.where(on_floor, 0, -(x - middle) / tube.half_width**2)
    ny = np.where(on_floor, 1 / tube.half_width, -(y - tube.axis) / tube.above**2)
    norm = np.sqrt(nx * nx + ny * ny) + 1e-6
    bump = np.float32(3.4)
    nx, ny = nx / norm, ny / norm
    tangent_x, tangent_y = ny, -nx
    nx = nx + tangent_x * relief_a * bump
    ny = ny + tangent_y * relief_a * bump + wall * (shelf - 0.5) * 1.0
    nz = relief_z * bump - 0.12
    norm = np.sqrt(nx * nx + ny * ny + nz * nz) + 1e-6
    nx, ny, nz = nx / norm, ny / norm, nz / norm
    received = np.zeros_like(scene.rgb)
    for lamp in lamps:
        lx, ly, lz = lamp.x - x, lamp.y - y, lamp.z - z
        nearness = 1 / (lx * lx + ly * ly + lz * lz + np.float32(0.5))
        lx *= nx
        ly *= ny
        lz *= nz
        lx += ly
        lx += lz
        lx *= np.sqrt(nearness)
        fall = np.maximum(lx * 0.85 + 0.15, 0) * nearness
        for channel in range(3):
            received[..., channel] += fall * lamp.colour[channel]
    if end < 1e8:  # daylight from the mouth
        day = scene.light.ambient * 2.2 + scene.light.sun_rgb * np.float32(0.5)
        gap = np.clip(end - z, 0.3, None)
        falls = np.clip(nz * 0.7 + ny * 0.25 + 0.25, 0.05, None) * 7 / (gap * gap * 0.16 + 5)
        received += falls[..., None] * day
    hollow = smoothstep(0.25, 0.75, here / 1.5)
    base = vary(rng, rgb("#6b5f55"), 0.15)
    warm, pale = vary(rng, rgb("#8a6a48")), vary(rng, rgb("#a89f92"))
    stain = sample_smooth(tile(1), around * 0.35 + ox, along * 0.25)
    albedo = base + (warm - base) * smoothstep(0.42, 0.72, stain)[..., None]
    albedo = albedo + (pale - albedo) * (smoothstep(0.60, 0.85, stain) * wall * 0.7)[..., None]
    albedo = albedo * ((0.45 + 0.75 * hollow) * (1 - wall * 0.38 * (1 - shelf)))[..., None]
    albedo = np.where(on_floor[..., None], albedo * np.float32(0.8), albedo)
    scene.rgb[:] = albedo * (received + rgb("#404a5c") * np.float32(0.035))


def _paint_outside(scene: Scene, rng: np.random.Generator, outside: NDArray[np.bool_]) -> None:
    if not outside.any():
        return
    light, side = scene.light, scene.view.pixels
    rows, columns = np.nonzero(outside)
    top, bottom = rows.min(), rows.max() + 1
    share = ((np.arange(side, dtype=np.float32) - top) / max(bottom - top, 1))[:, None]
    shine = np.float32(1.0 + 0.9 * (1 - light.dark))
    sky = light.horizon * shine
    green = leaf_colour(rng, light) * (light.ambient + light.sun_rgb * np.float32(0.5))
    leafage = leaf_texture(rng, side, side, 2.0 * 320 / side)[..., None] * np.float32(1.3) + np.float32(0.15)
    blend = smoothstep(0.25, 0.6, share + 0.3 * (tile(1)[:side, :side] - 0.5) if side <= 512 else share)
    view = sky + (green * leafage - sky) * np.broadcast_to(blend, (side, side))[..., None]
    scene.rgb[:] = np.where(outside[..., None], view, scene.rgb)
    scene.depth[:] = np.where(outside, 1e6, 0)
    colour = leaf_colour(rng, light)
    span = columns.max() - columns.min() + 1
    for _ in range(int(rng.integers(5, 12))):  # ferns around the mouth, then the rim of rock hides the rest
        cx = rng.uniform(columns.min(), columns.max())
        cy = rng.uniform(top + 0.2 * (bottom - top), bottom)
        size = span * rng.uniform(0.07, 0.16)
        paint_crown(scene, rng, (cx, cy), (size * 1.2, size), vary(rng, colour, 0.15), z=30.0)


def _paint_pillar(scene: Scene, rng: np.random.Generator, tube: Tube, eye: float) -> None:
    view = scene.view
    z = float(rng.uniform(4.5, 9.0))
    centre = float(tube.middle(np.array(z, np.float32))) + float(rng.uniform(-0.5, 0.5))
    girth = float(rng.uniform(0.45, 0.85)) * min(tube.half_width / 3.5, 1.3)
    x = (view.u - 0.5) / view.focal * z
    y = (view.horizon - view.v) / view.focal * z + eye  # above the floor
    top = tube.axis + eye + tube.above
    share = np.clip(y / top, 0, 1)
    offset = float(rng.uniform(0, 512))
    wobble = sample_smooth(tile(1), np.full_like(y, 9.0) + offset, y * 40) - np.float32(0.5)
    flare = 1 + 1.6 * np.exp(-share * 7) + 1.1 * np.exp(-(1 - share) * 8) + wobble * 0.7
    off = x - centre - wobble * 0.5
    radius = girth * flare
    across = off / radius
    mask = np.clip((1 - np.abs(across)) * radius * view.scale(z) + 0.5, 0, 1)
    mask = mask * smoothstep(0.0, 0.12, y + 0.45 * np.abs(across) * wobble + 0.10 * wobble)
    turn = np.arcsin(np.clip(across, -1, 1)).astype(np.float32)
    drip = sample_smooth(tile(2), turn * 60 + offset, np.broadcast_to(y * 16, turn.shape))
    knot = sample(tile(3, cells=16, octaves=5, gain=0.7), turn * 90 + offset, np.broadcast_to(y * 90, turn.shape))
    shape = drip - sample_smooth(tile(2), turn * 60 + offset + 6, np.broadcast_to(y * 16 + 3, turn.shape))
    hand = float(rng.choice([-1.0, 1.0]))
    side_light = np.clip(np.sin(turn) * hand * 0.6 + np.cos(turn) * 0.45 + shape * 2.6, 0, None)
    reach = np.exp(-share * float(rng.uniform(0.5, 1.5)))
    tint = vary(rng, rgb(str(rng.choice(["#ffc27a", "#ffe3b8", "#ffb066", "#e8f2ff"]))), 0.1)
    back = rgb(str(rng.choice(["#5f7fc8", "#ff9a5a", "#6fae7c", "#806a9a"]))) * np.float32(0.35)
    rim = np.clip(-np.sin(turn) * hand, 0, 1) ** 2
    stone = mix(vary(rng, rgb("#84705c")), rgb("#a89a88"), 0.3)
    lit = tint * (side_light * reach * 1.5)[..., None] + back * rim[..., None] + np.float32(0.015)
    colour = stone * (0.4 + 0.7 * drip + 0.35 * knot)[..., None] * lit
    scene.over(colour, mask.astype(np.float32))
    scene.depth[:] = np.where(mask > 0.5, z, scene.depth)
    # Its lamp also lights the ground around its foot.
    foot_x, foot_y = view.project(centre, -eye, z)
    columns = (view.u * view.pixels - foot_x) / (girth * 4.5 * view.scale(z))
    rows = (view.v * view.pixels - foot_y) / (girth * 1.5 * view.scale(z))
    pool = np.exp(-(columns**2 + rows**2)) * (1 - mask)
    scene.rgb += scene.rgb * (pool * 1.6)[..., None] + (tint * stone * np.float32(0.10)) * pool[..., None]


def _paint_puddles(scene: Scene, rng: np.random.Generator, x: Field, z: Field, on_floor: NDArray[np.bool_]) -> None:
    side = scene.view.pixels
    offset = float(rng.uniform(0, 512))
    spread = sample_smooth(tile(1), x * 18 + offset, z * 12)
    amount = float(rng.uniform(0.46, 0.6))
    wet = smoothstep(amount, amount + 0.06, spread) * on_floor
    ripple = sample(tile(3, cells=16, octaves=5, gain=0.7), x * 60, z * 60) - np.float32(0.5)
    row = np.arange(side, dtype=np.float32)[:, None]
    mirror = scene.view.horizon * side
    reach = np.clip(2 * mirror - row + ripple * 0.05 * side, 0, side - 1).astype(np.int32)
    column = np.clip(np.arange(side)[None, :] + ripple * 0.03 * side, 0, side - 1).astype(np.int32)
    mirrored = scene.rgb[reach, column]
    shine = scene.rgb * np.float32(0.45) + mirrored * np.float32(0.75)
    scene.over(shine, (wet * 0.85).astype(np.float32))


def _paint_glow(scene: Scene, lamp: Lamp) -> None:
    view = scene.view
    cx, cy = view.project(lamp.x, lamp.y, lamp.z)
    if not (-20 < cx < view.pixels + 20 and -20 < cy < view.pixels + 20):
        return
    column, row = int(np.clip(cx, 0, view.pixels - 1)), int(np.clip(cy, 0, view.pixels - 1))
    if scene.depth[row, column] < lamp.z - 1.2:
        return
    size = 0.07 * view.scale(lamp.z) + 0.7
    square = (view.u * view.pixels - cx) ** 2 + (view.v * view.pixels - cy) ** 2
    near = np.exp(-square / (2 * size * size)) * 1.0 + np.exp(-square / (2 * (size * 4) ** 2)) * 0.035
    scene.rgb += near[..., None] * lamp.colour
