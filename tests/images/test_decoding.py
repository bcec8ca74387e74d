"""Every format, upright, at the scale asked for, within the limits."""

from __future__ import annotations

import io
import subprocess
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from anmok.config import Limits
from anmok.errors import DamagedPicture, PictureTooLarge
from anmok.images import FORMATS, decode, load, resize
from tests.pictures import (
    EVERY_FORMAT,
    EVERY_KIND,
    LOSSLESS,
    ORIENTATION,
    after_start,
    corners,
    encode,
    exif_of,
    in_mode,
    jpeg_segment,
    of_kind,
    photo,
    png,
)

KINDS = pytest.mark.parametrize(("kind", "mode"), EVERY_KIND, ids=[f"{kind}-{mode}" for kind, mode in EVERY_KIND])


def turned(image: Image.Image, orientation: int) -> np.ndarray:
    image = image.copy()
    image.getexif()[ORIENTATION] = orientation
    return np.asarray(ImageOps.exif_transpose(image))


def difference(left: np.ndarray, right: np.ndarray) -> float:
    assert left.shape == right.shape
    return float(np.abs(left.astype(int) - right.astype(int)).mean())


@KINDS
def test_every_kind_of_file_becomes_an_rgb_array(kind: str, mode: str) -> None:
    decoded = decode(of_kind(kind, mode), name="a")
    assert decoded.pixels.shape == (48, 64, 3)
    assert decoded.pixels.dtype == np.uint8
    assert (decoded.width, decoded.height) == (64, 48)
    assert decoded.format == kind
    assert decoded.format in FORMATS
    # What comes out is the picture that went in, not merely something of the right shape.
    flat = in_mode(photo(), mode)
    if mode in ("I", "F", "I;16"):
        flat = photo().convert("L")
    elif mode in ("RGBA", "LA") and kind != "BMP":
        flat = Image.alpha_composite(Image.new("RGBA", flat.size, "white"), flat.convert("RGBA"))
    assert difference(decoded.pixels, np.asarray(flat.convert("RGB"))) < 6


@pytest.mark.parametrize("kind", LOSSLESS)
def test_lossless_formats_give_back_the_very_pixels(kind: str) -> None:
    picture = photo(51, 37)
    decoded = decode(encode(picture, kind, **LOSSLESS[kind]), name="a")
    assert np.array_equal(decoded.pixels, np.asarray(picture))


def test_the_stored_mode_is_told() -> None:
    assert decode(of_kind("JPEG", "CMYK"), name="a").mode == "CMYK"
    assert decode(of_kind("PNG", "P"), name="a").mode == "P"
    assert decode(of_kind("PNG", "I;16"), name="a").mode == "I;16"


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "MPO", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
def test_each_orientation_is_made_upright_once(kind: str, orientation: int) -> None:
    wanted = turned(corners(), orientation)
    decoded = decode(encode(corners(), kind, orientation=orientation), name="a")
    assert (decoded.height, decoded.width) == wanted.shape[:2]
    assert difference(decoded.pixels, wanted) < 6


def test_an_orientation_in_either_byte_order_is_read() -> None:
    for big_endian in (False, True):
        exif = jpeg_segment(0xE1, b"Exif\0\0" + exif_of(6, big_endian=big_endian))
        decoded = decode(after_start(encode(corners(), "JPEG"), exif), name="a")
        assert difference(decoded.pixels, turned(corners(), 6)) < 6


def test_an_orientation_behind_the_pixels_of_a_png_is_read() -> None:
    rows = np.asarray(corners()).tobytes()
    data = png(48, 32, depth=8, colour=2, rows=rows, after=[(b"eXIf", exif_of(8))])
    assert np.array_equal(decode(data, name="a").pixels, turned(corners(), 8))


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_is_ignored(orientation: int) -> None:
    data = after_start(encode(corners(), "JPEG"), jpeg_segment(0xE1, b"Exif\0\0" + exif_of(orientation)))
    assert difference(decode(data, name="a").pixels, np.asarray(corners())) < 6


@pytest.mark.parametrize("exif", [b"", b"MM", b"II*\0\xff\xff\xff\xff", exif_of(6)[:-9], b"\0" * 40])
def test_broken_exif_data_does_not_cost_the_picture(exif: bytes) -> None:
    data = after_start(encode(corners(), "JPEG"), jpeg_segment(0xE1, b"Exif\0\0" + exif))
    assert difference(decode(data, name="a").pixels, np.asarray(corners())) < 6


