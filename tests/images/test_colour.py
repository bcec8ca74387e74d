"""Every mode to RGB, against values worked out here by hand or with NumPy."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from PIL import Image

from anmok.errors import DamagedPicture
from anmok.images import decode
from tests.pictures import encode, in_mode, photo, png, tiff, with_tiff_tag

WHITE = [255, 255, 255]


def pixels_of(image: Image.Image, kind: str, **options: object) -> np.ndarray:
    return decode(encode(image, kind, **options), name="a").pixels


def row(data: bytes) -> list[list[int]]:
    """Return the first row of pixels."""
    return decode(data, name="a").pixels[0].tolist()


def grey(data: bytes) -> list[int]:
    pixels = decode(data, name="a").pixels
    assert (pixels == pixels[..., :1]).all()
    return pixels[0, :, 0].tolist()


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_alpha_stands_over_white(kind: str) -> None:
    alphas = np.arange(256, dtype=np.uint8)
    rgba = np.stack([np.full(256, 200), np.full(256, 100), np.zeros(256), alphas], axis=-1).astype(np.uint8)[None]
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    over = pixels_of(Image.fromarray(rgba), kind, **options)[0].astype(float)
    wanted = rgba[0, :, :3] * (alphas[:, None] / 255) + 255 * (1 - alphas[:, None] / 255)
    assert np.abs(over - wanted).max() <= 1


def test_grey_with_alpha_stands_over_white() -> None:
    la = np.array([[[10, 255], [10, 0], [10, 51]]], dtype=np.uint8)
    for kind in ("PNG", "TIFF"):
        assert pixels_of(Image.fromarray(la, "LA"), kind)[0, :, 0].tolist() == [10, 255, 206]


def test_opaque_alpha_changes_nothing() -> None:
    rgba = photo().convert("RGBA")
    assert np.array_equal(pixels_of(rgba, "PNG"), np.asarray(photo()))


def test_premultiplied_alpha_of_a_tiff_is_undone() -> None:
    # ExtraSamples 1 says that the colours were multiplied by alpha: (100, 50, 0) at alpha 128 stands for (199, 100, 0).
    image = Image.fromarray(np.array([[[100, 50, 0, 128]]], dtype=np.uint8))
    wanted = np.array([100, 50, 0]) + 255 - 128
    assert np.abs(np.array(row(with_tiff_tag(encode(image, "TIFF"), 338, 1))[0]) - wanted).max() <= 2
    grey_image = Image.fromarray(np.array([[[100, 128]]], dtype=np.uint8), "LA")
    assert np.abs(np.array(row(with_tiff_tag(encode(grey_image, "TIFF"), 338, 1))[0]) - (100 + 255 - 128)).max() <= 2


def test_a_palette_is_looked_up() -> None:
    image = Image.new("P", (3, 1))
    image.putpalette([255, 0, 0, 0, 128, 0, 7, 8, 9])
    image.putdata([2, 0, 1])
    for kind in ("PNG", "GIF", "BMP", "TIFF"):
        assert row(encode(image, kind)) == [[7, 8, 9], [255, 0, 0], [0, 128, 0]], kind


@pytest.mark.parametrize("transparency", [1, bytes([255, 0, 255])], ids=["index", "table"])
def test_a_transparent_palette_entry_shows_white(transparency: int | bytes) -> None:
    image = Image.new("P", (3, 1))
    image.putpalette([255, 0, 0, 0, 128, 0, 7, 8, 9])
    image.putdata([2, 0, 1])
    assert row(encode(image, "PNG", transparency=transparency)) == [[7, 8, 9], [255, 0, 0], WHITE]
    assert row(encode(image, "GIF", transparency=1)) == [[7, 8, 9], [255, 0, 0], WHITE]


def test_a_half_transparent_palette_entry_is_mixed_with_white() -> None:
    image = Image.new("P", (1, 1))
    image.putpalette([0, 0, 0])
    assert row(encode(image, "PNG", transparency=bytes([51]))) == [[204, 204, 204]]


def test_a_transparent_colour_shows_white() -> None:
    picture = Image.fromarray(np.array([[[1, 2, 3], [3, 2, 1]]], dtype=np.uint8))
    assert row(encode(picture, "PNG", transparency=(3, 2, 1))) == [[1, 2, 3], WHITE]
    assert grey(encode(Image.fromarray(np.array([[9, 10]], dtype=np.uint8)), "PNG", transparency=10)) == [9, 255]


@pytest.mark.parametrize(("depth", "stored"), [(1, [0, 255]), (2, [0, 85, 170, 255]), (4, [0, 17])])
def test_a_transparent_grey_of_few_bits_is_found(depth: int, stored: list[int]) -> None:
    """Pillow scales the pixels up to 8 bits, but hands on the transparent value as it is stored."""
    bits = "".join(f"{value:0{depth}b}" for value in range(len(stored))).ljust(8, "0")
    for transparent in range(len(stored)):
        data = png(
            len(stored),
            1,
            depth=depth,
            colour=0,
            rows=bytes([int(bits, 2)]),
            before=[(b"tRNS", struct.pack(">H", transparent))],
        )
        wanted = [255 if value == transparent else seen for value, seen in enumerate(stored)]
        assert grey(data) == wanted


def test_a_transparent_colour_of_16_bits_is_found() -> None:
    samples = np.array([0, 1280, 40000], dtype=">u2")
    hidden = [(b"tRNS", struct.pack(">H", 1280))]
    assert grey(png(3, 1, depth=16, colour=0, rows=samples.tobytes(), before=hidden)) == [0, 255, 156]
    colours = np.array([[0, 0, 0], [1280, 2560, 0]], dtype=">u2")
    hidden = [(b"tRNS", struct.pack(">HHH", 1280, 2560, 0))]
    assert row(png(2, 1, depth=16, colour=2, rows=colours.tobytes(), before=hidden)) == [[0, 0, 0], WHITE]


def test_16_bit_grey_is_scaled_and_not_clipped() -> None:
    values = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    wanted = np.rint(values / 257).astype(np.uint8)
    for kind in ("PNG", "TIFF"):
        seen = pixels_of(Image.fromarray(values), kind)
        assert np.array_equal(seen[..., 0], wanted)
        assert np.array_equal(seen[..., 2], wanted)


def test_16_bit_colour_and_alpha_are_scaled_and_not_clipped() -> None:
    values = np.arange(0, 65536, 97)
    colours = np.stack([values, values[::-1], np.full_like(values, 65535)], axis=-1).astype(">u2")
    seen = np.array(row(png(len(values), 1, depth=16, colour=2, rows=colours.tobytes())))
    assert np.abs(seen - colours / 257).max() < 1
    opaque = np.concatenate([colours, np.full((len(values), 1), 65535)], axis=-1).astype(">u2")
    assert np.array_equal(np.array(row(png(len(values), 1, depth=16, colour=6, rows=opaque.tobytes()))), seen)
    clear = np.array([[0, 0, 0, 0]], dtype=">u2")
    assert row(png(1, 1, depth=16, colour=6, rows=clear.tobytes())) == [WHITE]


@pytest.mark.parametrize("big_endian", [False, True], ids=["little", "big"])
def test_16_bit_tiffs_of_both_byte_orders_are_read(big_endian: bool) -> None:
    values = np.array([0, 257, 32896, 65535], dtype=">u2" if big_endian else "<u2")
    data = tiff(4, 1, bits=16, photometric=1, sample_format=1, rows=values.tobytes(), big_endian=big_endian)
    assert grey(data) == [0, 1, 128, 255]


def test_a_tiff_whose_white_is_zero_is_not_shown_as_a_negative() -> None:
    values = np.array([0, 65535], dtype="<u2").tobytes()
    assert grey(tiff(2, 1, bits=16, photometric=0, sample_format=1, rows=values)) == [255, 0]
    assert grey(tiff(2, 1, bits=8, photometric=0, sample_format=1, rows=b"\0\xff")) == [255, 0]
    floats = np.array([0, 1], dtype="<f4").tobytes()
    assert grey(tiff(2, 1, bits=32, photometric=0, sample_format=3, rows=floats)) == [255, 0]


def test_channels_in_strips_of_their_own_become_colours() -> None:
    reds, greens, blues = (list(channel.tobytes()) for channel in np.asarray(photo(8, 6)).transpose(2, 0, 1))
    rows = bytes(reds + greens + blues)
    data = tiff(8, 6, bits=8, photometric=2, sample_format=1, rows=rows, planes=3)
    assert np.array_equal(decode(data, name="a").pixels, np.asarray(photo(8, 6)))
    with pytest.raises(DamagedPicture, match="strips are missing"):
        decode(tiff(8, 6, bits=8, photometric=2, sample_format=1, rows=rows, planes=3, strips=2), name="a")


def test_12_bit_tiffs_use_the_full_range() -> None:
    # Two samples in three bytes: 4095 and 0.
    assert grey(tiff(2, 1, bits=12, photometric=1, sample_format=1, rows=b"\xff\xf0\x00")) == [255, 0]


FLOATS = {
    "0 to 1": ([0, 0.2, 1], [0, 51, 255]),
    "0 to 255": ([0, 51.4, 200], [0, 51, 200]),
    "0 to 65535": ([0, 257, 65535], [0, 1, 255]),
    "its own range": ([-1, 0, 1], [0, 128, 255]),
    "large": ([0, 50000, 100000], [0, 128, 255]),
    "constant in range": ([0.2, 0.2], [51, 51]),
    "constant out of range": ([-7, -7], [0, 0]),
    "nan is black": ([np.nan, 1, 0.2], [0, 255, 51]),
    "nan is black in a picture with negative values": ([np.nan, -1, 1], [0, 0, 255]),
    "infinite values are the ends": ([np.inf, -np.inf, 1, 0, 0.2], [255, 0, 255, 0, 51]),
    "huge": ([-3e38, 0, 3e38], [0, 128, 255]),
}


@pytest.mark.parametrize(("values", "wanted"), FLOATS.values(), ids=FLOATS)
@pytest.mark.parametrize("big_endian", [False, True], ids=["little", "big"])
def test_floats_follow_the_stated_rule(values: list[float], wanted: list[int], big_endian: bool) -> None:
    rows = np.array(values, dtype=">f4" if big_endian else "<f4").tobytes()
    data = tiff(len(values), 1, bits=32, photometric=1, sample_format=3, rows=rows, big_endian=big_endian)
    assert grey(data) == wanted


def test_a_float_picture_without_a_finite_value_is_damaged() -> None:
    rows = np.array([np.nan, np.inf], dtype="<f4").tobytes()
    with pytest.raises(DamagedPicture, match="no pixel has a finite value"):
        decode(tiff(2, 1, bits=32, photometric=1, sample_format=3, rows=rows), name="a")


def test_a_float_picture_of_many_rows_is_treated_as_one() -> None:
    """It is converted in blocks of rows; the range must be that of the whole."""
    values = np.zeros((2048, 1024), dtype=np.float32)
    values[0, 0], values[-1, -1] = -1, 3
    seen = pixels_of(Image.fromarray(values), "TIFF")
    assert seen[0, 0, 0] == 0
    assert seen[-1, -1, 0] == 255
    assert (seen[1:-1] == 64).all()


WHOLE = {
    "0 to 255": ([0, 1, 255], [0, 1, 255]),
    "0 to 65535": ([0, 257, 65535], [0, 1, 255]),
    "its own range": ([-100, 0, 100], [0, 128, 255]),
}


@pytest.mark.parametrize(("values", "wanted"), WHOLE.values(), ids=WHOLE)
@pytest.mark.parametrize("big_endian", [False, True], ids=["little", "big"])
def test_32_bit_whole_numbers_follow_the_stated_rule(values: list[int], wanted: list[int], big_endian: bool) -> None:
    rows = np.array(values, dtype=">i4" if big_endian else "<i4").tobytes()
    data = tiff(len(values), 1, bits=32, photometric=1, sample_format=2, rows=rows, big_endian=big_endian)
    assert grey(data) == wanted


def test_unsigned_32_bit_numbers_are_not_taken_for_negative_ones() -> None:
    rows = np.array([0, 2**31, 2**32 - 1], dtype="<u4").tobytes()
    assert grey(tiff(3, 1, bits=32, photometric=1, sample_format=1, rows=rows)) == [0, 128, 255]


def test_signed_16_bit_numbers_are_read() -> None:
    rows = np.array([-300, 0, 300], dtype="<i2").tobytes()
    assert grey(tiff(3, 1, bits=16, photometric=1, sample_format=2, rows=rows)) == [0, 128, 255]


def test_one_bit_becomes_black_and_white() -> None:
    picture = Image.fromarray(np.array([[0, 255, 255, 0]], dtype=np.uint8)).convert("1")
    for kind in ("PNG", "BMP", "TIFF"):
        assert grey(encode(picture, kind)) == [0, 255, 255, 0], kind
    assert grey(encode(picture, "TIFF", compression="group4")) == [0, 255, 255, 0]


def test_cmyk_is_not_shown_as_a_negative() -> None:
    """Programs write CMYK into JPEG inverted, with a mark by Adobe; TIFF holds it straight."""
    ink = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    for kind in ("JPEG", "TIFF"):
        assert np.abs(pixels_of(ink, kind).astype(int) - (255, 0, 0)).max() <= 6, kind
    paper = Image.new("CMYK", (16, 16), (0, 0, 0, 0))
    assert pixels_of(paper, "JPEG").min() >= 250


def test_lab_becomes_srgb() -> None:
    red = Image.new("RGB", (4, 4), (200, 30, 40)).convert("LAB")
    assert red.mode == "LAB"
    assert np.abs(pixels_of(red, "TIFF").astype(int) - (200, 30, 40)).max() <= 4


def test_ycbcr_tiffs_become_rgb() -> None:
    image = in_mode(Image.new("RGB", (16, 16), (200, 30, 40)), "YCbCr")
    assert np.abs(pixels_of(image, "TIFF").astype(int) - (200, 30, 40)).max() <= 4


@pytest.mark.parametrize("compression", ["tiff_lzw", "packbits", "tiff_adobe_deflate", "lzma", "zstd"])
def test_compressed_tiffs_give_the_same_pixels(compression: str) -> None:
    assert np.array_equal(pixels_of(photo(), "TIFF", compression=compression), np.asarray(photo()))


def test_a_gif_whose_first_frame_is_smaller_than_its_screen_keeps_the_size_of_the_screen() -> None:
    frame = encode(Image.new("P", (4, 4), 0), "GIF")
    at = frame.index(b",\0\0\0\0")
    screen = bytearray(frame)
    screen[6:10] = struct.pack("<HH", 8, 6)
    decoded = decode(bytes(screen), name="a")
    assert at > 0
    assert (decoded.width, decoded.height) == (8, 6)
