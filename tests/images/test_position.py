"""Where a photo was taken."""

from __future__ import annotations

import io

import pillow_heif
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from anmok.images import position_of


def photo(gps: dict[int, object] | None, kind: str = "JPEG") -> bytes:
    exif = Image.Exif()
    if gps is not None:
        exif.get_ifd(0x8825).update(gps)
    stream = io.BytesIO()
    picture = Image.new("RGB", (16, 16))
    if kind == "HEIF":
        pillow_heif.from_pillow(picture).save(stream, exif=exif.tobytes())
    else:
        picture.save(stream, kind, exif=exif)
    return stream.getvalue()


def in_parts(degrees: float) -> tuple[IFDRational, IFDRational, IFDRational]:
    whole = round(abs(degrees) * 3600 * 1000)
    return (
        IFDRational(whole // 3_600_000, 1),
        IFDRational(whole // 60_000 % 60, 1),
        IFDRational(whole % 60_000, 1000),
    )


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "HEIF"])
@settings(max_examples=40)
@given(latitude=st.floats(-90, 90), longitude=st.floats(-180, 180))
def test_a_position_comes_back_to_within_a_metre(kind: str, latitude: float, longitude: float) -> None:
    gps = {
        1: "N" if latitude >= 0 else "S",
        2: in_parts(latitude),
        3: "E" if longitude >= 0 else "W",
        4: in_parts(longitude),
    }
    found = position_of(photo(gps, kind))
    if max(abs(latitude), abs(longitude)) < 1e-6:
        assert found is None
    else:
        assert found is not None
        assert (found.latitude, found.longitude) == pytest.approx((latitude, longitude), abs=1e-5)


@pytest.mark.parametrize(
    "gps",
    [
        None,
        {2: in_parts(33.2), 4: in_parts(126.5)},
        {1: "N", 2: in_parts(33.2)},
        {1: "X", 2: in_parts(33.2), 3: "E", 4: in_parts(126.5)},
        {1: "N", 2: (IFDRational(133, 1), IFDRational(0, 1), IFDRational(0, 1)), 3: "E", 4: in_parts(1)},
        {1: "N", 2: (IFDRational(1, 0),) * 3, 3: "E", 4: in_parts(1)},
        {1: "N", 2: in_parts(0), 3: "E", 4: in_parts(0)},
    ],
    ids=["none", "no letters", "half", "odd letter", "beyond the pole", "divided by zero", "no fix"],
)
def test_what_makes_no_sense_is_no_position(gps: dict[int, object] | None) -> None:
    assert position_of(photo(gps)) is None


@given(st.binary(max_size=300))
def test_hostile_exif_is_no_position_and_no_error(noise: bytes) -> None:
    sound = photo({1: "N", 2: in_parts(33.2), 3: "E", 4: in_parts(126.5)})
    at = sound.index(b"Exif") + 6
    # Either a position or none, but no error.
    found = position_of(sound[:at] + noise + sound[at + len(noise) :])
    assert found is None or abs(found.latitude) <= 90
    assert position_of(noise) is None
