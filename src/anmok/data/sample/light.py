"""The light of a picture: hour, weather and season, and the colours that follow from them.

All colours here are linear light (not sRGB): sums and products of them behave as light does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anmok.data.sample.noise import Field

Colour = NDArray[np.floating[Any]]  # (3,), or with more axes before it; float32 in fact

HOURS = ("dawn", "morning", "noon", "golden", "dusk", "night")
WEATHERS = ("clear", "fair", "overcast", "fog", "rain", "snow")


def rgb(code: str) -> Colour:
    """Turn an sRGB code such as "#3a6b4f" into a (3,) float32 linear colour."""
    values = np.array([int(code[i : i + 2], 16) for i in (1, 3, 5)], np.float32) / 255
    return (values**2.2).astype(np.float32)


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """Mix two colours; share 0 gives `a`, 1 gives `b`."""
    return (a + (b - a) * np.float32(share)).astype(np.float32)


def vary(rng: np.random.Generator, colour: Colour, amount: float = 0.12) -> Colour:
    """Shift a colour a little in strength and tint, so that no two pictures use the same paint."""
    return (colour * np.exp(rng.normal(0, amount) + rng.normal(0, amount * 0.4, 3))).astype(np.float32)


@dataclass(frozen=True)
class Light:
    """What falls on the scene. Directions are x right, y up, z away from the viewer; colours are linear."""

    hour: str
    weather: str
    season: str
    sun: Colour  # (3,) unit vector towards the sun
    sun_rgb: Colour
    ambient: Colour
    zenith: Colour
    horizon: Colour
    haze: Colour
    haze_density: float  # per metre
    cover: float  # share of the sky under cloud
    snow: float  # 0 none, 1 everything flat is white
    wet: float
    dark: float  # 0 by day, 1 at night: how much lamps matter

    def shade(self, albedo: Colour, facing: Field, open_sky: Field) -> Colour:
        """Light a surface: (..., 3) albedo, (...) cosine to the sun times shadow, (...) share of sky it sees."""
        facing, open_sky = facing.astype(np.float32, copy=False), open_sky.astype(np.float32, copy=False)
        return albedo * (self.sun_rgb * facing[..., None] + self.ambient * open_sky[..., None])


# hour: zenith, horizon, sun, ambient, elevation of the sun in degrees, darkness
_HOURS: dict[str, tuple[str, str, str, str, tuple[float, float], float]] = {
    "dawn": ("#5d78a8", "#f2c3a4", "#ffc79a", "#8d8fae", (5, 14), 0.25),
    "morning": ("#4f8fcd", "#cfe3ee", "#fff0d6", "#8fa9c8", (22, 38), 0.0),
    "noon": ("#3d85cf", "#c4dff0", "#fffaf0", "#98b4d2", (45, 68), 0.0),
    "golden": ("#5a86b8", "#f6d39a", "#ffc070", "#9a97a6", (9, 20), 0.1),
    "dusk": ("#41497f", "#f08e5c", "#ff8448", "#6f6588", (2, 7), 0.6),
    "night": ("#16234a", "#40528a", "#9fb4e8", "#3a4873", (20, 50), 1.0),
}
_SUN_STRENGTH = {"dawn": 1.3, "morning": 2.1, "noon": 2.5, "golden": 2.1, "dusk": 1.1, "night": 0.22}
_AMBIENT_STRENGTH = {"dawn": 0.75, "morning": 0.85, "noon": 0.9, "golden": 0.8, "dusk": 0.62, "night": 0.5}


def draw_light(
    rng: np.random.Generator,
    *,
    hours: tuple[float, ...] = (0.12, 0.2, 0.22, 0.18, 0.16, 0.12),
    weathers: tuple[float, ...] = (0.3, 0.3, 0.16, 0.1, 0.09, 0.05),
) -> Light:
    """Draw hour, weather and season; the two tuples weigh HOURS and WEATHERS."""
    hour = HOURS[int(rng.choice(len(HOURS), p=np.array(hours) / sum(hours)))]
    weather = WEATHERS[int(rng.choice(len(WEATHERS), p=np.array(weathers) / sum(weathers)))]
    season = "winter" if weather == "snow" else str(rng.choice(["spring", "summer", "summer", "autumn", "winter"]))
    return make_light(rng, hour, weather, season)


def make_light(rng: np.random.Generator, hour: str, weather: str, season: str) -> Light:
    """Work out the colours of a given hour, weather and season, each varied a little."""
    zenith, horizon, sun, ambient, (low, high), dark = _HOURS[hour]
    elevation = np.radians(rng.uniform(low, high))
    azimuth = np.radians(rng.uniform(-150, 150) if high > 20 else rng.choice([-1, 1]) * rng.uniform(8, 130))
    direction = np.array(
        [np.sin(azimuth) * np.cos(elevation), np.sin(elevation), np.cos(azimuth) * np.cos(elevation)], np.float32
    )
    light = Light(
        hour=hour,
        weather=weather,
        season=season,
        sun=direction,
        sun_rgb=vary(rng, rgb(sun) * np.float32(_SUN_STRENGTH[hour]), 0.08),
        ambient=vary(rng, rgb(ambient) * np.float32(_AMBIENT_STRENGTH[hour]), 0.08),
        zenith=vary(rng, rgb(zenith), 0.1),
        horizon=vary(rng, rgb(horizon), 0.08),
        haze=vary(rng, mix(rgb(horizon), rgb(zenith), 0.3), 0.05),
        haze_density=float(rng.uniform(0.0006, 0.002)),
        cover=float(rng.uniform(0.05, 0.25)),
        snow=0.0,
        wet=0.0,
        dark=dark,
    )
    if weather == "clear":
        return light
    if weather == "fair":
        return replace(light, cover=float(rng.uniform(0.35, 0.6)))
    # Under a closed sky everything takes the grey of the clouds, and the sun no longer draws shadows.
    level = {"dawn": 0.55, "morning": 0.8, "noon": 0.9, "golden": 0.65, "dusk": 0.34, "night": 0.08}[hour]
    grey = mix(rgb("#aab4bf"), light.horizon, 0.3) * np.float32(level)
    sun_left = {"overcast": 0.16, "fog": 0.12, "rain": 0.05, "snow": 0.12}[weather]
    closed = replace(
        light,
        sun_rgb=light.sun_rgb * np.float32(sun_left),
        ambient=mix(light.ambient, grey, 0.7) * np.float32(1.35),
        zenith=mix(light.zenith, grey, 0.75),
        horizon=mix(light.horizon, grey, 0.6),
        haze=grey,
        cover=float(rng.uniform(0.75, 0.95)),
        haze_density=float(rng.uniform(0.0012, 0.0035)),
    )
    if weather == "fog":
        thick = float(rng.uniform(0.010, 0.030))
        return replace(closed, haze_density=thick, haze=closed.haze * np.float32(1.05), cover=1.0)
    if weather == "rain":
        return replace(closed, wet=1.0, haze_density=float(rng.uniform(0.003, 0.008)))
    if weather == "snow":
        return replace(closed, snow=float(rng.uniform(0.55, 0.95)), haze_density=float(rng.uniform(0.004, 0.010)))
    return closed
