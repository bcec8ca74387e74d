"""A picture that is wanted in two sizes is decoded once only where that gives the same pixels."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from anmok.config import Limits
from anmok.images import load
from anmok.images.decoding import decode_image
from anmok.images.scaling import decodes_alike, load_decoded

SIDES = st.integers(1, 700)
WANTED = st.integers(1, 300)


def picture(width: int, height: int, kind: str, *, orientation: int = 1) -> bytes:
    pixels = np.random.default_rng(width * height).integers(
        0, 255, (height // 9 + 1, width // 9 + 1, 3), dtype=np.uint8
    )
    exif = Image.Exif()
    exif[0x0112] = orientation
    stream = io.BytesIO()
    Image.fromarray(pixels).resize((width, height)).save(stream, kind, exif=exif)
    return stream.getvalue()


@settings(max_examples=60, deadline=None)
@given(SIDES, SIDES, WANTED, WANTED, st.sampled_from([1, 6]), st.sampled_from(["JPEG", "PNG"]))
def test_two_decodes_are_called_alike_exactly_where_pillow_gives_the_same_size(
    width: int, height: int, first: int, second: int, orientation: int, kind: str
) -> None:
    data = picture(width, height, kind, orientation=orientation)
    one, other = (decode_image(data, "a", Limits(), at_least) for at_least in (first, second))
    assert decodes_alike(one, first, second) == (one.image.size == other.image.size)
    assert decodes_alike(one, first, second) == decodes_alike(other, first, second)


@pytest.mark.parametrize("size", [(60, 50), (640, 480), (1500, 1100)])
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("rule", ["squash", "crop", "pad"])
def test_what_the_model_sees_is_the_same_to_the_bit_as_from_the_file(
    size: tuple[int, int], kind: str, rule: str
) -> None:
    data = picture(*size, kind, orientation=6)
    decoded = decode_image(data, "a", Limits(), 700)
    seen = load_decoded(decoded, 700, data, name="a", size=48, rule=rule, limits=Limits())
    assert np.array_equal(seen, load(data, name="a", size=48, rule=rule))
