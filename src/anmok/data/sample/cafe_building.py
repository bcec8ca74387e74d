"""The cafe's house: a long box of mirror panels, a white upper storey set back, a roof terrace."""

from __future__ import annotations

import numpy as np

from anmok.data.sample.light import Colour, mix, rgb, vary
from anmok.data.sample.noise import Field, sample, sample_smooth, smoothstep, tile
from anmok.data.sample.solids import FacePainter, Point, face_light, paint_slab, paint_wall
from anmok.data.sample.view import Scene


def paint_building(scene: Scene, rng: np.random.Generator, corner: Point, yaw: float, world: Colour) -> None:
    """Paint the house with its nearest corner at `corner`, turned by `yaw` radians.

    `world` is the (pixels, pixels, 3) picture that its mirrors show, with the horizon where the scene has it.
    """
    length, depth = float(rng.uniform(13, 20)), float(rng.uniform(8, 12))
    height = float(rng.uniform(4.6, 6.4))
    x, y, z = corner
    # Both visible sides run away from the nearest corner, one to the left, one to the right.
    turn = abs(yaw)
    ahead = (float(np.cos(turn)), float(np.sin(turn)))
    aside = (-float(np.sin(turn)), float(np.cos(turn)))
    if yaw < 0:
        ahead, aside = (-ahead[0], ahead[1]), (-aside[0], aside[1])
    shift = -ahead[0] * length * 0.5 - aside[0] * depth * 0.5
    x += shift
    a: Point = (x, y, z)
    b: Point = (x + ahead[0] * length, y, z + ahead[1] * length)
    d: Point = (x + aside[0] * depth, y, z + aside[1] * depth)
    c: Point = (b[0] + d[0] - a[0], y, b[2] + d[2] - a[2])
    house = _Mirrors(scene, rng, world)
    upper = rng.random() < 0.65
    plaster = mix(vary(rng, rgb("#d9d6cf"), 0.06), rgb("#b8b0a4"), float(rng.uniform(0, 0.6)))
    normal_front, normal_side = _outward(a, b, d), _outward(a, d, b)
    if upper:
        inset, rise = float(rng.uniform(1.2, 3.0)), float(rng.uniform(2.6, 3.4))
        share_from, share_to = float(rng.uniform(0.05, 0.4)), float(rng.uniform(0.65, 0.98))
        e = _between(a, b, d, share_from, inset / depth)
        f = _between(a, b, d, share_to, inset / depth)
        g = _between(a, b, d, share_from, 0.95)
        h = _between(a, b, d, share_to, 0.95)
        base = y + height
        paint_wall(scene, f, h, rise, _plaster(scene, rng, plaster, normal_side), base=base)
        paint_wall(scene, e, f, rise, _windows(scene, rng, plaster, normal_front, world), base=base)
        paint_wall(scene, e, g, rise, _plaster(scene, rng, plaster, normal_side), base=base)
    frame = mix(rgb("#3a3d42"), rgb("#a8acb0"), float(rng.random()))
    paint_wall(scene, a, b, height, house.side(a, b, frame, normal_front))
    paint_wall(scene, a, d, height, house.side(a, d, frame, normal_side))
    # Roof edge and plinth draw the lines that hold the mirrors together.
    for wall, normal in (((a, b), normal_front), ((a, d), normal_side)):
        paint_wall(scene, *wall, 0.32, _plaster(scene, rng, frame * np.float32(1.2), normal), base=y + height)
        paint_wall(scene, *wall, 0.28, _plaster(scene, rng, rgb("#55524e"), normal), base=y)
    if scene.view.height > y + height + 0.35:
        top = y + height + 0.32
        slab = tuple((px, top, pz) for px, _, pz in (a, b, c, d))
        paint_slab(scene, (slab[0], slab[1], slab[2], slab[3]), rgb("#a39d94") * face_light(scene.light, (0, 1, 0)))


def _outward(a: Point, b: Point, other: Point) -> tuple[float, float, float]:
    """Level unit normal of the wall a-b on the side away from `other`."""
    nx, nz = b[2] - a[2], -(b[0] - a[0])
    if nx * (other[0] - a[0]) + nz * (other[2] - a[2]) > 0:
        nx, nz = -nx, -nz
    size = float(np.hypot(nx, nz))
    return nx / size, 0.0, nz / size


def _between(a: Point, b: Point, d: Point, along: float, inward: float) -> Point:
    return (
        a[0] + (b[0] - a[0]) * along + (d[0] - a[0]) * inward,
        a[1],
        a[2] + (b[2] - a[2]) * along + (d[2] - a[2]) * inward,
    )


def _plaster(scene: Scene, rng: np.random.Generator, colour: Colour, normal: tuple[float, float, float]) -> FacePainter:
    lit = colour * face_light(scene.light, normal)
    offset = float(rng.uniform(0, 512))

    def painter(along: Field, up: Field) -> Colour:
        stain = sample(tile(1), along * 20 + offset, up * 9)
        face: Colour = lit * (0.85 + 0.3 * stain)[..., None]
        return face

    return painter


