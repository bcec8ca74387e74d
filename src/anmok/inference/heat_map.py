"""A heat map: which places of a picture speak for a class, and how that lies over the picture. Light."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anmok.notebook import ShownInNotebooks

#: Steps each way in which the strongest place is looked for.
FINE = 128

#: x0, y0, x1, y1 as shares of width and height.
Span = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, eq=False)
class HeatMap(ShownInNotebooks):
    """Where a picture speaks for a class.

    Attributes:
        values: float32 ``(h, w)``, 0 (says nothing for the class, or speaks against it) to 1 (the strongest place).
        label, index: the class, its name and number.
        method: ``"cam"``, ``"hirescam"`` or ``"occlusion"``.
        peak: by how much the strongest place raises the class's score, in logits; 0 where no place does.
        box: x0, y0, x1, y1: the part of the picture that ``values`` divide evenly, as shares of its width and height.
            It may reach beyond the picture: below 0, above 1.
        seen: the part of the picture that the model looks at, likewise; of a picture that is padded, more than all.
    """

    values: NDArray[np.float32]
    label: str
    index: int
    method: str
    peak: float
    box: Span = (0.0, 0.0, 1.0, 1.0)
    seen: Span = (0.0, 0.0, 1.0, 1.0)

    def on_picture(self, width: int, height: int) -> NDArray[np.float32]:
        """Return float32 ``(height, width)``, 0-1: the map over a picture of that size; 0 where the model did not look.

        Smoothed by a cubic B-spline over its places, so that it has no corners and a peak may lie between two of them
        (on cards pasted onto scenes it then lies on the card twice as often as by linear interpolation).
        """
        x0, y0, x1, y1 = self.box
        down = _weights(height, self.values.shape[0], y0, y1) * _inside(height, self.seen[1], self.seen[3])[:, None]
        across = _weights(width, self.values.shape[1], x0, x1) * _inside(width, self.seen[0], self.seen[2])[:, None]
        spread = down @ self.values.astype(np.float64) @ across.T
        result: NDArray[np.float32] = (spread / (spread.max(initial=0) or 1)).astype(np.float32)
        return result

    @property
    def strongest(self) -> tuple[float, float] | None:
        """The strongest place, as shares of the picture's width and height; None where nothing speaks for the class."""
        if self.peak <= 0 and not self.values.any():
            return None
        spread = self.on_picture(FINE, FINE)
        # Of a plateau its middle; of two, a place on the nearer one and not between them.
        highest = np.argwhere(spread >= 0.99 * spread.max())
        row, column = highest[((highest - highest.mean(axis=0)) ** 2).sum(axis=1).argmin()]
        return (float(column) + 0.5) / FINE, (float(row) + 0.5) / FINE


def _weights(pixels: int, places: int, low: float, high: float) -> NDArray[np.float64]:
    """Return ``(pixels, places)``: how much of each place's value each pixel takes, along one side.

    Args:
        low, high: where the places begin and end, as shares of the side.
    """
    at = ((np.arange(pixels) + 0.5) / pixels - low) / (high - low) * places - 0.5
    # Beyond the edge the outermost place goes on: a cubic B-spline reaches two places each way.
    around = np.arange(-2, places + 2)
    weights = np.zeros((pixels, places))
    np.add.at(weights.T, np.clip(around, 0, places - 1), _cubic(np.clip(at, 0, places - 1)[:, None] - around).T)
    return weights


def _inside(pixels: int, low: float, high: float) -> NDArray[np.bool_]:
    """Return bool ``(pixels,)``: whose centre lies between two shares of the side."""
    centres = (np.arange(pixels) + 0.5) / pixels
    inside: NDArray[np.bool_] = (centres > low) & (centres < high)
    return inside


def _cubic(distances: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the cubic B-spline (de Boor, A practical guide to splines, 1978) at these distances from its centre."""
    t = np.abs(distances)
    near, far = 2 / 3 - t**2 + t**3 / 2, np.clip(2 - t, 0, None) ** 3 / 6
    return np.where(t < 1, near, far)
