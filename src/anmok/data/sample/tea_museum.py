"""The museum at O'sulloc: a round stone tower like a cup, a low glass hall, and a garden around them."""

from __future__ import annotations

import numpy as np

from anmok.data.sample.foliage import leaf_colour, paint_crown, paint_tree
from anmok.data.sample.light import Colour, mix, rgb, vary
from anmok.data.sample.noise import Field, sample, tile
from anmok.data.sample.solids import face_light, paint_drum, paint_slab, paint_wall
from anmok.data.sample.view import Scene


def paint_museum(scene: Scene, rng: np.random.Generator, z: float, ground: float) -> None:
    """Paint the museum at depth `z` on `ground` metres."""
    reach = scene.view.scale(z) / scene.view.pixels
    x = float(rng.uniform(-0.24, 0.24)) / reach
    leaf = leaf_colour(rng, scene.light)
    for _ in range(int(rng.integers(3, 8))):  # the wood behind
        root = (x + float(rng.uniform(-34, 34)), ground, z + float(rng.uniform(9, 20)))
        paint_tree(scene, rng, root, float(rng.uniform(6, 11)), vary(rng, leaf, 0.1))
    house = _Museum(scene, rng, x=x, ground=ground, z=z)
    house.paint()
    for _ in range(int(rng.integers(4, 11))):  # clipped shrubs along the walls
        bx, bz = x + float(rng.uniform(-26, 26)), z - float(rng.uniform(1.5, 5))
        size = float(rng.uniform(0.5, 1.2)) * scene.view.scale(bz)
        place = scene.view.project(bx, ground + 0.35, bz)
        paint_crown(scene, rng, place, (size * 1.3, size * 0.8), vary(rng, leaf, 0.1), z=bz, ragged=0.25)
    if rng.random() < 0.5:
        root = (x - house.side * float(rng.uniform(7, 13)), ground, z - 3)
        paint_tree(scene, rng, root, float(rng.uniform(5, 8)), vary(rng, leaf, 0.1))


