"""Affine changes against scipy and Keras' own formula, and the five projects' policies against their numbers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor
from torchvision.transforms import v2

from anmok.training.augmentation import Affine, Brightness, OneOfFive, get_policy
from anmok.training.augmentation.geometry import mirror, rotation, sample, shear_by_angle, shear_by_share, shift, zoom


def smooth(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    """Return uint8 ``(height, width, 3)`` without hard edges, so that a hair of a pixel makes no large difference."""
    noise = np.random.default_rng(seed).uniform(0, 255, (height, width, 3))
    blurred = ndimage.gaussian_filter(noise, (2, 2, 0))
    return (255 * (blurred - blurred.min()) / np.ptp(blurred)).round().astype(np.uint8)


def keras(pixels: NDArray[np.uint8], theta: float, tx: float, ty: float, shear: float, zx: float, zy: float) -> Tensor:
    """Return what Keras' ``apply_affine_transform`` is documented to do, float64 ``(H, W, 3)``.

    Row and column, from the result to the picture: rotation, shift, shear and zoom are multiplied in this order and
    moved to the centre; scipy samples bilinearly and takes the nearest pixel outside.
    """
    turn, slant = np.deg2rad(theta), np.deg2rad(shear)
    matrix = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    matrix = matrix @ np.array([[1, 0, tx], [0, 1, ty], [0, 0, 1]])
    matrix = matrix @ np.array([[1, -np.sin(slant), 0], [0, np.cos(slant), 0], [0, 0, 1]])
    matrix = matrix @ np.diag([zx, zy, 1])
    middle = [side / 2 - 0.5 for side in pixels.shape[:2]]
    there, back = np.eye(3), np.eye(3)
    there[:2, 2], back[:2, 2] = middle, np.negative(middle)
    matrix = there @ matrix @ back
    channels = [
        ndimage.affine_transform(pixels[..., c].astype(float), matrix[:2, :2], matrix[:2, 2], order=1, mode="nearest")
        for c in range(3)
    ]
    return torch.from_numpy(np.stack(channels))


def as_batch(pixels: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(pixels).permute(2, 0, 1).unsqueeze(0)


def one(value: float) -> Tensor:
    return torch.tensor([value], dtype=torch.float64)


def batch_of(count: int, height: int, width: int) -> Tensor:
    """Return a batch without pixels: what is drawn depends on its shape alone."""
    return torch.empty(count, 3, height, width, dtype=torch.uint8, device="meta")


angle, share, factor = st.floats(-180, 180), st.floats(-0.5, 0.5), st.floats(0.5, 1.6)


@settings(max_examples=60, deadline=None)
@given(st.integers(9, 40), st.integers(9, 40), angle, share, share, st.floats(-40, 40), factor, factor)
def test_a_change_is_what_keras_makes_of_the_same_numbers(
    height: int, width: int, theta: float, tx: float, ty: float, shear: float, zx: float, zy: float
) -> None:
    pixels = smooth(height, width)
    tx, ty = tx * height, ty * width
    change = rotation(one(theta)) @ shift(one(tx), one(ty)) @ shear_by_angle(one(shear)) @ zoom(one(zx), one(zy))
    ours = sample(as_batch(pixels), change)[0].double()
    theirs = keras(pixels, theta, tx, ty, shear, zx, zy)
    # Rounding to whole numbers is half a level; single precision of the places is less than half of one more.
    assert (ours - theirs).abs().max() < 1.0


def test_a_policy_composes_what_it_draws_in_keras_order() -> None:
    pixels, n = smooth(24, 36), 12
    policy = Affine(rotation=60, shift=0.3, shear=25, zoom=(0.6, 1.5))
    torch.manual_seed(3)
    ours = policy(as_batch(pixels).expand(n, -1, -1, -1))
    torch.manual_seed(3)
    # Angle, shift of rows, of columns, shear, zoom of rows, of columns: one draw of the batch after another.
    theta, tx, ty, shear, zx, zy = (torch.rand(n, dtype=torch.float32) * 2 - 1 for _draw in range(6))
    for row in range(n):
        numbers = (60 * theta[row], 0.3 * 24 * tx[row], 0.3 * 36 * ty[row], 25 * shear[row])
        theirs = keras(pixels, *map(float, (*numbers, 1.05 + 0.45 * zx[row], 1.05 + 0.45 * zy[row])))
        assert (ours[row].double() - theirs).abs().max() < 1.0


def test_known_changes_move_known_pixels() -> None:
    pixels = smooth(12, 12)
    picture = as_batch(pixels)
    assert torch.equal(sample(picture, rotation(one(90)))[0], picture[0].rot90(-1, (1, 2)))
    assert torch.equal(sample(picture, rotation(one(180)))[0], picture[0].flip(1, 2))
    assert torch.equal(sample(picture, mirror(one(0), one(1)))[0], picture[0].flip(2))
    assert torch.equal(sample(picture, mirror(one(1), one(0)))[0], picture[0].flip(1))
    moved = sample(picture, shift(one(3), one(0)))[0]
    assert torch.equal(moved[:, :9], picture[0, :, 3:])
    assert torch.equal(moved[:, 9:], picture[0, :, 11:].expand(3, 3, 12))


def test_a_shear_of_one_fifth_moves_the_edge_by_a_tenth_of_the_side() -> None:
    ramp = torch.arange(101, dtype=torch.uint8).expand(1, 3, 101, 101)
    sheared = sample(ramp, shear_by_share(one(0), one(0.2)))[0, 0]
    assert sheared[50].tolist() == list(range(101))
    assert int(sheared[100, 50]) == 60
    assert int(sheared[0, 50]) == 40


@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last])
def test_neutral_numbers_leave_every_pixel_as_it_was(memory: torch.memory_format) -> None:
    torch.manual_seed(0)
    for height, width in ((31, 31), (64, 64), (17, 240), (244, 244)):
        pictures = torch.randint(0, 256, (3, 3, height, width), dtype=torch.uint8).contiguous(memory_format=memory)
        assert torch.equal(Affine()(pictures), pictures)
        assert torch.equal(Brightness(1, 1)(pictures), pictures)


def test_what_is_drawn_fills_its_ranges_evenly() -> None:
    torch.manual_seed(0)
    canvas = [batch_of(4000, 100, 200)]
    turned = Affine(rotation=30).make_params(canvas)["change"]
    angles = torch.rad2deg(torch.atan2(turned[:, 1, 0], turned[:, 0, 0]))
    shifted = Affine(shift=0.2).make_params(canvas)["change"]
    zoomed = Affine(zoom=(0.7, 1.3)).make_params(canvas)["change"]
    sheared = Affine(shear=20).make_params(canvas)["change"]
    for values, low, high in (
        (angles, -30, 30),
        (shifted[:, 0, 2], -20, 20),
        (shifted[:, 1, 2], -40, 40),
        (zoomed[:, 0, 0], 0.7, 1.3),
        (zoomed[:, 1, 1], 0.7, 1.3),
        (torch.rad2deg(torch.asin(-sheared[:, 0, 1])), -20, 20),
    ):
        places = (values.double() - low) / (high - low)
        assert places.min() > -1e-6
        assert places.max() < 1 + 1e-6
        counts = torch.histc(places.float(), 10, 0, 1)
        assert counts.min() > 320
        assert counts.max() < 480
    together = torch.corrcoef(torch.stack((zoomed[:, 0, 0], zoomed[:, 1, 1])))[0, 1]
    assert abs(float(together)) < 0.06


@pytest.mark.parametrize(("flip", "vertical"), [(True, False), (False, True), (True, True)])
def test_each_way_of_mirroring_comes_half_the_time_and_by_itself(flip: bool, vertical: bool) -> None:
    torch.manual_seed(0)
    change = Affine(flip=flip, flip_vertical=vertical).make_params([batch_of(2000, 8, 8)])["change"]
    columns, rows = change[:, 1, 1] < 0, change[:, 0, 0] < 0
    assert bool(columns.any()) == flip
    assert bool(rows.any()) == vertical
    assert not flip or 900 < columns.sum() < 1100
    assert not (flip and vertical) or 430 < (columns & rows).sum() < 570


def test_horse_human_changes_each_picture_in_one_of_five_ways_about_equally_often() -> None:
    torch.manual_seed(0)
    policy = get_policy("horse-human")
    assert isinstance(policy, OneOfFive)
    drawn = policy.make_params([batch_of(5000, 244, 244)])
    way, change = drawn["way"], drawn["change"]
    counts = torch.bincount(way, minlength=5)
    assert counts.min() > 900
    assert counts.max() < 1100
    turned, zoomed, sheared, shifted, mirrored = (change[way == number] for number in range(5))
    angles = torch.rad2deg(torch.atan2(turned[:, 1, 0], turned[:, 0, 0])).round() % 360
    assert sorted(set(angles.int().tolist())) == [45, 90, 135, 180, 225, 270, 315]
    assert torch.bincount((angles / 45).long()).max() < 200
    for values, reach in ((zoomed[:, 0, 0] - 1, 0.2), (zoomed[:, 1, 1] - 1, 0.2), (shifted[:, :2, 2] / 244, 0.2)):
        assert 0.19 < values.abs().max() <= reach
    tangents = torch.stack((sheared[:, 0, 1], sheared[:, 1, 0]))
    assert 0.19 < tangents.abs().max() <= 0.2
    assert bool(((tangents == 0).sum(dim=0) == 1).all())
    assert torch.equal(mirrored[0], torch.diag(torch.tensor([1, -1, 1], dtype=torch.float64)))
    # Nothing but the one way: no turn also zooms, no zoom also shifts.
    assert torch.allclose(turned[:, 0, 0] ** 2 + turned[:, 1, 0] ** 2, torch.ones(len(turned), dtype=torch.float64))
    assert not zoomed[:, :2, 2].any()
    assert torch.equal(shifted[:, :2, :2], torch.eye(2, dtype=torch.float64).repeat(len(shifted), 1, 1))


@pytest.mark.parametrize(
    ("name", "wanted", "light"),
    [
        ("dog-preview", {"rotation": 90, "shift": 0.2, "zoom": (0.8, 1.2)}, (0.8, 1.0)),
        ("cats-dogs", {"shear": 0.2, "zoom": (0.8, 1.2), "flip": True}, None),
        (
            "sports-efficientnetb0",
            {"rotation": 20, "shift": 0.2, "shear": 0.2, "zoom": (0.7, 1.3), "flip": True},
            (0.75, 1.25),
        ),
        (
            "sports-mobilenetv2",
            {"rotation": 30, "shift": 0.2, "shear": 0.15, "zoom": (0.85, 1.15), "flip": True},
            None,
        ),
        (
            "illustrations",
            {"rotation": 10, "shift": 0.1, "shear": 0.2, "zoom": (0.8, 1.2), "flip": True, "flip_vertical": True},
            None,
        ),
    ],
)
def test_the_projects_policies_have_the_projects_numbers(
    name: str, wanted: dict[str, object], light: tuple[float, float] | None
) -> None:
    policy = get_policy(name)
    parts = list(policy.transforms) if isinstance(policy, v2.Compose) else [policy]
    numbers = {"rotation": 0.0, "shift": 0.0, "shear": 0.0, "zoom": (1.0, 1.0), "flip": False, "flip_vertical": False}
    assert {key: getattr(parts[0], key) for key in numbers} == numbers | wanted
    assert [(part.low, part.high) for part in parts[1:]] == ([light] if light else [])


def test_a_shear_of_a_fifth_of_a_degree_cannot_be_seen_as_its_comment_says() -> None:
    # The published projects wrote 0.2 and meant a share; what their code did is kept, and this is what it did.
    sheared = sample(torch.arange(224, dtype=torch.uint8).expand(1, 3, 224, 224), shear_by_angle(one(0.2)))
    assert (sheared[0, 0].float() - torch.arange(224)).abs().max() <= 1


def test_brightness_multiplies_and_cuts_off() -> None:
    torch.manual_seed(0)
    grey = torch.full((500, 3, 2, 2), 200, dtype=torch.uint8)
    after = Brightness(0.75, 1.25)(grey)[:, 0, 0, 0].float()
    assert 150 <= after.min() < 152
    assert after.max() <= 250
    assert Brightness(2, 2)(grey).min() == 255
