"""Light, colour and the perceptual hash of a picture, against NumPy, SciPy and what a copy may look like."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from scipy.fft import dctn
from scipy.signal import convolve2d
from scipy.stats import entropy

from anmok.data.measures import measure, measure_all, reduce
from tests.pictures import photo


def bits(text: str) -> NDArray[np.uint8]:
    return np.unpackbits(np.frombuffer(bytes.fromhex(text), dtype=np.uint8))


def hash_of(image: Image.Image) -> str:
    return measure(np.asarray(image.convert("RGB"))).phash


def distance(one: Image.Image, other: Image.Image) -> int:
    return int((bits(hash_of(one)) != bits(hash_of(other))).sum())


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
    assert found.entropy == pytest.approx(entropy(np.bincount(grey.astype(int).ravel()), base=2), abs=1e-9)
    edges = convolve2d(grey, [[0, -1, 0], [-1, 4, -1], [0, -1, 0]], mode="valid") if min(width, height) > 2 else [0]
    assert found.sharpness == pytest.approx(np.var(edges), rel=1e-5)


def test_saturation_is_that_of_the_thumbnail() -> None:
    for seed in range(5):
        pixels = np.asarray(photo(417, 283, seed))
        wanted = np.asarray(Image.fromarray(reduce(Image.fromarray(pixels)).thumb).convert("HSV"))[..., 1].mean()
        # Pillow cuts the decimals of each pixel's saturation off.
        assert wanted <= measure(pixels).saturation <= wanted + 1


def test_known_pictures_have_the_known_values() -> None:
    red = measure(np.full((50, 60, 3), (200, 0, 0), dtype=np.uint8))
    assert (red.mean_r, red.mean_g, red.saturation, red.sharpness, red.entropy) == (200, 0, 255, 0, 0)
    grey = measure(np.full((50, 60, 3), 90, dtype=np.uint8))
    assert (grey.brightness, grey.contrast, grey.saturation) == (90, 0, 0)
    ramp = np.repeat(np.arange(64, dtype=np.uint8)[None, :, None], 40, axis=0).repeat(3, axis=2)
    assert measure(ramp).entropy == pytest.approx(6)
    assert measure(ramp).sharpness == 0
    checks = np.indices((20, 20)).sum(axis=0) % 2
    assert measure((255 * checks[..., None].repeat(3, axis=2)).astype(np.uint8)).sharpness == pytest.approx(1020.0**2)


def test_pictures_measured_together_have_the_values_that_each_has_alone() -> None:
    sizes = [(32, 32), (200, 90), (2, 9)] * 3 + [(24, 16)] * 37
    pictures = [reduce(photo(*size, seed)) for seed, size in enumerate(sizes)]
    assert measure_all(pictures) == [measure_all([picture])[0] for picture in pictures]
    assert measure_all([]) == []


@pytest.mark.parametrize("seed", range(4))
def test_blur_lowers_sharpness_and_size_changes_it_little(seed: int) -> None:
    large = photo(800, 600, seed)
    sharp = measure(np.asarray(large)).sharpness
    for size in ((400, 300), (200, 150)):
        smaller = large.resize(size, Image.Resampling.BICUBIC)
        assert measure(np.asarray(smaller)).sharpness == pytest.approx(sharp, rel=0.5)
    blurred = measure(np.asarray(large.filter(ImageFilter.GaussianBlur(12)))).sharpness
    assert blurred < 0.5 * sharp


def test_the_hash_is_what_its_description_says() -> None:
    for seed in range(5):
        image = photo(200, 150, seed)
        thumb = image.resize((32, 32), Image.Resampling.BILINEAR, reducing_gap=1.5)
        small = np.asarray(thumb.convert("L"), dtype=np.float64)
        low = np.round(dctn(small, norm="ortho")[:8, :8], 3)
        wanted = (low > np.median(low)).ravel().astype(np.uint8)
        assert np.array_equal(bits(hash_of(image)), wanted)


def test_plain_surfaces_have_the_one_hash_that_is_documented() -> None:
    for value in (1, 77, 255):
        for size in ((1, 1), (5, 300), (640, 480)):
            assert hash_of(Image.new("L", size, value)) == "8000000000000000"
    assert hash_of(Image.new("L", (50, 50))) == "0" * 16


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