def test_of_several_frames_or_pages_the_first_is_taken() -> None:
    first, second = Image.new("RGB", (20, 10), (255, 0, 0)), Image.new("RGB", (20, 10), (0, 0, 255))
    for kind in ("GIF", "TIFF", "PNG", "WEBP", "AVIF", "MPO"):
        stream = io.BytesIO()
        first.save(stream, kind, save_all=True, append_images=[second])
        mean = decode(stream.getvalue(), name="a").pixels.mean(axis=(0, 1))
        assert np.abs(mean - (255, 0, 0)).max() < 8, kind


def test_a_jpeg_may_come_smaller_but_never_below_what_was_asked() -> None:
    data = encode(photo(400, 300), "JPEG")
    for at_least, shape in ((300, (300, 400)), (150, (150, 200)), (75, (75, 100)), (37, (38, 50)), (1, (38, 50))):
        decoded = decode(data, name="a", at_least=at_least)
        assert decoded.pixels.shape[:2] == shape
        assert (decoded.width, decoded.height) == (400, 300)
    assert decode(data, name="a").pixels.shape == (300, 400, 3)


@pytest.mark.parametrize("side", range(17, 34))
def test_both_sides_of_a_scaled_jpeg_keep_the_least(side: int) -> None:
    data = encode(photo(131, 97), "JPEG")
    assert min(decode(data, name="a", at_least=side).pixels.shape[:2]) >= side


def test_a_scaled_jpeg_is_upright_and_tells_its_full_size() -> None:
    decoded = decode(encode(corners(480, 320), "JPEG", orientation=6), name="a", at_least=40)
    assert decoded.pixels.shape == (60, 40, 3)
    assert (decoded.width, decoded.height) == (320, 480)
    assert difference(decoded.pixels, turned(corners(60, 40), 6)) < 6


def test_only_jpegs_are_scaled_while_decoding() -> None:
    for kind in EVERY_FORMAT:
        shape = decode(encode(photo(80, 64), kind), name="a", at_least=8).pixels.shape
        assert shape == ((8, 10, 3) if kind in ("JPEG", "MPO") else (64, 80, 3)), kind


@KINDS
def test_load_gives_what_decode_and_resize_give(kind: str, mode: str) -> None:
    data = of_kind(kind, mode, 200, 120)
    for rule in ("squash", "crop", "pad"):
        wanted = resize(decode(data, name="a", at_least=2 * 24).pixels, 24, rule)
        assert np.array_equal(load(data, name="a", size=24, rule=rule), wanted)


def test_a_scaled_decode_looks_like_a_full_one() -> None:
    data = encode(photo(1600, 1200), "JPEG")
    full = resize(decode(data, name="a").pixels, 64, "squash")
    assert difference(load(data, name="a", size=64, rule="squash"), full) < 1


@pytest.mark.parametrize("shape", [(1, 1), (1, 400), (400, 1), (3, 2)])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"])
def test_tiny_and_extremely_narrow_pictures_work(kind: str, shape: tuple[int, int]) -> None:
    data = encode(Image.new("RGB", shape, (10, 200, 30)), kind)
    decoded = decode(data, name="a")
    assert (decoded.width, decoded.height) == shape
    for rule in ("squash", "crop", "pad"):
        assert load(data, name="a", size=16, rule=rule).shape == (16, 16, 3)


def test_a_file_over_the_limit_on_bytes_is_refused_unseen() -> None:
    with pytest.raises(PictureTooLarge, match=r"^cat\.jpg has 1,001 bytes; at most 1,000 are accepted"):
        decode(b"\0" * 1001, name="cat.jpg", limits=Limits(max_bytes=1000))
    data = encode(photo(), "PNG")
    assert decode(data, name="a", limits=Limits(max_bytes=len(data))).width == 64


@pytest.mark.parametrize("kind", EVERY_FORMAT)
def test_a_picture_over_the_limit_on_pixels_is_refused(kind: str) -> None:
    data = encode(photo(64, 48), kind)
    assert decode(data, name="a", limits=Limits(max_pixels=64 * 48)).width == 64
    with pytest.raises(PictureTooLarge, match=r"^cat has 64x48 pixels; at most 3,071 pixels are accepted"):
        decode(data, name="cat", limits=Limits(max_pixels=64 * 48 - 1))


def test_the_limit_on_pixels_counts_the_full_picture_of_a_scaled_decode() -> None:
    with pytest.raises(PictureTooLarge):
        decode(encode(photo(800, 600), "JPEG"), name="a", at_least=8, limits=Limits(max_pixels=479_999))


