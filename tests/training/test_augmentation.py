from __future__ import annotations

import pytest
import torch
from torch import Tensor

from anmok.errors import UnknownName
from anmok.training.augmentation import FlipZoomShift, LightJitter, get_policy, policy_names, register_policy
from tests.training.made import striped


def same_picture(count: int, size: int = 32) -> Tensor:
    return torch.from_numpy(striped(1, 0, size)).permute(2, 0, 1).expand(count, 3, size, size).clone()


@pytest.mark.parametrize("name", policy_names())
@pytest.mark.parametrize("channels_last", [True, False])
def test_every_policy_keeps_shape_and_type_and_leaves_its_input_alone(name: str, channels_last: bool) -> None:
    pictures = same_picture(5)
    if channels_last:
        pictures = pictures.contiguous(memory_format=torch.channels_last)
    before = pictures.clone()
    after = get_policy(name)(pictures)
    assert after.shape == pictures.shape
    assert after.dtype == torch.uint8
    assert torch.equal(pictures, before)


@pytest.mark.parametrize("name", policy_names())
def test_every_policy_is_the_same_again_under_the_same_seed(name: str) -> None:
    results = []
    for _ in range(2):
        torch.manual_seed(5)
        results.append(get_policy(name)(same_picture(4)))
    assert torch.equal(*results)


def test_no_augmentation_changes_nothing() -> None:
    pictures = same_picture(3)
    assert torch.equal(get_policy("none")(pictures), pictures)


def test_each_picture_of_a_batch_is_changed_in_its_own_way() -> None:
    torch.manual_seed(0)
    for transform in (FlipZoomShift(), LightJitter(), get_policy("flip-shift")):
        assert len({bytes(picture.numpy().tobytes()) for picture in transform(same_picture(8))}) == 8


def test_mirroring_alone_gives_the_picture_or_its_mirror_image() -> None:
    torch.manual_seed(0)
    pictures = same_picture(40)
    after = FlipZoomShift(zoom=0, stretch=0, shift=0)(pictures)
    mirrored = [torch.equal(picture, pictures[0].flip(2)) for picture in after]
    straight = [torch.equal(picture, pictures[0]) for picture in after]
    assert all(one != other for one, other in zip(mirrored, straight, strict=True))
    assert 10 < sum(mirrored) < 30


def test_empty_pixels_take_the_nearest_colour_and_never_black() -> None:
    torch.manual_seed(0)
    white = torch.full((16, 3, 32, 32), 200, dtype=torch.uint8)
    assert torch.equal(FlipZoomShift(zoom=0.5, shift=0.4)(white), white)


def test_zooming_shows_a_part_of_the_picture_larger() -> None:
    torch.manual_seed(0)
    ramp = torch.arange(0, 256, 4, dtype=torch.uint8).expand(3, 64, 64).repeat(16, 1, 1, 1)
    after = FlipZoomShift(zoom=0.5, stretch=0, shift=0, flip=False)(ramp).float()
    slopes = (after[:, 0, 32, 60] - after[:, 0, 32, 4]) / (4 * 56)
    assert slopes.min() >= 0.49
    assert slopes.max() <= 1.01
    assert slopes.std() > 0.05


def test_jitter_stays_within_its_strength() -> None:
    torch.manual_seed(0)
    grey = torch.full((64, 3, 8, 8), 100, dtype=torch.uint8)
    after = LightJitter(0.2)(grey)[:, 0, 0, 0].float()
    assert 80 <= after.min() < 88
    assert 112 < after.max() <= 120


def test_bright_colours_are_cut_off_and_do_not_wrap_round() -> None:
    torch.manual_seed(0)
    assert LightJitter(0.5)(torch.full((64, 3, 4, 4), 250, dtype=torch.uint8)).min() > 100


def test_a_policy_that_does_not_exist_is_refused_with_the_names_that_do() -> None:
    with pytest.raises(UnknownName, match="flip-shift"):
        get_policy("flipshift")


def test_a_taken_name_is_refused() -> None:
    with pytest.raises(ValueError, match="already registered"):
        register_policy("none")(LightJitter)
