"""Affine changes: turn, shear, zoom, shift and mirror each picture of a batch in one bilinear sampling.

A change is a matrix that leads from a place in the result to a place in the picture, as
``scipy.ndimage.affine_transform`` takes it and as Keras' ``ImageDataGenerator`` composes it: float64 ``(N, 3, 3)``,
coordinates (row, column) in pixels from the picture's centre. Where a place lies outside, the nearest pixel is
taken (Keras' ``fill_mode="nearest"``), so no black corners teach a network that a picture was turned.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

from anmok.training.augmentation.chance import PerPicture, count_of, rounded


def sample(pictures: Tensor, change: Tensor) -> Tensor:
    """Return uint8 ``(N, 3, H, W)``, the pictures as seen through ``change`` ``(N, 3, 3)``; any device."""
    height, width = pictures.shape[2:]
    # grid_sample counts (column, row) from -1 to 1; half a side is 1.
    side = torch.tensor([width / 2, height / 2], dtype=change.dtype)
    flipped = change[:, [1, 0]][:, :, [1, 0, 2]]
    theta = torch.cat((flipped[:, :, :2] * side, flipped[:, :, 2:]), dim=2) / side.reshape(1, 2, 1)
    grid = affine_grid(theta.float().to(pictures.device), list(pictures.shape), align_corners=False)
    seen = grid_sample(pictures.float(), grid, mode="bilinear", padding_mode="border", align_corners=False)
    return rounded(seen)


def unchanged(n: int) -> Tensor:
    """Return the change that changes nothing."""
    return torch.eye(3, dtype=torch.float64).repeat(n, 1, 1)


def rotation(degrees: Tensor) -> Tensor:
    """Return a turn about the centre; positive is clockwise, as one sees it."""
    angle = torch.deg2rad(degrees.double())
    change = unchanged(len(angle))
    change[:, 0, 0] = change[:, 1, 1] = torch.cos(angle)
    change[:, 0, 1], change[:, 1, 0] = -torch.sin(angle), torch.sin(angle)
    return change


def shift(rows: Tensor, columns: Tensor) -> Tensor:
    """Return a shift, pixels; positive moves the picture up and left."""
    change = unchanged(len(rows))
    change[:, 0, 2], change[:, 1, 2] = rows, columns
    return change


def shear_by_angle(degrees: Tensor) -> Tensor:
    """Return the shear of Keras, which also flattens the picture a little: its second column has length 1."""
    angle = torch.deg2rad(degrees.double())
    change = unchanged(len(angle))
    change[:, 0, 1], change[:, 1, 1] = -torch.sin(angle), torch.cos(angle)
    return change


def shear_by_share(rows: Tensor, columns: Tensor) -> Tensor:
    """Return a shear by tangents: the place moves ``rows`` down a column to the right, ``columns`` right a row down."""
    change = unchanged(len(rows))
    change[:, 0, 1], change[:, 1, 0] = rows, columns
    return change


def zoom(rows: Tensor, columns: Tensor) -> Tensor:
    """Return a zoom; as with Keras, factors below 1 show a part larger and those above 1 the whole smaller."""
    change = unchanged(len(rows))
    change[:, 0, 0], change[:, 1, 1] = rows, columns
    return change


def mirror(rows: Tensor, columns: Tensor) -> Tensor:
    """Return a change that turns pictures upside down where bool ``rows``, left to right where bool ``columns``."""
    return zoom(1 - 2.0 * rows, 1 - 2.0 * columns)


class Affine(PerPicture):
    """Changes each picture as Keras' ``ImageDataGenerator`` does with the same numbers.

    That is rotation, shift, shear and zoom, composed in this order about the centre, each uniform within its range;
    then mirroring, each way with probability 1/2.

    Args:
        rotation: degrees, at most, either way.
        shift: share of the side, at most, along each axis.
        shear: *degrees*, at most, as Keras counts them.
        zoom: least and greatest factor, of each axis by itself; below 1 a part is shown larger.
        flip: mirror left and right. flip_vertical: mirror top and bottom.
    """

    def __init__(
        self,
        *,
        rotation: float = 0.0,
        shift: float = 0.0,
        shear: float = 0.0,
        zoom: tuple[float, float] = (1.0, 1.0),
        flip: bool = False,
        flip_vertical: bool = False,
    ) -> None:
        super().__init__()
        self.rotation, self.shift, self.shear, self.zoom = rotation, shift, shear, zoom
        self.flip, self.flip_vertical = flip, flip_vertical

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """Draw ``change``, float64 ``(N, 3, 3)``."""
        n = count_of(flat_inputs)
        height, width = flat_inputs[0].shape[2:]
        angles = self.evenly(n, -self.rotation, self.rotation)
        rows, columns = (self.evenly(n, -self.shift, self.shift) * side for side in (height, width))
        shears = self.evenly(n, -self.shear, self.shear)
        taller, wider = self.evenly(n, *self.zoom), self.evenly(n, *self.zoom)
        nothing = torch.zeros(n, dtype=torch.bool)
        columns_mirrored = self.chance(n) if self.flip else nothing
        rows_mirrored = self.chance(n) if self.flip_vertical else nothing
        change = rotation(angles) @ shift(rows, columns) @ shear_by_angle(shears) @ zoom(taller, wider)
        return {"change": change @ mirror(rows_mirrored, columns_mirrored)}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """Sample uint8 ``(N, 3, H, W)`` anew."""
        return sample(inpt, params["change"])


class OneOfFive(PerPicture):
    """Changes each picture in exactly one of five ways, each as likely as the others.

    They are: a turn by one of ``angles``; a zoom, of width and height each by itself; a shear, of rows or of columns;
    a shift along both axes; or a mirroring left and right.

    Args:
        share: how far zoom, shear (tangent) and shift go at most, 0-1.
        angles: degrees.
    """

    #: The five, in the order of ``params["way"]``.
    WAYS = ("rotation", "zoom", "shear", "shift", "flip")

    def __init__(self, *, share: float = 0.2, angles: tuple[float, ...] = (45, 90, 135, 180, 225, 270, 315)) -> None:
        super().__init__()
        self.share, self.angles = share, angles

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """Draw ``way``, int64 ``(N,)``, and the ``change`` that follows, float64 ``(N, 3, 3)``."""
        n = count_of(flat_inputs)
        height, width = flat_inputs[0].shape[2:]
        way, along_rows = self.choice(n, len(self.WAYS)), self.chance(n)
        angles = torch.tensor(self.angles)[self.choice(n, len(self.angles))]
        one, other = (self.evenly(n, -self.share, self.share) for _axis in range(2))
        ways = torch.stack(
            (
                rotation(angles),
                zoom(1 + one, 1 + other),
                shear_by_share(one * along_rows, one * ~along_rows),
                shift(one * height, other * width),
                mirror(torch.zeros(n), torch.ones(n)),
            )
        )
        return {"way": way, "change": ways[way, torch.arange(n)]}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """Sample uint8 ``(N, 3, H, W)`` anew."""
        return sample(inpt, params["change"])