def test_our_limit_rules_where_pillows_own_is_lower(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for kind in ("JPEG", "PNG", "BMP", "AVIF", "HEIF"):
            assert decode(encode(photo(64, 48), kind), name="a").width == 64
        with pytest.raises(PictureTooLarge, match="more pixels than can be decoded safely"):
            decode(encode(photo(64, 48), "TIFF"), name="a")


def test_pillows_limit_stays_as_it_was_for_others() -> None:
    before = Image.MAX_IMAGE_PIXELS
    decode(of_kind("PNG", "RGB"), name="a")
    assert before == Image.MAX_IMAGE_PIXELS


def test_what_pillow_remarks_about_a_file_does_not_reach_the_user() -> None:
    # A second page index that points nowhere makes Pillow warn of a malformed MPO and read the first picture.
    malformed = after_start(encode(photo(), "JPEG"), jpeg_segment(0xE2, b"MPF\0MM\0*\0\0\0\x08\0\0"))
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        Image.open(io.BytesIO(malformed))
    assert seen
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        assert decode(malformed, name="a").format == "JPEG"
    assert seen == []


@pytest.mark.parametrize("kind", EVERY_FORMAT)
def test_a_truncated_picture_is_damaged_wherever_it_is_cut(kind: str) -> None:
    data = encode(photo(160, 120), kind)
    # Behind the pixels, PNG and GIF have checksums and marks, MPO has another picture.
    end = data.index(b"\xff\xd9") if kind == "MPO" else len(data) - {"PNG": 24, "GIF": 4}.get(kind, 1)
    for share in (0.2, 0.5, 0.8, 1.0):
        cut = data[: max(16, int(end * share))]
        with pytest.raises(DamagedPicture, match=r"^day/cat\.jpg is a \w+ picture that cannot be decoded"):
            decode(cut, name="day/cat.jpg")


def test_a_truncated_jpeg_is_damaged_at_reduced_scale_too() -> None:
    data = encode(photo(800, 600), "JPEG")
    with pytest.raises(DamagedPicture):
        load(data[: len(data) * 2 // 3], name="a", size=16, rule="squash")


def test_many_threads_decode_the_same() -> None:
    files = [of_kind(kind, mode, 90, 60) for kind, mode in EVERY_KIND]
    alone = [load(data, name="a", size=20, rule="crop") for data in files]
    together = threading.Barrier(8)

    def work(_: int) -> bool:
        together.wait()
        return all(
            np.array_equal(load(data, name="a", size=20, rule="crop"), wanted)
            for data, wanted in zip(files, alone, strict=True)
        )

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(8)))


def test_the_first_use_of_each_format_may_come_from_many_threads(tmp_path: Path) -> None:
    """In a fresh process no plugin is imported yet, so all threads meet at the imports."""
    for kind in EVERY_FORMAT:
        (tmp_path / kind).write_bytes(encode(photo(), kind))
    script = """
import sys, threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from anmok.images import decode
files = sorted(Path(sys.argv[1]).iterdir())
start = threading.Barrier(12)
def work(number):
    start.wait()
    return [decode(file.read_bytes(), name=file.name).format for file in files[number % 3:] + files[:number % 3]]
with ThreadPoolExecutor(12) as pool:
    assert all(len(names) == len(files) for names in pool.map(work, range(12)))
"""
    subprocess.run([sys.executable, "-W", "error", "-c", script, str(tmp_path)], check=True, timeout=120)


def test_importing_the_decoder_is_light() -> None:
    script = """
import sys
import anmok.images
heavy = {"torch", "pandas", "matplotlib", "sklearn", "django", "pi_heif", "pillow_heif"} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120)


def test_no_other_plugin_of_pillow_is_loaded() -> None:
    """Hostile bytes must not reach rarely tested readers (EPS would start Ghostscript)."""
    script = """
import sys
from anmok.errors import PictureError
from anmok.images import decode
for data in (b"%!PS-Adobe-3.0 EPSF-3.0", b"GIF89a", b"II*\\0", b"RIFF\\0\\0\\0\\0WEBPVP8 ", b"\\0\\0\\0\\x18ftypheic"):
    try:
        decode(data, name="a")
    except PictureError:
        pass
assert "PIL.EpsImagePlugin" not in sys.modules
assert "PIL.IcnsImagePlugin" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120)


@pytest.mark.parametrize("wrong", [{"size": 0, "rule": "squash"}, {"size": 8, "rule": "stretch"}])
def test_a_wrong_request_is_not_blamed_on_the_picture(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"wanted|none of"):
        load(of_kind("PNG", "RGB"), name="a", **wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="wanted"):
        decode(of_kind("PNG", "RGB"), name="a", at_least=0)
