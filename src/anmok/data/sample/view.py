"""Where the viewer stands, the picture being painted with its depth, and the relief renderer.

The relief renderer shows a landscape given as heights over (x, z) with true occlusion: near rows hide far
ones. It works on a grid of depth slices by picture columns, which is why it takes milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anmok.data.sample.light import Colour, Light
from anmok.data.sample.noise import Field

Patch = tuple[slice, slice]  # rows and columns of the picture


@dataclass(frozen=True)
class View:
    """A level camera: square picture of `pixels`, lengths in metres, the horizon at a share of the height."""

    pixels: int
    focal: float  # in picture widths; 0.8 is wide, 2 is a telephoto
    horizon: float  # 0 top, 1 bottom
    height: float  # of the eye above the zero level

    @property
    def u(self) -> Field:
        """Horizontal place of each column, (1, pixels), 0 to 1."""
        return ((np.arange(self.pixels, dtype=np.float32) + 0.5) / self.pixels)[None, :]

    @property
    def v(self) -> Field:
        """Vertical place of each row, (pixels, 1), 0 (top) to 1."""
        return ((np.arange(self.pixels, dtype=np.float32) + 0.5) / self.pixels)[:, None]

    def project(self, x: float, y: float, z: float) -> tuple[float, float]:
        """Give the pixel (column, row) of a point in metres."""
        scale = self.focal / max(z, 0.05)
        return (0.5 + x * scale) * self.pixels, (self.horizon + (self.height - y) * scale) * self.pixels

    def scale(self, z: float) -> float:
        """Pixels per metre at depth `z`."""
        return self.focal * self.pixels / z


@dataclass
class Scene:
    """A picture being painted: linear colour, depth in metres, and everything the painters need to know."""

    view: View
    light: Light
    rgb: Colour  # (pixels, pixels, 3)
    depth: Field  # (pixels, pixels); infinity in the sky

    @classmethod
    def empty(cls, view: View, light: Light) -> Scene:
        """Start with a black picture of infinite depth."""
        side = view.pixels
        return cls(view, light, np.zeros((side, side, 3), np.float32), np.full((side, side), np.inf, np.float32))

    def over(self, colour: Colour, mask: Field, patch: Patch = (slice(None), slice(None))) -> None:
        """Lay (..., 3) colour over the picture, or a patch of it, where the mask of that size is 1."""
        under = self.rgb[patch]
        under += (colour - under) * mask[..., None]

    def hazed(self, colour: Colour, z: Field | float) -> Colour:
        """Put air between the viewer and colours at depth `z`."""
        veil = 1 - np.exp(-self.light.haze_density * np.asarray(z, np.float32))
        hazed: Colour = colour + (self.light.haze - colour) * veil[..., None]
        return hazed


@dataclass(frozen=True)
class Relief:
    """What each pixel of a relief shows: depth, place, and how to bring slice-grid values to the pixels."""

    seen: NDArray[np.bool_]  # (pixels, pixels): the landscape, not the sky
    x: Field  # (pixels, pixels) metres
    z: Field
    y: Field  # height of the point in the picture; below `top` on vertical faces
    slice_of: NDArray[np.int32]
    share: Field

    @property
    def rows(self) -> Patch:
        """The rows in which there is any landscape: the only ones worth painting."""
        filled = np.nonzero(self.seen.any(axis=1))[0]
        return (slice(int(filled[0]) if len(filled) else len(self.seen) - 1, len(self.seen)), slice(None))

    def cut(self, patch: Patch) -> Relief:
        """Give the part of the relief in some rows."""
        return Relief(
            self.seen[patch], self.x[patch], self.z[patch], self.y[patch], self.slice_of[patch], self.share[patch]
        )

    def pick(self, grid: Field) -> Field:
        """Give (slices, pixels) values to the pixels, without interpolation."""
        picked: Field = grid[self.slice_of, np.arange(grid.shape[1])[None, :]]
        return picked

    def blend(self, grid: Field) -> Field:
        """Give (slices, pixels) values to the pixels, interpolated between neighbouring slices."""
        near = self.pick(grid)
        before = grid[np.maximum(self.slice_of - 1, 0), np.arange(grid.shape[1])[None, :]]
        result: Field = before + (near - before) * self.share
        return result


def slices(near: float, far: float, count: int) -> Field:
    """Depths of the slices, (count,): one per picture row near the viewer, by constant ratio far away."""
    t = np.linspace(0, 1, count, dtype=np.float32)
    ratio = near * (far / near) ** t
    even = 1 / (1 / near + (1 / far - 1 / near) * t)
    return (0.5 * ratio + 0.5 * even).astype(np.float32)


def cast_relief(
    view: View, depths: Field, height_at: Callable[[Field, Field], Field]
) -> tuple[Relief, Field, Field, Field]:
    """Find what each pixel sees of a landscape of heights.

    `height_at(x, z)` gets two (slices, pixels) arrays in metres and gives heights of that shape. Returned are
    the relief and the three grids x, z and height, each (slices, pixels).
    """
    side = view.pixels
    z = np.repeat(depths[:, None], side, axis=1)
    x = (view.u - 0.5) * z / view.focal
    heights = height_at(x, z)
    rows = (view.horizon + (view.height - heights) * view.focal / z) * side - 0.5
    skyline = np.minimum.accumulate(rows, axis=0)
    # For each pixel: how many slices end below it. Counted by a histogram, not by a search per column.
    bins = np.clip(np.ceil(skyline), 0, side).astype(np.int64)
    flat = bins * side + np.arange(side)
    counts = np.bincount(flat.ravel(), minlength=(side + 1) * side).reshape(side + 1, side)
    above = np.cumsum(counts[::-1], axis=0)[::-1]
    slice_of = above[1:].astype(np.int32)
    seen = slice_of < len(depths)
    slice_of = np.minimum(slice_of, len(depths) - 1)
    columns = np.arange(side)[None, :]
    here = rows[slice_of, columns]
    before = np.where(slice_of > 0, rows[np.maximum(slice_of - 1, 0), columns], np.float32(side))
    y_row = np.arange(side, dtype=np.float32)[:, None]
    gap = before - here
    share = np.clip((before - y_row) / np.where(np.abs(gap) < 1e-3, 1, gap), 0, 1).astype(np.float32)
    z_here = depths[slice_of]
    z_before = depths[np.maximum(slice_of - 1, 0)]
    z_pixel = z_before + (z_here - z_before) * share
    x_pixel = (view.u - 0.5) * z_pixel / view.focal
    y_pixel = view.height - (view.v - view.horizon) * z_pixel / view.focal
    return Relief(seen, x_pixel, z_pixel, y_pixel, slice_of, share), x, z, heights


def slopes(x: Field, z: Field, heights: Field) -> tuple[Field, Field]:
    """Give dh/dx and dh/dz of a height grid as returned by `cast_relief`, each (slices, pixels)."""
    across = np.gradient(heights, axis=1) / np.maximum(x[:, 1:2] - x[:, 0:1], 1e-6)
    along = np.gradient(heights, axis=0) / np.gradient(z[:, 0])[:, None]
    return across.astype(np.float32), along.astype(np.float32)


def facing_sun(light: Light, across: Field, along: Field) -> Field:
    """Cosine between the sun and ground of the given slopes, 0 where it lies in its own shade."""
    steep = np.sqrt(1 + across * across + along * along)
    cosine: Field = np.clip((light.sun[1] - light.sun[0] * across - light.sun[2] * along) / steep, 0, None)
    return cosine


def colours(share: Field, *stops: Colour) -> Colour:
    """Map (...) values 0 to 1 onto a ramp through the given colours, (..., 3)."""
    steps = len(stops) - 1
    ramp = np.broadcast_to(stops[0], (*share.shape, 3)).astype(np.float32)
    for number in range(steps):
        ramp += np.clip(share * steps - number, 0, 1)[..., None] * (stops[number + 1] - stops[number])
    return ramp
