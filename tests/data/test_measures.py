"""Light, colour and the perceptual hash of a picture, against NumPy, SciPy and what a copy may look like."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from scipy.fft import dctn

from anmok.data.measures import measure, perceptual_hash
from tests.pictures import photo


def bits(text: str) -> NDArray[np.uint8]:
    return np.unpackbits(np.frombuffer(bytes.fromhex(text), dtype=np.uint8))


def distance(one: Image.Image, other: Image.Image) -> int:
    return int((bits(perceptual_hash(one.convert("L"))) != bits(perceptual_hash(other.convert("L")))).sum())


@settings(max_examples=30)
@given(width=st.integers(1, 40), height=st.integers(1, 40), seed=st.integers(0, 1000))
def test_light_and_colour_are_means_over_all_pixels(width: int, height: int, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    found = measure(pixels)
    assert (found.mean_r, found.mean_g, found.mean_b) == pytest.approx(tuple(pixels.mean(axis=(0, 1))), abs=1e-9)
    luma = pixels @ np.array([0.299, 0.587, 0.114])
    # Pillow rounds each pixel's luma to a whole number.
    assert found.brightness == pytest.approx(luma.mean(), abs=0.51)
    assert found.contrast == pytest.approx(luma.std(), abs=0.51)
    grey = np.asarray(Image.fromarray(pixels).convert("L"), dtype=np.float64)
    assert (found.brightness, found.contrast) == pytest.approx((grey.mean(), grey.std()), abs=1e-9)


def test_the_hash_is_what_its_description_says() -> None:
    for seed in range(5):
        grey = photo(200, 150, seed).convert("L")
        small = np.asarray(grey.resize((32, 32), Image.Resampling.LANCZOS), dtype=np.float64)
        low = np.round(dctn(small, norm="ortho")[:8, :8], 3)
        wanted = (low > np.median(low)).ravel().astype(np.uint8)
        assert np.array_equal(bits(perceptual_hash(grey)), wanted)


def test_plain_surfaces_have_the_one_hash_that_is_documented() -> None:
    for value in (1, 77, 255):
        for size in ((1, 1), (5, 300), (640, 480)):
            assert perceptual_hash(Image.new("L", size, value)) == "8000000000000000"
    assert perceptual_hash(Image.new("L", (50, 50))) == "0" * 16


def jpeg(image: Image.Image, quality: int) -> Image.Image:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=quality)
    return Image.open(io.BytesIO(stream.getvalue())).convert("RGB")


@pytest.mark.parametrize("seed", range(8))
def test_copies_that_were_rescaled_recompressed_or_brightened_stay_near_and_other_pictures_far(seed: int) -> None:
    image = photo(320, 240, seed)
    copies = {
        "half": image.resize((160, 120), Image.Resampling.BICUBIC),
        "thumbnail": image.resize((64, 48), Image.Resampling.BILINEAR),
        "double": image.resize((640, 480), Image.Resampling.BICUBIC),
        "other shape": image.resize((300, 300), Image.Resampling.BICUBIC),
        "low quality": jpeg(image, 20),
        "brighter": Image.eval(image, lambda value: min(255, round(value * 1.1 + 5))),
    }
    far = {name: distance(image, copy) for name, copy in copies.items()}
    assert max(far.values()) <= 6, far
    assert distance(image, photo(320, 240, seed + 100)) >= 14
    assert distance(image, image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)) >= 14
