"""Water: waves that mirror what stands behind them, shallows, foam and glitter."""

from __future__ import annotations

import numpy as np

from anmok.data.sample.light import Colour
from anmok.data.sample.noise import Field, sample, sample_smooth, smoothstep, tile
from anmok.data.sample.view import Scene


def paint_water(
    scene: Scene,
    rng: np.random.Generator,
    mask: Field,
    x: Field,
    z: Field,
    *,
    mirror_row: float,
    deep: Colour,
    shallow: Colour,
    shallowness: Field | float = 0.0,
    foam: Field | float = 0.0,
    chop: float = 1.0,
    reflect: float = 1.0,
) -> None:
    """Paint water where `mask` is 1, at the (pixels, pixels) places x, z in metres.

    It mirrors the picture painted so far about `mirror_row` (in pixels). `shallowness` 0 to 1 turns the water
    from deep to shallow colour, `foam` 0 to 1 makes it white; `chop` scales the waves.
    """
    light, side = scene.light, scene.view.pixels
    rows = np.nonzero(mask.max(axis=1) > 0)[0]
    if not len(rows):
        return
    band = slice(int(rows[0]), int(rows[-1]) + 1)
    mask, x, z = mask[band], x[band], z[band]
    shallowness = np.broadcast_to(np.asarray(shallowness, np.float32), (side, side))[band]
    foam = np.broadcast_to(np.asarray(foam, np.float32), (side, side))[band]
    ox, oz = rng.uniform(0, 512, 2).astype(np.float32)
    swell = sample_smooth(tile(2), x * 9 + ox, z * 22 + oz) - np.float32(0.5)
    ripple = sample(tile(3, cells=16, octaves=5, gain=0.7), x * 34 + oz, z * 80 + ox) - np.float32(0.5)
    # Far ripples are smaller than a pixel: only their average remains.
    calm = 1 / (1 + z * (0.02 / max(chop, 0.2)))
    tilt = (swell * 1.1 + ripple * 0.9) * calm * chop
    row = np.arange(band.start, band.stop, dtype=np.float32)[:, None]
    distance = np.clip(row - mirror_row, 0, None)
    source = np.clip(2 * mirror_row - row + tilt * (0.06 * side + 0.55 * distance), 0, max(mirror_row - 1, 0))
    column = np.clip(np.arange(side)[None, :] + ripple * calm * chop * 0.04 * side, 0, side - 1)
    mirrored = scene.rgb[source.astype(np.int32), column.astype(np.int32)]
    body = deep + (shallow - deep) * shallowness[..., None]
    body = body * (light.ambient * np.float32(0.9) + light.sun_rgb * np.float32(0.45 * max(float(light.sun[1]), 0.15)))
    body = body * (1 + 1.1 * tilt)[..., None]
    grazing = np.clip(distance / side, 0, 1)
    share = reflect * np.clip(0.75 - 0.75 * grazing + tilt * 0.9, 0.08, 0.92) * (1 - 0.55 * shallowness)
    colour = body + (mirrored - body) * share[..., None]
    # The sun's path: sparks on wave slopes in the columns below the sun.
    if light.sun[2] > 0 and light.cover < 0.8:
        centre = 0.5 + float(light.sun[0] / light.sun[2]) * scene.view.focal
        path = np.exp(-(((scene.view.u - centre) / (0.10 + 0.25 * grazing)) ** 2))
        sparks = smoothstep(0.10, 0.34, tilt + ripple * 0.25) * path * (1 - light.cover)
        colour = colour + sparks[..., None] * light.sun_rgb * np.float32(0.9)
    white = smoothstep(0.45, 0.75, foam + (ripple * 0.9 + swell * 0.5)) * np.clip(foam * 3, 0, 1)
    snowy = light.ambient * np.float32(0.95) + light.sun_rgb * np.float32(0.4)
    colour = colour + (snowy - colour) * (white * 0.93)[..., None]
    colour = scene.hazed(colour, z)
    scene.rgb[band] += (colour - scene.rgb[band]) * mask[..., None]