def _windows(
    scene: Scene,
    rng: np.random.Generator,
    colour: Colour,
    normal: tuple[float, float, float],
    world: Colour,
) -> FacePainter:
    lit = colour * face_light(scene.light, normal)
    glow = rgb("#ffd08a") * np.float32(0.10 + 1.6 * scene.light.dark)
    sky = world[: max(int(scene.view.horizon * scene.view.pixels * 0.7), 1)].mean(axis=(0, 1))
    pitch = float(rng.uniform(1.4, 2.6))

    def painter(along: Field, up: Field) -> Colour:
        part = (along / pitch) % 1.0
        pane = (part > 0.09) & (part < 0.91) & (up > 0.5) & (up < 2.3)
        room = 0.5 + sample(tile(2), np.floor(along / pitch) * 91, np.zeros_like(up))
        glass = sky * (0.35 + 0.12 * up)[..., None] + glow * room[..., None]
        return np.where(pane[..., None], glass, lit * (1 + 0 * up)[..., None]).astype(np.float32)

    return painter


class _Mirrors:
    """Mirror walls: square panels, each tilted by a hair, over whatever light burns inside."""

    def __init__(self, scene: Scene, rng: np.random.Generator, world: Colour) -> None:
        self.scene, self.world = scene, world
        self.panel = float(rng.uniform(1.2, 1.9))
        self.uneven = float(rng.uniform(2, 9)) * scene.view.pixels / 320
        self.offset = float(rng.uniform(0, scene.view.pixels))
        self.table = rng.random((3, 32, 32), dtype=np.float32)
        # Some days the ground floor is clear glass and the mirrors begin above it.
        self.clear = float(rng.choice([0.0, 2.7]))

    def _room(self, along: Field, up: Field) -> Field:
        """How bright the room behind the glass is: guests and tables below, lamps under two ceilings."""
        storey = up % 2.9
        guests = sample_smooth(tile(1), along * 34 + self.offset, storey * 22)
        crowd = smoothstep(0.46, 0.56, guests + 0.16 - 0.16 * storey) * smoothstep(1.2, 1.9, 3.1 - storey)
        lamp = np.exp(-((((along / 1.35) % 1.0 - 0.5) / 0.09) ** 2) - ((storey - 2.15) / 0.16) ** 2)
        ceiling = 0.35 * smoothstep(2.5, 2.6, storey) * (storey < 2.82)
        wall = 0.35 + 0.5 * sample_smooth(tile(2), along * 9, up * 12) + 0.2 * smoothstep(0.3, 2.2, storey)
        bright: Field = wall * (1 - 0.72 * crowd) * (1 - 0.55 * (storey > 2.82)) + 1.6 * lamp + ceiling
        return bright

    def side(self, left: Point, right: Point, frame: Colour, normal: tuple[float, float, float]) -> FacePainter:
        """Give the painter of the wall that runs from `left` to `right`."""
        view, light = self.scene.view, self.scene.light
        dx, dz = right[0] - left[0], right[2] - left[2]
        length = float(np.hypot(dx, dz))
        bar = frame * face_light(light, normal)
        glow = rgb("#ffc67e") * np.float32(0.06 + 1.5 * light.dark)

        def painter(along: Field, up: Field) -> Colour:
            z = np.maximum(left[2] + along / length * dz, 0.3)
            x = left[0] + along / length * dx
            row = (view.horizon + (view.height - left[1] - up) * view.focal / z) * view.pixels
            column = (0.5 + x * view.focal / z) * view.pixels
            cell = ((along / self.panel).astype(np.int32) & 31) * 32 + ((up / self.panel).astype(np.int32) & 31)
            tilt_r = (self.table[0].ravel()[cell] - 0.5) * 2 * self.uneven
            tilt_c = (self.table[1].ravel()[cell] - 0.5) * 5 * self.uneven
            r = np.clip(row + tilt_r, 0, view.pixels - 1).astype(np.int32)
            c = ((column * 0.8 + self.offset + tilt_c + along * 3).astype(np.int32)) % view.pixels
            tone = 0.78 + 0.2 * self.table[2].ravel()[cell]
            mirrored = self.world[r, c] * tone[..., None]
            inside = glow * self._room(along, up)[..., None]
            see_in = 0.12 + 0.55 * light.dark + 0.35 * (up < self.clear)
            face = mirrored * (1 - see_in)[..., None] + inside * np.minimum(see_in * 1.6, 1)[..., None]
            px, py = (along / self.panel) % 1.0, (up / self.panel) % 1.0
            rim = np.minimum(np.minimum(px, 1 - px), np.minimum(py, 1 - py)) < 0.028
            door = (up < 2.4) & (np.abs(along - length * 0.55) < 0.9)
            face = np.where(door[..., None], inside * 0.9 + mirrored * np.float32(0.2), face)
            return np.where(rim[..., None], bar, face).astype(np.float32)

        return painter
