"""The sky above everything: gradient, sun or moon, clouds, stars, and what stands on the horizon."""

from __future__ import annotations

import numpy as np

from anmok.data.sample.light import Colour, mix, rgb
from anmok.data.sample.noise import Field, line, sample_smooth, smoothstep, tile
from anmok.data.sample.view import Scene


def paint_sky(scene: Scene, rng: np.random.Generator) -> None:
    """Fill the whole picture with sky; what comes later covers the lower part."""
    view, light = scene.view, scene.light
    # Below the horizon only the colour of the horizon is ever seen, and that rarely.
    rows = int(np.clip((view.horizon + 0.03) * view.pixels, 8, view.pixels))
    scene.rgb[rows:] = light.horizon
    rise = ((view.horizon - view.v) / view.focal)[:rows]  # tangent of the elevation, (rows, 1)
    side = (view.u - 0.5) / view.focal
    t = 1 - np.exp(np.clip(rise, 0, None) * -2.6)
    base = light.horizon + (light.zenith - light.horizon) * t[..., None]
    picture: Colour = np.repeat(base, view.pixels, axis=1)
    length = np.sqrt(1 + side * side + rise * rise)
    close = np.clip((side * light.sun[0] + rise * light.sun[1] + light.sun[2]) / length, 0, 1)
    square = close * close
    glare = square * square
    glare *= glare
    broad = square * square * square * np.float32(0.16) + glare * glare * glare * glare * glare * np.float32(0.5)
    open_sky = np.float32(1 - 0.85 * light.cover**2)
    disc = smoothstep(0.99965, 0.99985, close) * np.float32(2.5 if light.dark < 1 else 14)
    picture += ((broad * np.float32(0.55) + disc) * open_sky)[..., None] * light.sun_rgb
    if light.dark >= 1 and light.cover < 0.6:
        _paint_stars(picture, rng, view.horizon)
    _paint_clouds(scene, picture, rng, rise=rise, side=side, close=glare)
    scene.rgb[:rows] = picture


def _paint_stars(picture: Colour, rng: np.random.Generator, horizon: float) -> None:
    side = picture.shape[1]
    count = int(rng.integers(40, 110))
    row = (rng.uniform(0, max(horizon - 0.03, 0.02), count) * side).astype(int)
    column = (rng.uniform(0, 1, count) * (side - 1)).astype(int)
    strength = rng.uniform(0.1, 0.9, count).astype(np.float32) ** 2
    picture[row, column] += strength[:, None]


def _paint_clouds(
    scene: Scene, picture: Colour, rng: np.random.Generator, *, rise: Field, side: Field, close: Field
) -> None:
    light = scene.light
    number = int(rng.integers(0, 4))
    texture = tile(number, cells=4, octaves=6, gain=0.56)
    offset = rng.uniform(0, 512, 2).astype(np.float32)
    size = float(rng.uniform(28, 70))
    rows = int(np.clip(scene.view.horizon * scene.view.pixels + 1, 0, rise.shape[0]))
    if rows < 4:
        return
    up = rise[:rows] + 0.09  # clouds lie on a plane above; the addition keeps the far ones from shrinking away
    x = side / up * size + offset[0]
    y = np.broadcast_to(size * 1.2 / up, x.shape) + offset[1]
    density = sample_smooth(texture, x, y)
    # Seen a step towards the sun: thinner there means this side is lit.
    step = np.float32(7)
    ahead = sample_smooth(texture, x + step * light.sun[0], y - step * (0.4 + abs(float(light.sun[1]))))
    cut = 0.5 + 0.24 * (1 - 2 * light.cover)
    body = smoothstep(cut - 0.04, cut + 0.17, density)
    lit = np.clip(0.55 + (density - ahead) * 2.6, 0, 1.2)
    bright = light.sun_rgb * np.float32(0.34) + light.ambient * np.float32(0.75)
    shade = mix(light.ambient, light.haze, 0.5) * np.float32(0.62)
    colour = shade + (bright - shade) * lit[..., None]
    colour = colour + (close[:rows] * (1 - 0.6 * body))[..., None] * light.sun_rgb * np.float32(0.35)
    fade = np.clip(rise[:rows] / 0.10, 0, 1)
    opacity = body * (0.25 + 0.75 * fade) * (0.92 if light.weather != "fog" else 0.35)
    picture[:rows] += (colour - picture[:rows]) * opacity[..., None]


def paint_range(
    scene: Scene,
    rng: np.random.Generator,
    *,
    z: float,
    top: float,
    colour: Colour,
    cells: float = 3,
    peak: float | None = None,
) -> None:
    """Paint a far ridge `top` metres high at depth `z`; `peak` (0 to 1 across) makes it one broad mountain."""
    view = scene.view
    profile = line(rng, view.pixels, cells, octaves=5, gain=0.48)
    if peak is not None:
        reach = np.abs(view.u[0] - peak)
        profile = np.exp(-((reach / 0.36) ** 1.5)) * 0.95 + (profile - 0.5) * 0.16
    crest = view.horizon - np.clip(profile, 0.02, None) * top * view.focal / z
    mask = np.clip((view.v - crest[None, :]) * view.pixels + 0.5, 0, 1)
    texture = tile(5)[: view.pixels, : view.pixels] if view.pixels <= 512 else np.float32(0.5)
    paint = scene.hazed(colour * (scene.light.ambient + scene.light.sun_rgb * np.float32(0.35)), z)
    scene.over(paint * (0.9 + 0.2 * np.asarray(texture))[..., None], mask.astype(np.float32))


def sea_rim(scene: Scene) -> Colour:
    """Colour of the far sea against the sky: a little darker and bluer than the haze."""
    return mix(scene.light.haze, rgb("#3f6f8f") * scene.light.ambient * np.float32(2), 0.35)
