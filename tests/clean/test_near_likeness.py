"""Laying one picture over the other: copies come out alike, others do not, whatever happened to the copy."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageEnhance

from anmok.clean.near_copies import HIGHEST_BAR, LOWEST_BAR, learn_bar
from anmok.clean.near_likeness import likeness
from tests.pictures import photo

SIDE = 64


def small(image: Image.Image) -> NDArray[np.uint8]:
    return np.asarray(image.resize((SIDE, SIDE), Image.Resampling.LANCZOS))


def alike(one: Image.Image, other: Image.Image) -> float:
    first, second = small(one)[None], small(other)[None]
    there, back = likeness(first, second)[0], likeness(second, first)[0]
    assert 0 <= there <= 1
    # Which of the two is the copy is not known, and must not decide.
    assert abs(float(there) - float(back)) < 0.05
    return float(min(there, back))


@pytest.fixture(scope="module")
def picture() -> Image.Image:
    return photo(256, 224, 3)


@pytest.mark.parametrize("window", [(12, 0, 256, 224), (0, 0, 244, 213), (12, 11, 256, 224), (6, 5, 250, 219)])
def test_a_strip_that_was_cut_off_is_undone(picture: Image.Image, window: tuple[int, int, int, int]) -> None:
    assert alike(picture, picture.crop(window)) > 0.97


@pytest.mark.parametrize("factor", [0.8, 1.2])
def test_a_change_of_brightness_is_undone(picture: Image.Image, factor: float) -> None:
    assert alike(picture, ImageEnhance.Brightness(picture).enhance(factor)) > 0.97


def test_other_pictures_and_other_colours_are_not_alike(picture: Image.Image) -> None:
    assert alike(picture, photo(256, 224, 4)) < 0.8
    red, green, blue = picture.split()
    assert alike(picture, Image.merge("RGB", (blue, red, green))) < 0.8


def test_plain_pictures_are_alike_where_they_have_the_same_colour() -> None:
    white, also_white, grey, black = (Image.new("RGB", (80, 60), (n, n, n)) for n in (255, 254, 128, 0))
    assert alike(white, also_white) == pytest.approx(1)
    for other in (grey, black):
        assert alike(white, other) < 0.5


def test_a_plain_picture_is_not_like_one_that_shows_something(picture: Image.Image) -> None:
    assert alike(Image.new("RGB", picture.size, (128, 128, 128)), picture) < 0.8


def test_the_bar_lies_low_over_a_gap_and_high_where_likeness_falls_off_without_one() -> None:
    gap = np.r_[np.full(300, 0.99), np.linspace(0.2, 0.7, 300)].astype(np.float32)
    assert learn_bar(gap) == LOWEST_BAR
    film = np.tanh(np.linspace(0.5, 2.6, 2000)).astype(np.float32)
    assert learn_bar(film) == HIGHEST_BAR
    assert learn_bar(np.zeros(0, dtype=np.float32)) == LOWEST_BAR
