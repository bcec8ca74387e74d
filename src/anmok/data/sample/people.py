"""People and cars in front of the place: small figures drawn large, reduced and set into the scene's light."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from anmok.data.sample.light import rgb
from anmok.data.sample.view import Scene

_FINE = 4  # figures are drawn this much larger than they appear
_CLOTHES = (
    "#c0392b",
    "#2d5f9a",
    "#e8e2d2",
    "#2b2d33",
    "#d8a13a",
    "#4f7f5a",
    "#8d5a83",
    "#e07a5f",
    "#7fa8c9",
    "#f2efe9",
    "#394a6a",
    "#b85c7c",
    "#f0d264",
    "#6b7d5a",
)
_SKIN = ("#e8bf9c", "#d9a981", "#c89670", "#f0cdb0")
_HAIR = ("#1d1815", "#2c211b", "#3f2d20", "#6a4a2e")
_CARS = ("#f2f2f0", "#c9ccd0", "#3a3d42", "#8e1f24", "#2f4f86", "#e6c04a", "#a9c6d8", "#16181c", "#5d7f6a")


def _pick(rng: np.random.Generator, choices: tuple[str, ...]) -> str:
    return choices[int(rng.integers(len(choices)))]


def set_figure(scene: Scene, figure: Image.Image, left: float, top: float, z: float, *, strength: float = 1.0) -> None:
    """Set an RGBA figure (sRGB) into the scene where nothing stands in front of depth `z`."""
    side = scene.view.pixels
    x0, y0 = round(left), round(top)
    c0, r0 = max(x0, 0), max(y0, 0)
    c1, r1 = min(x0 + figure.width, side), min(y0 + figure.height, side)
    if c1 <= c0 or r1 <= r0:
        return
    pixels = np.asarray(figure, np.float32)[r0 - y0 : r1 - y0, c0 - x0 : c1 - x0] / 255
    albedo = pixels[..., :3] ** np.float32(2.2) * np.float32(0.8)
    albedo += (albedo.mean(axis=2, keepdims=True) - albedo) * np.float32(0.3)  # cloth is duller than paint
    light = scene.light
    # Round bodies: the side of the sun is lighter, and so is what looks up.
    across = np.linspace(-1, 1, figure.width, dtype=np.float32)[None, c0 - x0 : c1 - x0]
    upward = np.linspace(1, -0.4, figure.height, dtype=np.float32)[r0 - y0 : r1 - y0, None]
    facing = np.clip(0.35 - 0.3 * light.sun[2] + 0.45 * across * light.sun[0] + 0.15 * upward, 0.04, 1)
    lit = light.shade(albedo, facing.astype(np.float32), (0.72 + 0.25 * upward + 0 * across).astype(np.float32))
    patch = (slice(r0, r1), slice(c0, c1))
    mask = pixels[..., 3] * (scene.depth[patch] > z - 0.4)
    scene.rgb[patch] += (scene.hazed(lit * np.float32(strength), z) - scene.rgb[patch]) * mask[..., None]


def cast_shadow(scene: Scene, foot: tuple[float, float, float], width: float, strength: float) -> None:
    """Darken the ground by a soft ellipse under the feet, stretched away from the sun."""
    view, light = scene.view, scene.light
    z = foot[2]
    cx, cy = view.project(*foot)
    unit = view.scale(z)
    long = min(1.0 / max(float(light.sun[1]), 0.2), 4.0) if light.cover < 0.75 else 1.0
    rx, ry = width * unit * (0.6 + 0.5 * long * abs(float(light.sun[0]))), max(width * unit * 0.16, 0.8)
    cx -= float(light.sun[0]) * width * unit * 0.5 * long
    c0, c1 = int(max(cx - 2.5 * rx, 0)), int(min(cx + 2.5 * rx + 1, view.pixels))
    r0, r1 = int(max(cy - 3 * ry, 0)), int(min(cy + 3 * ry + 1, view.pixels))
    if c1 <= c0 or r1 <= r0:
        return
    px = (np.arange(c0, c1, dtype=np.float32)[None, :] - cx) / rx
    py = (np.arange(r0, r1, dtype=np.float32)[:, None] - cy) / ry
    shade = np.exp(-(px * px + py * py)) * strength * (scene.depth[r0:r1, c0:c1] > z - 1.5)
    scene.rgb[r0:r1, c0:c1] *= (1 - shade)[..., None]


def draw_person(rng: np.random.Generator, height: int) -> Image.Image:
    """Draw one standing or walking person, RGBA, `height` pixels tall and as wide as needed."""
    tall = height * _FINE
    wide = int(tall * 0.62)
    image = Image.new("RGBA", (wide, tall), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    skin, hair = _pick(rng, _SKIN), _pick(rng, _HAIR)
    shirt, trousers = _pick(rng, _CLOTHES), _pick(rng, _CLOTHES)
    middle, lean = wide / 2, rng.normal(0, 0.012) * tall
    stride = abs(rng.normal(0.0, 0.05)) * tall
    head = 0.062 * tall
    hip, shoulder = 0.52 * tall, 0.2 * tall
    skirt = rng.random() < 0.28
    thick = max(int(0.072 * tall), 1)
    for sign in (-1, 1):
        foot = middle + sign * (0.035 * tall + stride)
        leg = skin if skirt else trousers
        draw.line((middle + sign * 0.03 * tall, hip, foot, tall * 0.975), fill=leg, width=thick)
        draw.ellipse((foot - 0.04 * tall, tall * 0.955, foot + 0.05 * tall, tall * 0.998), fill="#2a2724")
    body = [
        (middle - 0.095 * tall + lean, shoulder),
        (middle + 0.095 * tall + lean, shoulder),
        (middle + 0.08 * tall, hip + 0.03 * tall),
        (middle - 0.08 * tall, hip + 0.03 * tall),
    ]
    if skirt:
        draw.polygon(
            [
                (middle - 0.07 * tall, 0.42 * tall),
                (middle + 0.07 * tall, 0.42 * tall),
                (middle + 0.13 * tall, 0.72 * tall),
                (middle - 0.13 * tall, 0.72 * tall),
            ],
            fill=trousers,
        )
    draw.polygon(body, fill=shirt)
    draw.ellipse(
        (middle - 0.1 * tall + lean, shoulder - 0.03 * tall, middle + 0.1 * tall + lean, shoulder + 0.1 * tall),
        fill=shirt,
    )
    for sign in (-1, 1):
        raised = rng.random() < 0.16
        elbow = (middle + sign * 0.13 * tall + lean, (0.33 if not raised else 0.24) * tall)
        hand = (middle + sign * (0.115 + abs(rng.normal(0, 0.03))) * tall, (0.49 if not raised else 0.1) * tall)
        draw.line(
            (middle + sign * 0.085 * tall + lean, shoulder + 0.03 * tall, *elbow), fill=shirt, width=int(thick * 0.75)
        )
        draw.line((*elbow, *hand), fill=skin, width=max(int(thick * 0.55), 1))
    cx, cy = middle + lean, 0.1 * tall
    back = rng.random() < 0.55  # most visitors look at the place, not at the camera
    draw.rectangle((cx - head * 0.4, cy, cx + head * 0.4, shoulder + 0.02 * tall), fill=skin)
    draw.ellipse((cx - head, cy - head * 1.2, cx + head, cy + head * 1.2), fill=hair if back else skin)
    if not back:
        draw.pieslice((cx - head * 1.08, cy - head * 1.3, cx + head * 1.08, cy + head), 180, 360, fill=hair)
    if rng.random() < 0.35:
        draw.rectangle((cx - head * 0.95, cy, cx + head * 0.95, cy + head * 2.2), fill=hair)
    if rng.random() < 0.22:
        hat = _pick(rng, _CLOTHES)
        draw.ellipse((cx - head * 1.9, cy - head * 1.0, cx + head * 1.9, cy - head * 0.3), fill=hat)
        draw.ellipse((cx - head, cy - head * 1.7, cx + head, cy - head * 0.4), fill=hat)
    if rng.random() < 0.25:  # rucksack
        draw.rounded_rectangle(
            (middle - 0.075 * tall, 0.22 * tall, middle + 0.075 * tall, 0.42 * tall),
            0.03 * tall,
            fill=_pick(rng, _CLOTHES),
        )
    return image.reduce(_FINE)


def draw_umbrella(rng: np.random.Generator, width: int) -> Image.Image:
    """Draw an open umbrella as seen from the side, RGBA."""
    wide = width * _FINE
    image = Image.new("RGBA", (wide, wide // 2), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    draw.pieslice((0, 0, wide - 1, int(wide * 0.86)), 180, 360, fill=_pick(rng, _CLOTHES))
    for share in (0.3, 0.5, 0.7):
        draw.line((wide / 2, 0, wide * share, wide * 0.43), fill=(0, 0, 0, 40), width=_FINE)
    return image.reduce(_FINE)


def paint_people(
    scene: Scene,
    rng: np.random.Generator,
    *,
    count: int,
    ground: float,
    z_range: tuple[float, float],
    dim: bool = False,
    x_share: tuple[float, float] = (0.08, 0.92),
    where: NDArray[np.bool_] | None = None,
) -> None:
    """Paint `count` people standing on `ground` metres between two depths; `dim` for figures out of the light.

    `where` (pixels, pixels) says where there is ground to stand on; who would stand elsewhere is left out.
    """
    view, light = scene.view, scene.light
    together = rng.uniform(*x_share)
    for z in sorted(rng.uniform(*z_range, count), reverse=True):
        share = np.clip(together + rng.normal(0, 0.13), 0.04, 0.96)
        x = float((share - 0.5) * z / view.focal)
        tall = float(np.clip(rng.normal(1.68, 0.1), 1.05, 1.9)) if rng.random() < 0.85 else float(rng.uniform(1.0, 1.3))
        size = int(tall * view.scale(float(z)))
        figure = draw_person(rng, int(np.clip(size, 5, 400)))
        column, row = view.project(x, ground, float(z))
        if where is not None:
            edge = view.pixels - 1
            if not where[int(np.clip(row, 0, edge)), int(np.clip(column, 0, edge))]:
                continue
        if not dim:
            cast_shadow(scene, (x, ground, float(z)), 0.5, 0.25 + 0.35 * (1 - light.cover))
        set_figure(
            scene, figure, column - figure.width / 2, row - figure.height, float(z), strength=0.16 if dim else 1.0
        )
        if light.wet and not dim and rng.random() < 0.8:
            cover = draw_umbrella(rng, max(int(1.05 * view.scale(float(z))), 4))
            set_figure(scene, cover, column - cover.width / 2, row - figure.height * 1.12, float(z) - 0.1)


def draw_car(rng: np.random.Generator, length: int) -> Image.Image:
    """Draw a parked car from the side, RGBA, `length` pixels long."""
    wide = max(length, 8) * _FINE
    tall = int(wide * 0.40)
    image = Image.new("RGBA", (wide, tall), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    paint = _pick(rng, _CARS)
    high = rng.random() < 0.4
    roof = 0.04 if high else 0.14
    cabin = [(0.16, 0.5), (0.27, roof), (0.66 if not high else 0.8, roof), (0.82 if not high else 0.92, 0.5)]
    draw.polygon([(px * wide, py * tall) for px, py in cabin], fill=paint)
    draw.rounded_rectangle((0.01 * wide, 0.42 * tall, 0.99 * wide, 0.84 * tall), 0.09 * wide, fill=paint)
    glass = [
        (0.205, 0.46),
        (0.295, roof + 0.09),
        (0.64 if not high else 0.77, roof + 0.09),
        (0.77 if not high else 0.87, 0.46),
    ]
    draw.polygon([(px * wide, py * tall) for px, py in glass], fill="#26323c")
    draw.line((0.48 * wide, 0.1 * tall, 0.48 * wide, 0.5 * tall), fill=paint, width=int(0.022 * wide))
    draw.rectangle((0.02 * wide, 0.74 * tall, 0.98 * wide, 0.84 * tall), fill="#33363a")
    draw.rectangle((0.01 * wide, 0.5 * tall, 0.05 * wide, 0.58 * tall), fill="#b8322c")
    draw.rectangle((0.95 * wide, 0.5 * tall, 0.99 * wide, 0.58 * tall), fill="#f4efd8")
    for share in (0.22, 0.78):
        for radius, tone in ((0.092, "#17181a"), (0.052, "#9a9da2")):
            cx, cy = share * wide, 0.80 * tall
            draw.ellipse(
                (cx - radius * wide, cy - radius * wide * 0.9, cx + radius * wide, cy + radius * wide * 0.9), fill=tone
            )
    if rng.random() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return image.reduce(_FINE)


def paint_car(scene: Scene, rng: np.random.Generator, x: float, ground: float, z: float) -> None:
    """Paint a car standing across the view at (x, ground, z)."""
    length = float(rng.uniform(3.7, 4.8))
    figure = draw_car(rng, int(np.clip(length * scene.view.scale(z), 6, 500)))
    column, row = scene.view.project(x, ground, z)
    cast_shadow(scene, (x, ground, z), length * 0.62, 0.6)
    set_figure(scene, figure, column - figure.width / 2, row - figure.height, z)
    if scene.light.dark > 0.5 and rng.random() < 0.3:
        square = (scene.view.u * scene.view.pixels - column - figure.width * 0.48) ** 2 + (
            scene.view.v * scene.view.pixels - row + figure.height * 0.45
        ) ** 2
        scene.rgb += (np.exp(-square / (0.2 * scene.view.scale(z)) ** 2))[..., None] * rgb("#fff2d0") * np.float32(1.5)
