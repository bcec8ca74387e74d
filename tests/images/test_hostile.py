"""Bytes made to break the decoder: nothing but a PictureError may come out, soon, and without filling the memory."""

from __future__ import annotations

import contextlib
import functools
import struct
import subprocess
import sys
import time
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from anmok.config import Limits
from anmok.errors import DamagedPicture, PictureError, PictureTooLarge
from anmok.images import decode, load
from tests.pictures import (
    EVERY_FORMAT,
    EVERY_KIND,
    after_start,
    encode,
    jpeg_segment,
    of_kind,
    photo,
    png,
    png_chunk,
    with_tiff_tag,
)

SMALL = Limits(max_pixels=4_000_000)
STARTS = (
    b"\xff\xd8\xff",
    b"\x89PNG\r\n\x1a\n",
    b"GIF89a",
    b"BM",
    b"II*\0\x08\0\0\0",
    b"MM\0*\0\0\0\x08",
    b"II+\0\x08\0\0\0",
    b"RIFF\x20\0\0\0WEBPVP8 ",
    b"RIFF\x20\0\0\0WEBPVP8L",
    b"RIFF\x20\0\0\0WEBPVP8X",
    b"\0\0\0\x18ftypavif",
    b"\0\0\0\x18ftypheic",
    b"\0\0\0\x18ftypmif1",
)


def survives(data: bytes) -> None:
    """Decode and load; any error but a PictureError fails the test."""
    with contextlib.suppress(PictureError):
        decoded = decode(data, name="a", limits=SMALL)
        assert decoded.pixels.dtype == np.uint8
        assert decoded.pixels.shape == (decoded.height, decoded.width, 3)
        assert decoded.width * decoded.height <= SMALL.max_pixels
    with contextlib.suppress(PictureError):
        assert load(data, name="a", size=8, rule="pad", limits=SMALL).shape == (8, 8, 3)


@given(st.binary(max_size=300))
def test_random_bytes_are_refused_or_decoded(data: bytes) -> None:
    survives(data)


@given(st.sampled_from(STARTS), st.binary(max_size=200))
@example(b"GIF89a", b"\1\0\1\0\0\0\0,\0\0\0\0\1\0\1\0\0\2")
def test_random_bytes_behind_a_real_signature_are_refused_or_decoded(start: bytes, rest: bytes) -> None:
    survives(start + rest)


