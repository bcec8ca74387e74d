"""Pictures that have no business in the folder: a cat, lunch, a map, a chat, a selfie, a basket of tangerines."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from anmok.data.sample.camera import OVERSAMPLING, photograph
from anmok.data.sample.furniture import draw_fronds
from anmok.data.sample.light import Colour, make_light, mix, rgb, vary
from anmok.data.sample.noise import Field, fractal, sample_smooth, smoothstep, tile
from anmok.data.sample.screens import draw_chat, draw_map
from anmok.data.sample.sky import paint_sky
from anmok.data.sample.view import Scene, View
from anmok.data.sample.water import paint_water


def _studio(rng: np.random.Generator, pixels: int, wall: str, floor: str, edge: float) -> Scene:
    """An indoor scene in soft light: a wall, and from `edge` (share of the height) down a floor or table."""
    scene = Scene.empty(View(pixels, 1.0, 0.4, 1.5), make_light(rng, "morning", "overcast", "summer"))
    v, u = scene.view.v, scene.view.u
    soft = fractal(rng, (pixels, pixels), (2, 2), octaves=3)
    grain = fractal(rng, (pixels, pixels), (40, 3), octaves=3)
    side = (0.75 + 0.4 * (1 - u) + 0.25 * (soft - 0.5))[..., None]
    table = smoothstep(edge - 0.01, edge + 0.01, v)
    ground = rgb(floor) * (0.75 + 0.5 * grain)[..., None]
    scene.rgb[:] = (rgb(wall) + (ground - rgb(wall)) * table[..., None]) * side * np.float32(0.8)
    return scene


def _ball(
    scene: Scene,
    centre: tuple[float, float],
    radius: tuple[float, float],
    colour: Colour,
    *,
    texture: Field | None = None,
    soft: float = 1.0,
    shine: float = 0.0,
    edge: Field | float = 0.0,
) -> None:
    """Paint a lit ellipsoid; `centre` and `radius` as (x, y) in shares of the picture."""
    side = scene.view.pixels
    px, py = (scene.view.u - centre[0]) / radius[0], (scene.view.v - centre[1]) / radius[1]
    square = px * px + py * py + edge
    mask = smoothstep(1.0, 1.0 - 5.0 * soft / (side * min(radius)), square)
    height = np.sqrt(np.clip(1 - square, 0, 1))
    lit = np.clip(-0.45 * px - 0.55 * py + 0.7 * height, 0, None)
    tone = 0.30 + 0.85 * lit
    if texture is not None:
        tone = tone * texture
    gloss = np.clip(lit, 0, 1.2) ** 12 * shine
    scene.over(colour * tone[..., None] + gloss[..., None] * np.float32(0.6), mask)


def _shade_under(scene: Scene, centre: tuple[float, float], radius: tuple[float, float], strength: float) -> None:
    square = ((scene.view.u - centre[0]) / radius[0]) ** 2 + ((scene.view.v - centre[1]) / radius[1]) ** 2
    scene.rgb *= (1 - strength * np.exp(-square))[..., None]


def _polygon(scene: Scene, points: list[tuple[float, float]], colour: Colour, *, blur: float = 0.6) -> None:
    side = scene.view.pixels
    mask = Image.new("L", (side, side), 0)
    ImageDraw.Draw(mask).polygon([(x * side, y * side) for x, y in points], fill=255)
    mask = mask.filter(ImageFilter.GaussianBlur(blur * side / 320))
    scene.over(np.broadcast_to(colour, scene.rgb.shape), np.asarray(mask, np.float32) / 255)


def paint_cat(rng: np.random.Generator, pixels: int) -> Scene:
    """A tabby on a sofa."""
    scene = _studio(rng, pixels, str(rng.choice(["#c9bfae", "#a9b7b4", "#b8a9b4"])), "#8a6f5c", 0.70)
    fur = vary(rng, rgb(str(rng.choice(["#b07a42", "#8d8780", "#d8c8ae", "#5d5048"]))), 0.1)
    strokes = fractal(rng, (pixels, pixels), (26, 26), octaves=4, gain=0.75)
    u, v = scene.view.u, scene.view.v
    waves = fractal(rng, (pixels, pixels), (3, 3), octaves=2)
    stripes = smoothstep(0.2, 0.8, np.sin((u * 9 + v * 46 + waves * 9).astype(np.float32)))
    coat = (0.55 + 0.55 * strokes) * (1 - 0.38 * stripes)
    x, y = float(rng.uniform(0.42, 0.58)), float(rng.uniform(0.38, 0.46))
    hairy = (strokes - 0.5) * 0.30
    _shade_under(scene, (x, y + 0.48), (0.42, 0.14), 0.6)
    _ball(scene, (x + 0.06, y + 0.42), (0.32, 0.36), fur, texture=coat, edge=hairy)
    _ball(scene, (x, y + 0.40), (0.16, 0.22), mix(fur, rgb("#efe6d8"), 0.75), texture=0.6 + 0.5 * strokes, edge=hairy)
    for hand in (-1, 1):
        _polygon(
            scene,
            [(x + hand * 0.21, y - 0.02), (x + hand * 0.19, y - 0.27), (x + hand * 0.04, y - 0.15)],
            fur * np.float32(0.7),
        )
        _polygon(
            scene,
            [(x + hand * 0.185, y - 0.05), (x + hand * 0.175, y - 0.21), (x + hand * 0.085, y - 0.13)],
            rgb("#d59a8c") * np.float32(0.7),
        )
    _ball(scene, (x, y), (0.235, 0.20), fur, texture=coat, edge=hairy)
    _ball(scene, (x, y + 0.085), (0.12, 0.085), mix(fur, rgb("#f2ebe0"), 0.8), texture=0.7 + 0.4 * strokes, edge=hairy)
    iris = rgb(str(rng.choice(["#b9c05a", "#7fb07a", "#d0a040", "#7fa6c8"])))
    for hand in (-1, 1):
        eye = (x + hand * 0.095, y - 0.015)
        _ball(scene, eye, (0.050, 0.042), rgb("#1a1512"))
        _ball(scene, eye, (0.043, 0.036), iris, shine=0.3)
        _ball(scene, eye, (0.015, 0.032), rgb("#050505"), shine=1.0)
        _ball(scene, (eye[0] - 0.013, eye[1] - 0.014), (0.008, 0.008), rgb("#ffffff") * np.float32(2))
    _polygon(scene, [(x - 0.025, y + 0.055), (x + 0.025, y + 0.055), (x, y + 0.085)], rgb("#c07a78"))
    for hand in (-1, 1):
        for drop in (0.0, 0.025, 0.05):
            _polygon(
                scene,
                [
                    (x + hand * 0.06, y + 0.085 + drop * 0.3),
                    (x + hand * 0.31, y + 0.05 + drop * 1.8),
                    (x + hand * 0.06, y + 0.091 + drop * 0.3),
                ],
                rgb("#f0ece4"),
                blur=0.4,
            )
    return scene


def paint_food(rng: np.random.Generator, pixels: int) -> Scene:
    """A bowl of noodles with its side dishes, seen from above."""
    scene = _studio(rng, pixels, "#7a5a40", "#7a5a40", 0.0)
    scene.rgb *= (0.7 + 0.6 * fractal(rng, (pixels, pixels), (24, 2), octaves=3))[..., None]
    x, y, r = float(rng.uniform(0.42, 0.55)), float(rng.uniform(0.46, 0.58)), float(rng.uniform(0.28, 0.34))
    u, v = scene.view.u, scene.view.v
    _shade_under(scene, (x + 0.03, y + 0.05), (r * 1.25, r * 1.2), 0.65)
    _ball(scene, (x, y), (r * 1.12, r * 1.12), rgb("#e8e4da"), shine=0.4)
    _ball(scene, (x, y), (r * 0.98, r * 0.98), vary(rng, rgb("#8a4a22"), 0.15), texture=np.full_like(u + v, 0.8))
    inside = smoothstep(1.0, 0.94, ((u - x) / (r * 0.98)) ** 2 + ((v - y) / (r * 0.98)) ** 2)
    swirl = fractal(rng, (pixels, pixels), (4, 4), octaves=3)
    strand = np.sin((swirl * 70 + (u + v) * 18).astype(np.float32))
    noodle = rgb("#e6c98a") * (0.45 + 0.4 * np.clip(strand, -0.6, 1) + 0.3 * swirl)[..., None]
    scene.over(noodle, inside * smoothstep(0.38, 0.5, swirl) * 0.92)
    for _ in range(2):
        ex, ey = x + float(rng.uniform(-0.12, 0.12)), y + float(rng.uniform(-0.12, 0.12))
        _ball(scene, (ex, ey), (0.085, 0.07), rgb("#f4efe2"), shine=0.4)
        _ball(scene, (ex, ey), (0.045, 0.04), rgb("#e8952c"), shine=0.6)
    for _ in range(26):
        a, d = rng.uniform(0, 6.3), rng.uniform(0, 0.8) * r
        green = vary(rng, rgb("#4f9a3a"), 0.2)
        _ring(scene, (x + float(np.cos(a) * d), y + float(np.sin(a) * d)), 0.016, green)
    for cx, cy, code in ((0.12, 0.14, "#b8321f"), (0.88, 0.13, "#d8c84a"), (0.9, 0.88, "#3f6a34")):
        _shade_under(scene, (cx + 0.01, cy + 0.02), (0.14, 0.13), 0.5)
        _ball(scene, (cx, cy), (0.13, 0.13), rgb("#e4e0d8"), shine=0.3)
        lumps = fractal(rng, (pixels, pixels), (22, 22), octaves=3)
        _ball(
            scene, (cx, cy), (0.095, 0.095), vary(rng, rgb(code)), texture=0.3 + 1.3 * lumps, edge=(lumps - 0.5) * 0.8
        )
    tilt = float(rng.uniform(-0.05, 0.05))
    for shift in (0.0, 0.035):
        _polygon(
            scene,
            [(0.84 + shift, 0.25), (0.855 + shift, 0.25), (0.865 + shift + tilt, 0.8), (0.845 + shift + tilt, 0.8)],
            rgb("#b9bcc0"),
        )
    return scene


def _ring(scene: Scene, centre: tuple[float, float], radius: float, colour: Colour) -> None:
    reach = np.sqrt((scene.view.u - centre[0]) ** 2 + (scene.view.v - centre[1]) ** 2) / radius
    mask = smoothstep(0.3, 0.45, reach) * smoothstep(1.0, 0.85, reach)
    scene.over(np.broadcast_to(colour, scene.rgb.shape), mask)


def paint_selfie(rng: np.random.Generator, pixels: int) -> Scene:
    """Somebody before an evening sea: no place to be told."""
    light = make_light(rng, str(rng.choice(["dusk", "golden"])), "fair", "summer")
    view = View(pixels, 1.0, float(rng.uniform(0.42, 0.55)), 2.0)
    scene = Scene.empty(view, light)
    paint_sky(scene, rng)
    z = np.broadcast_to(np.clip(2.0 / np.clip(view.v - view.horizon, 1e-3, 1), 1, 2000), (pixels, pixels)).astype(
        np.float32
    )
    mask = np.broadcast_to((view.v > view.horizon).astype(np.float32), z.shape)
    paint_water(
        scene,
        rng,
        mask,
        (view.u - 0.5) * z,
        z,
        mirror_row=view.horizon * pixels,
        deep=rgb("#123550"),
        shallow=rgb("#2f7a86"),
        chop=0.7,
    )
    x, y, r = float(rng.uniform(0.35, 0.62)), float(rng.uniform(0.46, 0.56)), float(rng.uniform(0.15, 0.19))
    lit = light.ambient * 1.3 + light.sun_rgb * np.float32(0.18)
    face = mix(lit, np.full(3, lit.mean(), np.float32), 0.6)
    skin, hair = vary(rng, rgb("#e2b08c")) * face, rgb("#2a1f1a") * face
    strands = fractal(rng, (pixels, pixels), (6, 60), octaves=3)
    shirt = vary(rng, rgb(str(rng.choice(["#e8e2d6", "#3f5f8a", "#b8483f", "#e0b24a"])))) * face
    _ball(scene, (x, y + r * 0.35), (r * 1.28, r * 1.75), hair, texture=0.6 + 0.8 * strands)
    _ball(scene, (x, y + r * 3.4), (r * 2.5, r * 1.9), shirt, texture=0.8 + 0.3 * strands)
    _ball(scene, (x, y + r * 1.25), (r * 0.42, r * 0.7), skin * np.float32(0.85))
    _ball(scene, (x, y), (r * 0.86, r * 1.12), skin)
    _ball(scene, (x, y - r * 0.78), (r * 0.95, r * 0.55), hair, texture=0.6 + 0.8 * strands)
    for hand in (-1, 1):
        _ball(scene, (x + hand * r * 0.36, y - r * 0.06), (r * 0.12, r * 0.085), rgb("#16100d"), shine=1)
        _polygon(
            scene,
            [
                (x + hand * r * 0.2, y - r * 0.27),
                (x + hand * r * 0.54, y - r * 0.30),
                (x + hand * r * 0.54, y - r * 0.24),
                (x + hand * r * 0.2, y - r * 0.21),
            ],
            hair,
        )
    _ball(scene, (x, y + r * 0.25), (r * 0.09, r * 0.13), skin * np.float32(1.1))
    _ball(scene, (x, y + r * 0.56), (r * 0.27, r * 0.11), rgb("#b8504a") * face)
    _ball(scene, (x, y + r * 0.54), (r * 0.2, r * 0.05), rgb("#f4efe8") * face)
    return scene


def paint_tangerines(rng: np.random.Generator, pixels: int) -> Scene:
    """A heap of tangerines on a market stall."""
    scene = _studio(rng, pixels, "#5d6a4a", "#8a6a48", 0.25)
    pores = sample_smooth(
        tile(3, cells=16, octaves=5, gain=0.7),
        *np.meshgrid(
            np.arange(pixels, dtype=np.float32) * 640 / pixels, np.arange(pixels, dtype=np.float32) * 640 / pixels
        ),
    )
    for row in range(7):
        y = 0.22 + row * 0.13
        for column in range(6):
            x = (column + 0.5 * (row % 2)) * 0.2 + float(rng.normal(0, 0.02))
            r = float(rng.uniform(0.10, 0.125))
            _shade_under(scene, (x + 0.02, y + 0.03), (r * 1.2, r * 1.15), 0.55)
            _ball(scene, (x, y), (r, r * 0.9), vary(rng, rgb("#f08a1d"), 0.1), texture=0.85 + 0.3 * pores, shine=0.5)
            if rng.random() < 0.5:
                _ball(scene, (x, y - r * 0.35), (0.014, 0.010), rgb("#4f6a2a"))
    for _ in range(3):
        leaf = draw_fronds(rng, int(pixels * 0.25), rgb("#3f7a30"))
        x, y = (rng.uniform(0.05, 0.7, 2) * pixels).astype(int)
        art = np.asarray(leaf, np.float32) / 255
        patch = scene.rgb[y : y + leaf.height, x : x + leaf.width]
        art = art[: patch.shape[0], : patch.shape[1]]
        patch += (art[..., :3] ** 2.2 - patch) * art[..., 3:]
    return scene


_PAINTED: tuple[Callable[[np.random.Generator, int], Scene], ...] = (
    paint_cat,
    paint_food,
    paint_selfie,
    paint_tangerines,
)
_DRAWN: tuple[Callable[[np.random.Generator, int], Image.Image], ...] = (draw_map, draw_chat)


def draw_off_topic(number: int, rng: np.random.Generator, size: int) -> Image.Image:
    """Draw the off-topic picture with this number, RGB; the six kinds take turns."""
    kind = number % (len(_PAINTED) + len(_DRAWN))
    if kind < len(_PAINTED):
        return photograph(_PAINTED[kind](rng, size * OVERSAMPLING), rng, size=size)
    return _DRAWN[kind - len(_PAINTED)](rng, size)