class _Museum:
    """Sizes and materials of the museum, and the painters of its faces."""

    def __init__(self, scene: Scene, rng: np.random.Generator, *, x: float, ground: float, z: float) -> None:
        self.scene, self.light = scene, scene.light
        self.x, self.ground, self.z = x, ground, z
        self.side = float(rng.choice([-1.0, 1.0]))  # the hall stands to the right or to the left of the tower
        self.tall, self.radius = float(rng.uniform(7.0, 9.5)), float(rng.uniform(4.8, 6.6))
        self.hall, self.deep = float(rng.uniform(16, 26)), float(rng.uniform(7, 11))
        self.stone = vary(rng, rgb(str(rng.choice(["#b9aa92", "#a89c8c", "#c6b8a0"]))), 0.1)
        self.timber = vary(rng, rgb("#5c4331"), 0.1)
        self.glow = rgb("#ffcf8a") * np.float32(0.16 + 1.1 * scene.light.dark)
        rows = max(int(scene.view.horizon * scene.view.pixels * 0.6), 1)
        self.sky: Colour = scene.rgb[:rows].mean(axis=(0, 1))

    def paint(self) -> None:
        """Paint the tower, then the hall before it."""
        ground, near, far = self.ground, self.z, self.z + self.deep
        pale = mix(self.stone, rgb("#d8d4c8"), 0.5)
        paint_drum(self.scene, (self.x, ground, near + 1.5), self.radius, self.tall, self._cup)
        _paint_lid(self.scene, (self.x, ground + self.tall, near + 1.5), self.radius * 1.04, pale)
        inner = self.x + self.side * self.radius * 0.4
        outer = self.x + self.side * (self.radius + self.hall)
        left, right = min(inner, outer), max(inner, outer)
        paint_wall(self.scene, (left, ground, near), (right, ground, near), 4.0, self._glass)
        paint_wall(self.scene, (outer, ground, near), (outer, ground, far), 4.0, self._boards)
        # The roof stands out over the walls on all sides.
        front, back, eaves = near - 0.9, far + 0.9, ground + 4.0
        left, right, over = left - 0.9, right + 0.9, outer + self.side * 0.9
        paint_wall(self.scene, (left, ground, front), (right, ground, front), 0.7, self._roof_edge, base=eaves)
        paint_wall(self.scene, (over, ground, front), (over, ground, back), 0.7, self._roof_edge, base=eaves)
        top = ground + 4.7
        if self.scene.view.height > top + 0.2:
            corners = ((left, top, front), (right, top, front), (right, top, back), (left, top, back))
            paint_slab(self.scene, corners, rgb("#8d8a84") * face_light(self.light, (0, 1, 0)))

    def _glass(self, along: Field, up: Field) -> Colour:
        part = (along / 1.6) % 1.0
        bar = (np.minimum(part, 1 - part) < 0.05) | (np.abs(up - 2.9) < 0.09) | (up < 0.35)
        shimmer = sample(tile(2), along * 14, up * 30)
        mirror = self.sky * (0.35 + 0.5 * shimmer + 0.05 * up)[..., None]
        room = 0.3 + 0.5 * np.clip(1.2 - np.abs(up - 1.8) * 0.4, 0, 1) + 0.5 * (shimmer - 0.3)
        pane = mirror * np.float32(1 - 0.6 * self.light.dark) + self.glow * room[..., None]
        frame = self.timber * face_light(self.light, (0, 0, -1)) * np.float32(0.9)
        return np.where(bar[..., None], frame, pane)

    def _boards(self, along: Field, up: Field) -> Colour:
        lath = 0.75 + 0.25 * np.sin(along * 9) + 0.25 * (sample(tile(3), along * 60, up * 8) - 0.5)
        shade = 1 - 0.35 * np.clip((up - 2.6) / 1.4, 0, 1)
        face: Colour = self.timber * face_light(self.light, (-self.side * 0.9, 0, -0.4)) * (lath * shade)[..., None]
        return face

    def _roof_edge(self, along: Field, up: Field) -> Colour:
        tone = 0.9 + 0.2 * (sample(tile(1), along * 30, up * 30) - 0.5)
        pale = mix(self.stone, rgb("#e8e2d4"), 0.5)
        face: Colour = pale * face_light(self.light, (0, 0, -1)) * tone[..., None]
        return face

    def _cup(self, angle: Field, up: Field, facing: Field) -> Colour:
        course = np.floor(up / 0.42)
        block = sample(tile(3), np.floor(angle * self.radius / 0.9 + (course % 2) * 0.5) * 37, course * 53)
        seam = ((up / 0.42) % 1.0 < 0.12).astype(np.float32) * np.float32(0.16)
        lit = self.light.shade(self.stone * (0.82 + 0.4 * block - seam)[..., None], facing, np.full_like(up, 0.75))
        band = np.abs(up - self.tall * 0.80) < 0.6
        door = (np.abs(up - 1.3) < 1.1) & (np.abs(angle - 0.2 * self.side) < 0.34)
        bars = (angle * 7) % 1.0 < 0.10
        pane = self.sky * np.float32(0.45) + self.glow * np.float32(0.8)
        return np.where(((band | door) & ~bars)[..., None], pane, lit)


def _paint_lid(scene: Scene, centre: tuple[float, float, float], radius: float, stone: Colour) -> None:
    view, light = scene.view, scene.light
    x, y, z = centre

    def rim(angle: Field, up: Field, facing: Field) -> Colour:
        del angle
        flat = np.broadcast_to(stone, (*up.shape, 3)).astype(np.float32)
        return light.shade(flat, facing, np.full_like(up, 0.8))

    paint_drum(scene, (x, y, z), radius, 0.55, rim)
    if view.height > y + 0.55:
        cx, cy = view.project(x, y + 0.55, z)
        rx = radius * view.scale(z)
        ry = radius * (view.height - y - 0.55) / z * view.scale(z)
        columns = (np.arange(view.pixels, dtype=np.float32) + 0.5)[None, :]
        rows = (np.arange(view.pixels, dtype=np.float32) + 0.5)[:, None]
        reach = np.sqrt(((columns - cx) / rx) ** 2 + ((rows - cy) / max(ry, 0.5)) ** 2)
        mask = (np.clip((1 - reach) * ry + 0.5, 0, 1) * (scene.depth > z - radius)).astype(np.float32)
        scene.over(scene.hazed(stone * face_light(light, (0, 1, 0)), z), mask)