@functools.cache
def sound(kind: str, mode: str) -> bytes:
    return of_kind(kind, mode, 40, 30)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A sound picture of any kind with bytes changed, cut out, doubled or put in from another picture."""
    data = bytearray(sound(*draw(st.sampled_from(EVERY_KIND))))
    for _ in range(draw(st.integers(1, 4))):
        # Headers come first in all formats, and that is where it hurts.
        end = max(1, min(len(data) - 1, draw(st.sampled_from((32, 200, 100_000)))))
        at = draw(st.integers(0, end))
        deed = draw(st.sampled_from(("change", "number", "cut", "remove", "double", "splice")))
        if deed == "change":
            data[at : at + 1] = draw(st.binary(min_size=1, max_size=4))
        elif deed == "number":
            number = draw(st.sampled_from((0, 1, 255, 65535, 2**31 - 1, 2**31, 2**32 - 1)))
            data[at : at + 4] = struct.pack(draw(st.sampled_from(("<I", ">I"))), number)
        elif deed == "cut":
            del data[at:]
        elif deed == "remove":
            del data[at : at + draw(st.integers(1, 64))]
        elif deed == "double":
            data[at:at] = data[at : at + draw(st.integers(1, 64))]
        else:
            other = sound(*draw(st.sampled_from(EVERY_KIND)))
            data[at:] = other[draw(st.integers(0, len(other))) :]
    return bytes(data)


@settings(max_examples=600, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(damaged())
def test_damaged_pictures_are_refused_or_decoded(data: bytes) -> None:
    survives(data)


@given(st.data())
def test_a_png_with_right_checksums_and_wrong_contents_is_refused_or_decoded(data: st.DataObject) -> None:
    """Byte changes alone never get past the checksums of PNG."""
    names = st.sampled_from((b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"eXIf", b"acTL", b"fcTL", b"fdAT", b"iCCP", b"IEND"))
    header = struct.pack(
        ">IIBBBBB",
        data.draw(st.integers(0, 40)),
        data.draw(st.integers(0, 40)),
        data.draw(st.sampled_from((0, 1, 2, 4, 8, 16, 32))),
        data.draw(st.integers(0, 7)),
        0,
        0,
        data.draw(st.integers(0, 2)),
    )
    contents = st.one_of(st.binary(max_size=40), st.binary(max_size=2000).map(zlib.compress))
    chunks = data.draw(st.lists(st.tuples(names, contents), max_size=6))
    survives(b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*chunk) for chunk in [(b"IHDR", header), *chunks]))


@pytest.mark.real
def test_real_pictures_with_flipped_and_missing_bytes_are_refused_or_decoded(data_dir: Path) -> None:
    rng = np.random.default_rng(0)
    for archive in ("horse-or-human.zip", "cats-dogs.zip", "scenes6.zip", "cifar10-small.zip"):
        with zipfile.ZipFile(data_dir / archive) as source:
            names = [name for name in source.namelist() if name.endswith(".jpg")]
            for name in rng.choice(names, 12, replace=False):
                data = bytearray(source.read(str(name)))
                assert load(bytes(data), name="a", size=32, rule="crop").shape == (32, 32, 3)
                with pytest.raises(DamagedPicture):
                    decode(bytes(data[: len(data) // 2]), name="a")
                for at in rng.integers(0, len(data), 10):
                    data[at] ^= 1 << rng.integers(0, 8)
                survives(bytes(data))


def test_headers_that_declare_huge_pictures_are_refused_at_once() -> None:
    huge = {
        "PNG": png(60000, 60000, depth=8, colour=0, rows=b"\0" * 60000),
        "GIF": b"GIF89a" + struct.pack("<HHBBB", 65535, 65535, 0, 0, 0) + b",\0\0\0\0\xff\xff\xff\xff\0\2\2L\1\0;",
        "GIF frame": b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0, 0, 0) + b",\0\0\0\0\xff\xff\xff\xff\0\2\2L\1\0;",
        "BMP": b"BM" + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, 60000, 60000, 1, 24, 0, 0, 0, 0, 0, 0),
        "WEBP": b"RIFF\x1e\0\0\0WEBPVP8X\x0a\0\0\0\2\0\0\0\xff\xff\3\xff\x1f\0ANIM\6\0\0\0\0\0\0\0\0\0",
        "JPEG": b"\xff\xd8"
        + jpeg_segment(0xC0, b"\x08\xff\xff\xff\xff\1\1\x11\0")
        + jpeg_segment(0xDA, b"\1\1\0\0\x3f\0"),
    }
    for kind, data in huge.items():
        begin = time.process_time()
        with pytest.raises(PictureTooLarge):
            decode(data, name=kind)
        assert time.process_time() - begin < 2, kind


def peak_of(data: bytes) -> int:
    """Return how many bytes Python held at most while it decoded a picture that must be sound."""
    decode(data, name="a")
    tracemalloc.start()
    try:
        decode(data, name="a")
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_text_or_profile_that_unpacks_to_much_is_left_packed() -> None:
    packed = zlib.compress(b"\0" * 20_000_000, 9)
    extras = [(b"zTXt", b"a\0\0" + packed), (b"iCCP", b"a\0\0" + packed), (b"iTXt", b"a\0\1\0\0\0" + packed)]
    data = png(2, 1, depth=8, colour=0, rows=b"\x10\x20", before=extras, after=extras)
    assert decode(data, name="a").pixels[0, :, 0].tolist() == [0x10, 0x20]
    assert peak_of(data) < 1_000_000


def progressive_bomb(side: int, scans: int) -> bytes:
    """Return a JPEG whose every scan holds nothing for any block: 140 bytes that cost a pass over all pixels."""
    blocks = (side // 8) ** 2
    codes = -(-blocks // 32767)
    bits = ("0" + "1" * 14) * codes
    run = int(bits + "1" * (-len(bits) % 8), 2).to_bytes((len(bits) + 7) // 8, "big").replace(b"\xff", b"\xff\0")
    tables = [
        jpeg_segment(0xDB, b"\0" + b"\1" * 64),
        jpeg_segment(0xC2, struct.pack(">BHHB", 8, side, side, 1) + b"\1\x11\0"),
        jpeg_segment(0xC4, b"\x00\1" + b"\0" * 15 + b"\x00"),
        jpeg_segment(0xC4, b"\x10\1" + b"\0" * 15 + b"\xe0"),
    ]
    first = jpeg_segment(0xDA, b"\1\1\0\0\0\0") + b"\0" * (blocks // 8 + 1)
    return b"\xff\xd8" + b"".join(tables) + first + (jpeg_segment(0xDA, b"\1\1\0\1\x3f\0") + run) * scans + b"\xff\xd9"


def test_a_jpeg_that_sends_its_pixels_thousands_of_times_is_refused() -> None:
    assert decode(progressive_bomb(800, 10), name="a").width == 800
    begin = time.process_time()
    with pytest.raises(PictureTooLarge, match="more than 100 times"):
        decode(progressive_bomb(8000, 5000), name="a")
    assert time.process_time() - begin < 2


def test_progressive_photos_with_a_video_behind_them_are_not_taken_for_bombs() -> None:
    """Phones append a film to a picture; in 8 MB of it, the mark of a scan occurs a hundred times by chance."""
    film = np.random.default_rng(0).integers(0, 256, 8_000_000, dtype=np.uint8).tobytes()
    assert film.count(b"\xff\xda") > 80
    assert decode(encode(photo(), "JPEG", progressive=True) + film, name="a").width == 64


@pytest.mark.parametrize("big", [False, True], ids=["TIFF", "BigTIFF"])
def test_a_tiff_of_a_million_tiles_is_refused_at_once(big: bool) -> None:
    number = 1_000_000
    entries = [(256, number), (257, 1), (258, 8), (259, 1), (262, 1), (277, 1), (322, 1), (323, 1)]
    offsets = [(324, number, 400), (325, number, 400)]
    form, start = ("<HHQQ", b"II+\0\x08\0\0\0" + struct.pack("<Q", 16)) if big else ("<HHII", b"II*\0\x08\0\0\0")
    directory = struct.pack("<Q" if big else "<H", len(entries) + 2)
    directory += b"".join(struct.pack(form, tag, 4, 1, value) for tag, value in entries)
    directory += b"".join(struct.pack(form, tag, 4, count, at) for tag, count, at in offsets)
    data = (start + directory).ljust(400, b"\0") + struct.pack("<I", 10) * number
    begin = time.process_time()
    with pytest.raises(PictureTooLarge, match="more than 200,000 parts"):
        decode(data, name="a")
    assert time.process_time() - begin < 2


def test_a_directory_that_is_cut_off_does_not_hide_a_million_tiles() -> None:
    """Pillow goes on with what a directory holds up to its end."""
    entries = [(256, 1, 1_000_000), (257, 1, 1), (322, 1, 1), (323, 1, 1), (324, 1_000_000, 8)]
    directory = struct.pack("<H", 9) + b"".join(struct.pack("<HHII", tag, 4, *rest) for tag, *rest in entries)
    data = b"II*\0" + struct.pack("<I", 4_000_008) + b"\0" * 4_000_000 + directory
    with pytest.raises(PictureTooLarge, match="more than 200,000 parts"):
        decode(data, name="a")


@pytest.mark.parametrize("strip_size", [64 * 3 * 48, 64 * 3 * 8], ids=["one strip", "six strips"])
def test_a_tiff_with_missing_strips_is_damaged(strip_size: int) -> None:
    """Pillow shows what is missing as black."""
    data = with_tiff_tag(encode(photo(64, 48), "TIFF", strip_size=strip_size), 257, 96)
    with pytest.raises(DamagedPicture, match="strips are missing"):
        decode(data, name="a")


def test_exif_data_with_overlapping_entries_does_not_fill_the_memory() -> None:
    """Four thousand entries that all mean the same 60 kilobytes would be 240 megabytes."""
    entries = b"".join(struct.pack(">HHII", 0x8000 + number, 7, 59_000, 8) for number in range(4000))
    exif = b"MM\0*\0\0\0\x08" + struct.pack(">H", 4000) + entries
    data = after_start(encode(photo(), "JPEG"), jpeg_segment(0xE1, b"Exif\0\0" + exif.ljust(60_000, b"\0")))
    assert peak_of(data) < 1_000_000


def test_a_heif_header_that_lies_about_its_size_is_refused() -> None:
    data = bytearray(encode(photo(640, 480), "HEIF"))
    struct.pack_into(">II", data, data.index(b"ispe") + 8, 8, 8)
    with pytest.raises(PictureError):
        decode(bytes(data), name="a", limits=Limits(max_pixels=1000))


def test_thousands_of_frames_cost_no_more_than_one() -> None:
    frame = encode(Image.new("L", (300, 300)), "GIF")
    start = frame.index(b",\0\0\0\0")
    data = frame[:start] + frame[start:-1] * 20_000 + b";"
    begin = time.process_time()
    assert decode(data, name="a").width == 300
    assert time.process_time() - begin < 1


def test_the_same_bytes_give_the_same_error_in_another_process(tmp_path: Path) -> None:
    """Reasons go into quarantine files, which must not differ between two scans of one source."""
    for kind in EVERY_FORMAT:
        (tmp_path / kind).write_bytes(encode(photo(), kind)[:90])
    script = """
import sys
from pathlib import Path
from anmok.errors import PictureError
from anmok.images import decode
for file in sorted(Path(sys.argv[1]).iterdir()):
    try:
        decode(file.read_bytes(), name=file.name)
    except PictureError as error:
        print(error)
"""
    command = [sys.executable, "-c", script, str(tmp_path)]
    first, second = (subprocess.run(command, capture_output=True, check=True, timeout=120).stdout for _ in range(2))
    assert first == second
    assert len(first.splitlines()) == len(EVERY_FORMAT)
    assert b"0x" not in first
