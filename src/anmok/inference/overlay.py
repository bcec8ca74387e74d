"""A heat map laid over its picture, as pixels and as a PNG. Light.

Colours are those of inferno (S. van der Walt and N. Smith, A better default colormap for Matplotlib, 2015; CC0): from
black by red to light yellow, lighter at every step, so that they read alike in grey and to colour-blind eyes.
"""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from anmok.inference.heat_map import HeatMap

#: Share of the map's colour in what is shown; the rest is the picture.
SHARE = 0.55
#: Pixels of the longer side that a PNG has at most.
LONGEST = 640
_INFERNO = (
    "0000040403120b0724150b37210c4a2f0a5b3d09654a0c6b57106e64156e71196e7d1e6d8a226a972766a32c61b0315b"
    "bc3754c73e4cd24644db503be45a31eb6628f1731df68013f98e09fb9d07fcac11fbbc21f9cb35f5db4cf2ea69f3f68a"
    "fcffa4"
)


def colours(values: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Return uint8 ``(..., 3)`` for values of 0-1: black at 0, light yellow at 1."""
    corners = np.frombuffer(bytes.fromhex(_INFERNO), dtype=np.uint8).reshape(-1, 3)
    at = np.linspace(0, 1, len(corners))
    channels = [np.interp(values, at, corners[:, channel]) for channel in range(3)]
    result: NDArray[np.uint8] = np.rint(np.stack(channels, axis=-1)).astype(np.uint8)
    return result


def overlay(pixels: NDArray[np.uint8], heat_map: HeatMap, *, share: float = SHARE) -> NDArray[np.uint8]:
    """Return a picture uint8 ``(H, W, 3)`` under its heat map, of the same shape; bright is what speaks for the class.

    Args:
        pixels: the whole upright picture, of any size; not changed.
        share: of the map's colour, 0-1.
    """
    tints = colours(heat_map.on_picture(pixels.shape[1], pixels.shape[0]))
    mixed: NDArray[np.uint8] = np.rint(tints * share + pixels * (1 - share)).astype(np.uint8)
    return mixed


def heat_map_png(pixels: NDArray[np.uint8], heat_map: HeatMap, *, longest: int = LONGEST) -> bytes:
    """Return the bytes of a PNG: the picture under its heat map, its longer side at most ``longest`` pixels."""
    return png(overlay(shrunk(pixels, longest), heat_map))


def shrunk(pixels: NDArray[np.uint8], longest: int) -> NDArray[np.uint8]:
    """Return a picture uint8 ``(H, W, 3)`` whose longer side has at most ``longest`` pixels."""
    if max(pixels.shape[:2]) <= longest:
        return pixels
    picture = Image.fromarray(pixels)
    picture.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    return np.asarray(picture)


def png(pixels: NDArray[np.uint8]) -> bytes:
    """Return uint8 ``(H, W, 3)`` as the bytes of a PNG."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG", optimize=True)
    return stream.getvalue()
