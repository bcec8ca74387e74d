"""How alike two pictures are when one is laid over the other as well as a shift, a stretch and a gain allow.

Each pair is registered by Gauss-Newton steps on the squared difference (B. Lucas, T. Kanade, An Iterative Image
Registration Technique with an Application to Stereo Vision, 1981) with six parameters: stretch and shift of each
axis, which undo a cut, and gain and offset, which undo a change of brightness. All pairs of a batch go in step.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anmok.clean.near_windows import luma

Frames = NDArray[np.float32]

#: Largest stretch and shift (share of the side): a cut of 5 % on either picture, with room for a bit more.
MAX_STRETCH, MAX_SHIFT = 1.12, 0.07
#: Largest change of light that is still the same picture: more than +-20 %, less than day and night.
MAX_GAIN = 1.5
#: Noise that recompression leaves in a small picture, grey levels: differences below it tell nothing.
NOISE = 2.0
#: Offsets beyond so many levels, plus so many times the contrast, make another picture: plain ones have but a level.
PLAIN_OFFSET, OFFSET_PER_CONTRAST = 6.0, 5.0
_BLACK, _WHITE = 3, 250  # beyond these a change of brightness has cut values off


def likeness(first: NDArray[np.uint8], second: NDArray[np.uint8], *, steps: int = 8, finer: int = 4) -> Frames:
    """Return float32 ``(P,)``, 0-1: correlation of each pair of pictures after one is laid over the other.

    The correlation runs over the common part and all three channels with one gain, so colour counts; differences
    within ``NOISE`` do not. Registered at half size first.

    Args:
        first, second: uint8 ``(P, S, S, 3)``, S even.
        steps: of registration at half size.
        finer: of registration at full size; 0 compares at half size, which is quicker and a little less strict.
    """
    if not len(first):
        return np.zeros(0, dtype=np.float32)
    one, other = first.astype(np.float32), second.astype(np.float32)
    grey_one, grey_other = luma(first), luma(second)
    fit = _Fit.identity(len(one))
    fit = _register(_halved(grey_one), _halved(grey_other), fit, steps)
    if not finer:
        return _compare(_halved(one), _halved(other), fit)
    fit = _register(grey_one, grey_other, fit.doubled(), finer)
    return _compare(one, other, fit)


@dataclass(frozen=True, slots=True, eq=False)
class _Fit:
    """Where each pixel of the second picture lies in the first: stretch about the middle and shift, (P,) each."""

    stretch_x: Frames
    stretch_y: Frames
    shift_x: Frames
    shift_y: Frames

    @classmethod
    def identity(cls, count: int) -> _Fit:
        one, zero = np.ones(count, dtype=np.float32), np.zeros(count, dtype=np.float32)
        return cls(one, one, zero, zero)

    def doubled(self) -> _Fit:
        return _Fit(self.stretch_x, self.stretch_y, 2 * self.shift_x, 2 * self.shift_y)

    def moved(self, step: Frames, side: int) -> _Fit:
        low, high, far = 1 / MAX_STRETCH, MAX_STRETCH, MAX_SHIFT * side
        return _Fit(
            np.clip(self.stretch_x + step[:, 0], low, high),
            np.clip(self.stretch_y + step[:, 1], low, high),
            np.clip(self.shift_x + step[:, 2], -far, far),
            np.clip(self.shift_y + step[:, 3], -far, far),
        )


def _halved(frames: Frames) -> Frames:
    """Return means of 2x2 pixels, (P, S/2, S/2) or with channels."""
    count, side = frames.shape[:2]
    blocks = frames.reshape(count, side // 2, 2, side // 2, 2, *frames.shape[3:])
    return np.asarray(blocks.mean(axis=(2, 4)), dtype=np.float32)


def _sampling(stretch: Frames, shift: Frames, side: int) -> tuple[Frames, NDArray[np.bool_]]:
    """Return (P, S, S), the matrix of linear interpolation along one axis, and (P, S), which places lie inside."""
    places = np.arange(side, dtype=np.float32)
    middle = (side - 1) / 2
    wanted = (places - middle) * stretch[:, None] + np.float32(middle) + shift[:, None]
    weights = np.maximum(0, 1 - np.abs(wanted[:, :, None] - places)).astype(np.float32)
    return weights, (wanted > -0.02) & (wanted < side - 0.98)


def _sampled(frames: list[Frames], fit: _Fit) -> tuple[list[Frames], NDArray[np.bool_]]:
    """Return each of the frames (P, S, S) as ``fit`` says, and where the result lies inside of them."""
    side = frames[0].shape[1]
    across, inside_x = _sampling(fit.stretch_x, fit.shift_x, side)
    down, inside_y = _sampling(fit.stretch_y, fit.shift_y, side)
    turned = across.transpose(0, 2, 1)
    return [np.asarray(down @ frame @ turned, dtype=np.float32) for frame in frames], inside_y[:, :, None] & inside_x[
        :, None, :
    ]


def _register(one: Frames, other: Frames, fit: _Fit, steps: int) -> _Fit:
    """Improve the fit so that gain * one + offset comes close to other."""
    count, side = one.shape[:2]
    from_middle = np.arange(side, dtype=np.float32) - (side - 1) / 2
    slopes_of: tuple[Frames, Frames] = np.gradient(one, axis=(1, 2))  # type: ignore[assignment]
    slope_y, slope_x = slopes_of
    sound = (other > _BLACK) & (other < _WHITE)
    target = other.reshape(count, -1, 1)
    gain = np.ones(count, dtype=np.float32)
    for _step in range(steps):
        (laid, across, down), inside = _sampled([one, slope_x, slope_y], fit)
        across, down = across * gain[:, None, None], down * gain[:, None, None]
        columns = (across * from_middle, down * from_middle[:, None], across, down, laid, np.ones_like(laid))
        slopes = np.stack([column.reshape(count, -1) for column in columns], axis=2)
        weighted = slopes * (sound & inside).reshape(count, -1, 1)
        # Gain and offset are solved for anew each time: in them the model is linear.
        normal = weighted.transpose(0, 2, 1) @ slopes
        damping = 1e-3 * np.einsum("pii->pi", normal) + 1e-3
        normal = normal + np.eye(6, dtype=np.float32) * damping[:, None, :]
        solved = np.linalg.solve(normal, weighted.transpose(0, 2, 1) @ target)[:, :, 0]
        fit = fit.moved(solved[:, :4], side)
        gain = np.clip(solved[:, 4], 1 / MAX_GAIN, MAX_GAIN)
    return fit


def _compare(one: Frames, other: Frames, fit: _Fit) -> Frames:
    """Return the correlation over the common part of (P, S, S, 3) frames; differences within the noise are forgiven."""
    channels, inside = _sampled([one[..., channel] for channel in range(3)], fit)
    laid = np.stack(channels, axis=3)
    weights = inside[..., None] & (other > _BLACK) & (other < _WHITE)
    # Where most of a picture is black or white, that is what it shows.
    few = weights.mean(axis=(1, 2, 3)) < 0.3
    weights = np.where(few[:, None, None, None], inside[..., None], weights).astype(np.float32)
    total = np.maximum(weights.sum(axis=(1, 2, 3)), 1)
    mean_one, mean_other = ((frame * weights).sum(axis=(1, 2, 3)) / total for frame in (laid, other))
    from_one = (laid - mean_one[:, None, None, None]) * weights
    from_other = (other - mean_other[:, None, None, None]) * weights
    spread_one, spread_other = ((part**2).sum(axis=(1, 2, 3)) / total for part in (from_one, from_other))
    common = (from_one * from_other).sum(axis=(1, 2, 3)) / total
    # The noise pulls the gain of plain pictures to 1.
    gain = np.clip((common + NOISE**2) / (spread_one + NOISE**2), 1 / MAX_GAIN, MAX_GAIN)
    left = np.maximum(spread_other - 2 * gain * common + gain**2 * spread_one, 0)
    offset = np.abs(mean_other - gain * mean_one)
    alike = np.sqrt(np.maximum(0, 1 - left / (spread_other + NOISE**2)))
    return np.where(offset <= PLAIN_OFFSET + OFFSET_PER_CONTRAST * np.sqrt(spread_other), alike, 0).astype(np.float32)
