"""Buildings: flat faces in space with a depth test, each painted by a small function of its own surface."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from anmok.data.sample.light import Colour, Light
from anmok.data.sample.noise import Field
from anmok.data.sample.view import Scene

Point = tuple[float, float, float]  # x right, y up, z away, in metres
# A face painter gets metres along and up the face, both (h, w), and gives linear colour (h, w, 3).
FacePainter = Callable[[Field, Field], Colour]


def face_light(light: Light, normal: tuple[float, float, float]) -> Colour:
    """Light that falls on a flat face, (3,): multiply an albedo by it."""
    nx, ny, nz = normal
    cosine = max(float(light.sun[0] * nx + light.sun[1] * ny + light.sun[2] * nz), 0.0)
    return (light.sun_rgb * np.float32(cosine) + light.ambient * np.float32(0.62 + 0.3 * ny)).astype(np.float32)


def paint_wall(
    scene: Scene, left: Point, right: Point, height: float, painter: FacePainter, *, base: float | None = None
) -> None:
    """Paint an upright wall from the foot `left` to the foot `right`, `height` metres tall.

    Nearer things already painted stay in front. `base` replaces the height of the feet.
    """
    view = scene.view
    side = view.pixels
    y0 = left[1] if base is None else base
    corners = [view.project(px, py, max(pz, 0.3)) for px, _, pz in (left, right) for py in (y0, y0 + height)]
    columns = [c for c, _ in corners]
    rows = [r for _, r in corners]
    c0, c1 = int(np.clip(min(columns) - 1, 0, side)), int(np.clip(max(columns) + 2, 0, side))
    r0, r1 = int(np.clip(min(rows) - 1, 0, side)), int(np.clip(max(rows) + 2, 0, side))
    if c1 - c0 < 1 or r1 - r0 < 1:
        return
    tx = ((np.arange(c0, c1, dtype=np.float32) + 0.5) / side - 0.5)[None, :] / view.focal
    ty = (view.horizon - (np.arange(r0, r1, dtype=np.float32) + 0.5) / side)[:, None] / view.focal
    dx, dz = right[0] - left[0], right[2] - left[2]
    length = float(np.hypot(dx, dz))
    # The ray (tx, ty, 1) meets the vertical plane through both feet.
    below = tx * dz - dx
    along = (left[0] - tx * left[2]) / np.where(np.abs(below) < 1e-5, 1e-5, below)
    z = left[2] + along * dz
    up = view.height + ty * z - y0
    inside = (along >= 0) & (along <= 1) & (z > 0.3) & (up >= 0) & (up <= height)
    patch = (slice(r0, r1), slice(c0, c1))
    z_full = np.broadcast_to(z, up.shape)
    inside &= scene.depth[patch] > z_full
    if not inside.any():
        return
    colour = painter(np.broadcast_to(along * length, up.shape).astype(np.float32), up.astype(np.float32))
    colour = scene.hazed(colour, z_full)
    scene.rgb[patch] = np.where(inside[..., None], colour, scene.rgb[patch])
    scene.depth[patch] = np.where(inside, z_full, scene.depth[patch])


def paint_slab(scene: Scene, corners: tuple[Point, Point, Point, Point], colour: Colour) -> None:
    """Paint a level four-cornered face (a roof or a floor seen from above or below) in one colour."""
    view, side = scene.view, scene.view.pixels
    points = [view.project(*corner) for corner in corners]
    columns = np.arange(side, dtype=np.float32)[None, :] + 0.5
    rows = np.arange(side, dtype=np.float32)[:, None] + 0.5
    inside = np.full((side, side), np.inf, np.float32)
    turn = sum((points[i - 3][0] - points[i][0]) * (points[i - 3][1] + points[i][1]) for i in range(4))
    sign = -1.0 if turn > 0 else 1.0
    for i in range(4):
        (ax, ay), (bx, by) = points[i], points[i - 3]
        length = max(float(np.hypot(bx - ax, by - ay)), 1e-3)
        inside = np.minimum(inside, sign * ((columns - ax) * (by - ay) - (rows - ay) * (bx - ax)) / -length)
    # A level face at height y: depth follows from the row.
    y = corners[0][1]
    away = np.where(np.abs(rows / side - view.horizon) < 1e-4, 1e-4, rows / side - view.horizon)
    z = np.clip((view.height - y) * view.focal / away, 0.3, 1e4)
    mask = np.clip(inside + 0.5, 0, 1) * (scene.depth > z - 0.05)
    scene.over(scene.hazed(np.broadcast_to(colour, (side, side, 3)), np.broadcast_to(z, (side, side))), mask)
    scene.depth[:] = np.where(mask > 0.5, np.minimum(scene.depth, z), scene.depth)


def paint_drum(
    scene: Scene,
    centre: Point,
    radius: float,
    height: float,
    painter: Callable[[Field, Field, Field], Colour],
) -> None:
    """Paint an upright round tower; the painter gets the angle (radians, 0 towards the viewer), metres up, cos."""
    view = scene.view
    cx, base, cz = centre
    tx = (view.u - 0.5) / view.focal
    ty = (view.horizon - view.v) / view.focal
    # |t * (tx, 1) - (cx, cz)| = radius, nearer solution.
    a = tx * tx + 1
    b = tx * cx + cz
    root = b * b - a * (cx * cx + cz * cz - radius * radius)
    hit = root > 0
    z = (b - np.sqrt(np.clip(root, 0, None))) / a
    up = view.height + ty * z - base
    inside = hit & (z > 0.3) & (up >= 0) & (up <= height)
    z_full = np.broadcast_to(z, up.shape)
    inside &= scene.depth > z_full
    if not inside.any():
        return
    nx = np.broadcast_to((tx * z - cx) / radius, up.shape).astype(np.float32)
    nz = np.broadcast_to((z - cz) / radius, up.shape).astype(np.float32)
    angle = np.arctan2(nx, -nz).astype(np.float32)
    facing = np.clip(nx * scene.light.sun[0] + nz * scene.light.sun[2], 0, None).astype(np.float32)
    colour = scene.hazed(painter(angle, up.astype(np.float32), facing), z_full)
    scene.rgb[:] = np.where(inside[..., None], colour, scene.rgb)
    scene.depth[:] = np.where(inside, z_full, scene.depth)
