"""The three rules that make a picture square."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from anmok.images import resize, square_in_picture

RULES = ("squash", "crop", "pad")
sides = st.integers(1, 90)
rules = st.sampled_from(RULES)


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(height * 1000 + width).integers(0, 256, (height, width, 3), dtype=np.uint8)


@given(sides, sides, st.integers(1, 60), rules)
def test_the_result_is_a_square_of_bytes(height: int, width: int, size: int, rule: str) -> None:
    square = resize(noise(height, width), size, rule)
    assert square.shape == (size, size, 3)
    assert square.dtype == np.uint8
    assert square.flags.c_contiguous
    assert square.flags.writeable


@given(sides, sides, st.integers(1, 60), st.sampled_from(("squash", "crop")), st.tuples(*[st.integers(0, 255)] * 3))
def test_a_picture_of_one_colour_keeps_it(
    height: int, width: int, size: int, rule: str, colour: tuple[int, int, int]
) -> None:
    square = resize(np.full((height, width, 3), colour, dtype=np.uint8), size, rule)
    assert (square == colour).all()


@given(sides, rules)
def test_a_square_of_the_right_size_stays_as_it_is(side: int, rule: str) -> None:
    pixels = noise(side, side)
    square = resize(pixels, side, rule)
    assert np.array_equal(square, pixels)
    assert not np.shares_memory(square, pixels)


@given(sides, st.integers(1, 60))
def test_for_squares_all_rules_agree(side: int, size: int) -> None:
    pixels = noise(side, side)
    squashed = resize(pixels, size, "squash")
    assert np.array_equal(squashed, resize(pixels, size, "crop"))
    assert np.array_equal(squashed, resize(pixels, size, "pad"))


@given(sides, sides, st.integers(1, 60))
def test_crop_is_squash_of_the_centred_square(height: int, width: int, size: int) -> None:
    pixels = noise(height, width)
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    inner = pixels[top : top + side, left : left + side]
    assert np.array_equal(resize(pixels, size, "crop"), resize(inner, size, "squash"))


@given(st.integers(1, 400), st.integers(1, 400), st.integers(1, 60))
def test_pad_keeps_the_aspect_ratio_and_fills_with_grey(height: int, width: int, size: int) -> None:
    square = resize(np.zeros((height, width, 3), dtype=np.uint8), size, "pad")
    inside = (square == 0).all(axis=2)
    assert ((square == 128).all(axis=2) | inside).all()
    rows, columns = inside.any(axis=1).sum(), inside.any(axis=0).sum()
    assert inside.sum() == rows * columns
    assert max(rows, columns) == size
    wanted = max(1.0, size * min(height, width) / max(height, width))
    assert abs(min(rows, columns) - wanted) <= 0.5
    # Centred: what is left over differs by one pixel at the most.
    assert abs(int(np.argmax(inside.any(axis=1))) - int(np.argmax(inside.any(axis=1)[::-1]))) <= 1
    assert abs(int(np.argmax(inside.any(axis=0))) - int(np.argmax(inside.any(axis=0)[::-1]))) <= 1


@pytest.mark.parametrize("shape", [(1, 10000), (10000, 1), (2, 9999), (1, 1)])
@pytest.mark.parametrize("rule", RULES)
def test_extreme_shapes_become_squares(shape: tuple[int, int], rule: str) -> None:
    assert resize(np.zeros((*shape, 3), dtype=np.uint8), 224, rule).shape == (224, 224, 3)


def test_pad_of_a_line_keeps_the_line() -> None:
    square = resize(np.zeros((1, 10000, 3), dtype=np.uint8), 224, "pad")
    assert (square == 0).all(axis=(1, 2)).sum() == 1


def test_crop_takes_the_middle() -> None:
    pixels = np.zeros((30, 90, 3), dtype=np.uint8)
    pixels[:, 30:60] = 255
    assert (resize(pixels, 30, "crop") == 255).all()
    assert (resize(pixels.transpose(1, 0, 2).copy(), 30, "crop") == 255).all()


@pytest.mark.parametrize("factor", [2, 4, 12])
def test_reducing_averages_instead_of_picking_pixels(factor: int) -> None:
    """A chessboard of single pixels becomes even grey; without antialiasing it would turn black or white."""
    side = 24 * factor
    board = ((np.indices((side, side)).sum(axis=0) % 2) * 255).astype(np.uint8)
    square = resize(np.repeat(board[..., None], 3, axis=2), 24, "squash")
    assert np.abs(square[2:-2, 2:-2].astype(int) - 127.5).max() < 4


def test_much_too_large_pictures_are_averaged_over_blocks_first() -> None:
    """It saves time; whoever changes the distance from which on it is done changes what models see."""
    pixels = noise(300, 480)
    fair = Image.fromarray(pixels).resize((24, 24), Image.Resampling.BICUBIC)
    blocks = Image.fromarray(pixels).resize((24, 24), Image.Resampling.BICUBIC, reducing_gap=3.0)
    assert np.array_equal(resize(pixels, 24, "squash"), np.asarray(blocks))
    assert 0 < np.abs(np.asarray(fair).astype(int) - np.asarray(blocks)).mean() < 2


SAMPLES = {
    ("squash", 8): [[79, 79, 128], [208, 79, 128], [79, 208, 127], [143, 239, 129]],
    ("squash", 40): [[85, 85, 123], [175, 85, 119], [85, 175, 121], [130, 253, 125]],
    ("squash", 224): [[84, 84, 147], [171, 84, 158], [84, 171, 125], [128, 255, 215]],
    ("crop", 8): [[95, 79, 129], [181, 79, 127], [95, 208, 125], [138, 239, 131]],
    ("crop", 40): [[99, 85, 111], [159, 85, 137], [99, 175, 122], [129, 253, 114]],
    ("crop", 224): [[99, 84, 97], [156, 84, 112], [99, 171, 168], [127, 255, 205]],
    ("pad", 8): [[79, 74, 128], [208, 74, 129], [128, 128, 128], [128, 128, 128]],
    ("pad", 40): [[85, 70, 121], [175, 70, 128], [85, 203, 120], [128, 128, 128]],
    ("pad", 224): [[84, 63, 158], [171, 63, 75], [84, 194, 171], [128, 128, 128]],
}


@pytest.mark.parametrize(("rule", "size"), SAMPLES)
def test_the_rules_give_the_same_pixels_for_ever(rule: str, size: int) -> None:
    """Models are trained on these arrays: a change here makes every stored vector and every bundle wrong."""
    y, x = np.indices((100, 150))
    pixels = np.stack(
        [x * 255 // 149, y * 255 // 99, (7 * x * x + 13 * y * y + 5 * x * y) // 16 % 256], axis=-1
    ).astype(np.uint8)
    square = resize(pixels, size, rule).astype(int)
    third = size // 3
    seen = [square[third, third], square[third, -third], square[-third, third], square[-1, size // 2]]
    assert np.abs(np.array(seen) - SAMPLES[rule, size]).max() <= 1


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((4, 4), dtype=np.uint8),
        np.zeros((4, 4, 4), dtype=np.uint8),
        np.zeros((4, 4, 3), dtype=np.float32),
        np.zeros((0, 4, 3), dtype=np.uint8),
    ],
    ids=["grey", "alpha", "float", "empty"],
)
def test_anything_but_rgb_bytes_is_refused(pixels: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"uint8 of \(height, width, 3\) is wanted"):
        resize(pixels, 8, "squash")


def test_an_array_that_is_a_view_is_read_rightly() -> None:
    pixels = noise(40, 60)
    assert np.array_equal(resize(pixels[::-1, ::2], 16, "pad"), resize(pixels[::-1, ::2].copy(), 16, "pad"))


@given(st.integers(40, 300), st.integers(40, 300), st.integers(16, 64), rules)
def test_the_way_back_from_the_square_finds_the_places_that_it_shows(
    width: int, height: int, size: int, rule: str
) -> None:
    # Red grows evenly to the right and green downwards, so each pixel of the square says where it comes from.
    pixels = np.zeros((height, width, 3), dtype=np.uint8)
    pixels[..., 0] = np.rint(np.linspace(0, 255, 2 * width + 1)[1::2])
    pixels[..., 1] = np.rint(np.linspace(0, 255, 2 * height + 1)[1::2])[:, None]
    square = resize(pixels, size, rule).astype(float) / 255
    x0, y0, x1, y1 = square_in_picture(width, height, size, rule)
    for channel, axis, low, high in ((0, 1, x0, x1), (1, 0, y0, y1)):
        wanted = low + (np.arange(size) + 0.5) / size * (high - low)
        seen = square[..., channel].take(size // 2, axis=1 - axis)
        # At the edges the filter repeats what it has; a pixel of the square, and a step of 255, may be lost.
        inside = (wanted > 0.1) & (wanted < 0.9)
        assert np.abs(seen - wanted)[inside].max(initial=0) < 0.02


def test_the_whole_picture_is_seen_by_squash_its_middle_by_crop_and_more_than_it_by_pad() -> None:
    assert square_in_picture(200, 100, 50, "squash") == (0, 0, 1, 1)
    assert square_in_picture(200, 100, 50, "crop") == (0.25, 0, 0.75, 1)
    assert square_in_picture(100, 200, 50, "crop") == (0, 0.25, 1, 0.75)
    assert square_in_picture(200, 100, 50, "pad") == (0, -0.48, 1, 1.52)
