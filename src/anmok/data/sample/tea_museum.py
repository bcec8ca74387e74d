"""The museum at O'sulloc: a round stone tower like a cup, a low glass hall, and a garden around them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anmok.data.sample.foliage import leaf_colour, paint_crown, paint_tree
from anmok.data.sample.light import mix, rgb, vary
from anmok.data.sample.noise import Field, sample, tile
from anmok.data.sample.solids import face_light, paint_drum, paint_slab, paint_wall
from anmok.data.sample.view import Scene


def paint_museum(scene: Scene, rng: np.random.Generator, z: float, ground: float) -> None:
    """Paint the museum at depth `z` on `ground` metres."""
    light = scene.light
    x = float(rng.uniform(-0.22, 0.22) * z / scene.view.focal)
    side = float(rng.choice([-1.0, 1.0]))
    stone = vary(rng, rgb("#b9aa92"), 0.1)
    timber = vary(rng, rgb("#5c4331"), 0.1)
    glow = rgb("#ffcf8a") * np.float32(0.25 + 2.2 * light.dark)
    tall, radius = float(rng.uniform(6.5, 8.5)), float(rng.uniform(4.5, 6.0))
    hall, deep = float(rng.uniform(16, 26)), float(rng.uniform(7, 11))
    colour = leaf_colour(rng, light)
    for _ in range(int(rng.integers(3, 8))):
        paint_tree(
            scene,
            rng,
            x + float(rng.uniform(-34, 34)),
            ground,
            z + float(rng.uniform(9, 20)),
            float(rng.uniform(6, 11)),
            vary(rng, colour, 0.1),
        )

    sky = scene.rgb[: max(int(scene.view.horizon * scene.view.pixels * 0.6), 1)].mean(axis=(0, 1))

    def glass(along: Field, up: Field) -> NDArray[np.float32]:
        part = (along / 1.6) % 1.0
        bar = (np.minimum(part, 1 - part) < 0.05) | (np.abs(up - 2.9) < 0.09) | (up < 0.35)
        shimmer = sample(tile(2), along * 14, up * 30)
        mirror = sky * (0.35 + 0.5 * shimmer + 0.05 * up)[..., None]
        inner = glow * (0.3 + 0.5 * np.clip(1.2 - np.abs(up - 1.8) * 0.4, 0, 1) + 0.3 * shimmer)[..., None]
        pane = mirror * np.float32(1 - 0.6 * light.dark) + inner
        frame = timber * face_light(light, (0, 0, -1)) * np.float32(0.9)
        return np.where(bar[..., None], frame, pane).astype(np.float32)

    def boards(along: Field, up: Field) -> NDArray[np.float32]:
        lath = 0.75 + 0.25 * np.sin(along * 9) + 0.25 * (sample(tile(3), along * 60, up * 8) - 0.5)
        shade = 1 - 0.35 * np.clip((up - 2.6) / 1.4, 0, 1)
        face: NDArray[np.float32] = timber * face_light(light, (-side * 0.9, 0, -0.4)) * (lath * shade)[..., None]
        return face

    def roof_edge(along: Field, up: Field) -> NDArray[np.float32]:
        tone = 0.9 + 0.2 * (sample(tile(1), along * 30, up * 30) - 0.5)
        face: NDArray[np.float32] = mix(stone, rgb("#e8e2d4"), 0.5) * face_light(light, (0, 0, -1)) * tone[..., None]
        return face

    def cup(angle: Field, up: Field, facing: Field) -> NDArray[np.float32]:
        row = np.floor(up / 0.42)
        block = sample(tile(3), np.floor(angle * radius / 0.9 + (row % 2) * 0.5) * 37, row * 53)
        seam = ((up / 0.42) % 1.0 < 0.12) * 0.16
        albedo = stone * (0.82 + 0.4 * block - seam)[..., None]
        lit = light.shade(albedo.astype(np.float32), facing, np.full_like(up, 0.75))
        window = (np.abs(up - tall * 0.80) < 0.55) | ((np.abs(up - 1.3) < 1.1) & (np.abs(angle - 0.2 * side) < 0.34))
        bars = (angle * 7) % 1.0 < 0.10
        pane = sky * np.float32(0.45) + glow * np.float32(0.8)
        return np.where((window & ~bars)[..., None], pane, lit).astype(np.float32)

    near, far = z, z + deep
    inner, outer = x + side * radius * 0.4, x + side * (radius + hall)
    left, right = min(inner, outer), max(inner, outer)
    paint_drum(scene, (x, ground, z + 1.5), radius, tall, cup)
    _paint_lid(scene, x, ground + tall, z + 1.5, radius * 1.04, mix(stone, rgb("#d8d4c8"), 0.5))
    paint_wall(scene, (left, ground, near), (right, ground, near), 4.0, glass)
    end = right if right > abs(left) or side > 0 else left
    end = outer
    paint_wall(scene, (end, ground, near), (end, ground, far), 4.0, boards)
    paint_wall(
        scene, (left - 0.9, ground, near - 0.9), (right + 0.9, ground, near - 0.9), 0.7, roof_edge, base=ground + 4.0
    )
    over = outer + side * 0.9
    paint_wall(scene, (over, ground, near - 0.9), (over, ground, far + 0.9), 0.7, roof_edge, base=ground + 4.0)
    if scene.view.height > ground + 4.9:
        paint_slab(
            scene,
            (
                (left - 0.9, ground + 4.7, near - 0.9),
                (right + 0.9, ground + 4.7, near - 0.9),
                (right + 0.9, ground + 4.7, far + 0.9),
                (left - 0.9, ground + 4.7, far + 0.9),
            ),
            rgb("#8d8a84") * face_light(light, (0, 1, 0)),
        )
    for _ in range(int(rng.integers(4, 11))):  # clipped shrubs along the walls
        bx, bz = x + float(rng.uniform(-26, 26)), near - float(rng.uniform(1.5, 5))
        px, py = scene.view.project(bx, ground + 0.35, bz)
        unit = scene.view.scale(bz)
        size = float(rng.uniform(0.5, 1.2)) * unit
        paint_crown(scene, rng, (px, py), (size * 1.3, size * 0.8), vary(rng, colour, 0.1), z=bz, ragged=0.25)
    if rng.random() < 0.5:
        tx = x - side * float(rng.uniform(7, 13))
        paint_tree(scene, rng, tx, ground, near - 3, float(rng.uniform(5, 8)), vary(rng, colour, 0.1))


def _paint_lid(scene: Scene, x: float, y: float, z: float, radius: float, stone: NDArray[np.float32]) -> None:
    view, light = scene.view, scene.light

    def rim(angle: Field, up: Field, facing: Field) -> NDArray[np.float32]:
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
