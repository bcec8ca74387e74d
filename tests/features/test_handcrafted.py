"""The hand-made features are what their definitions say: against NumPy, scikit-image, and pictures made for it."""

from __future__ import annotations

import io
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from skimage.feature import hog

from anmok.errors import UsageError
from anmok.features import handcrafted
from anmok.features.handcrafted import CELLS, DIM, SIZE, handcrafted_extractor, handcrafted_graph, parts, pattern_table
from anmok.features.session import open_session
from tests.pictures import photo


@cache
def session() -> Any:
    return open_session(handcrafted_graph().SerializeToString())


def run(pictures: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    embedding, feature_map = session().run(["embedding", "feature_map"], {"pictures": pictures})
    return embedding, feature_map


def photos(count: int = 3) -> NDArray[np.uint8]:
    return np.stack([np.asarray(photo(SIZE, SIZE, seed)) for seed in range(count)])


def luma_of(picture: NDArray[np.uint8]) -> NDArray[np.float64]:
    return picture.astype(np.float64) @ [0.299, 0.587, 0.114]


# References: written for clarity from the same definitions, in double precision, pixel by pixel where it matters.


def reference_cells(picture: NDArray[np.uint8]) -> NDArray[np.float64]:
    # Single precision up to the choice of the channel, because two channels may be equally strong but for rounding.
    scaled = picture.astype(np.float32) * np.float32(1 / 255)
    values = np.pad(np.sqrt(scaled), ((1, 1), (1, 1), (0, 0)), mode="edge")
    dx = values[1:-1, 2:] - values[1:-1, :-2]
    dy = values[2:, 1:-1] - values[:-2, 1:-1]
    strongest = np.argmax(dx**2 + dy**2, axis=2)[..., None]
    dx, dy = (np.take_along_axis(part, strongest, axis=2)[..., 0] for part in (dx, dy))
    magnitude, angle = np.hypot(dx, dy), np.degrees(np.arctan2(dy, dx)) % 180
    cells = np.zeros((9, CELLS, CELLS))
    for y in range(SIZE):
        for x in range(SIZE):
            for row, row_share in shared((y + 0.5) / 16 - 0.5):
                for column, column_share in shared((x + 0.5) / 16 - 0.5):
                    for direction, share in shared(angle[y, x] / 20 - 0.5):
                        if 0 <= row < CELLS and 0 <= column < CELLS:
                            amount = row_share * column_share * share * magnitude[y, x]
                            cells[direction % 9, row, column] += amount / 256
    return cells


def shared(place: float) -> tuple[tuple[int, float], tuple[int, float]]:
    low = int(np.floor(place))
    return (low, 1 - (place - low)), (low + 1, place - low)


def reference_blocks(cells: NDArray[np.float64]) -> NDArray[np.float64]:
    corners = [cells[:, y : y + CELLS - 1, x : x + CELLS - 1] for y in (0, 1) for x in (0, 1)]
    blocks = np.concatenate(corners)
    blocks = np.minimum(blocks / np.sqrt((blocks**2).sum(axis=0) + handcrafted.FLAT), 0.2)
    return (blocks / np.sqrt((blocks**2).sum(axis=0) + handcrafted.FLAT_AGAIN)).ravel()


def reference_texture(picture: NDArray[np.uint8]) -> NDArray[np.float64]:
    luma = picture.astype(int) @ [299, 587, 114]
    padded = np.pad(luma, 1, mode="edge")
    around = [(-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1)]
    code = np.zeros(luma.shape, dtype=int)
    for bit, (dy, dx) in enumerate(around):
        neighbour = padded[1 + dy : 1 + dy + SIZE, 1 + dx : 1 + dx + SIZE]
        code += (neighbour > luma + 1000 * handcrafted.TEXTURE_STEP) << bit
    patterns = pattern_table().argmax(axis=1)[code]
    fields = patterns.reshape(4, 32, 4, 32).transpose(0, 2, 1, 3).reshape(16, -1)
    return np.sqrt([np.bincount(field, minlength=59) / field.size for field in fields]).ravel()


def reference_colours(picture: NDArray[np.uint8]) -> NDArray[np.float64]:
    red, green, blue = np.moveaxis(picture / 255.0, 2, 0)
    first = np.clip(1.5 * (red - green) + 0.5, 0, 1)
    second = np.clip(1.5 * ((red + green) / 2 - blue) + 0.5, 0, 1)
    together = in_bins(first, 6)[:, None] * in_bins(second, 6)[None]
    bins = np.concatenate([together.reshape(36, SIZE, SIZE), in_bins(luma_of(picture) / 255, 8)])
    return np.sqrt(bins.reshape(-1, 4, 32, 4, 32).mean(axis=(2, 4))).ravel()


def in_bins(values: NDArray[np.float64], bins: int) -> NDArray[np.float64]:
    return np.stack([np.maximum(0, 1 - np.abs(values * (bins - 1) - centre)) for centre in range(bins)])


def test_edges_equal_the_reference_in_numpy() -> None:
    pictures = photos(2)
    embedding, feature_map = run(pictures)
    for row, picture in enumerate(pictures):
        cells = reference_cells(picture)
        np.testing.assert_allclose(feature_map[row], cells, atol=1e-5)
        np.testing.assert_allclose(embedding[row, parts()["edges"]], reference_blocks(cells), atol=1e-3)


def test_texture_equals_the_reference_in_numpy() -> None:
    pictures = photos()
    embedding, _feature_map = run(pictures)
    for row, picture in enumerate(pictures):
        np.testing.assert_allclose(embedding[row, parts()["texture"]], reference_texture(picture), atol=1e-6)


def test_colours_equal_the_reference_in_numpy() -> None:
    pictures = photos()
    embedding, _feature_map = run(pictures)
    for row, picture in enumerate(pictures):
        # Compared before the square root, which makes much of rounding near 0.
        colours = embedding[row, parts()["colours"]] ** 2
        np.testing.assert_allclose(colours, reference_colours(picture) ** 2, atol=1e-5)


def test_brightness_and_contrast_are_those_of_numpy() -> None:
    pictures = photos()
    light = run(pictures)[0][:, parts()["light"]] * 255
    for row, picture in enumerate(pictures):
        luma = luma_of(picture)
        np.testing.assert_allclose(light[row], [luma.mean(), luma.std()], rtol=1e-4)


def test_edges_go_with_those_of_scikit_image() -> None:
    # scikit-image shares neither between directions nor between cells, so the two agree but are not equal.
    pictures = photos()
    embedding, _feature_map = run(pictures)
    for row, picture in enumerate(pictures):
        theirs = hog(
            np.sqrt(picture / 255.0),
            orientations=9,
            pixels_per_cell=(16, 16),
            cells_per_block=(2, 2),
            block_norm="L2-Hys",
            channel_axis=2,
        )
        mine = embedding[row, parts()["edges"]].reshape(2, 2, 9, CELLS - 1, CELLS - 1).transpose(3, 4, 0, 1, 2)
        assert np.corrcoef(mine.ravel(), theirs.ravel())[0, 1] > 0.85


def test_edges_equal_those_of_scikit_image_where_nothing_is_there_to_share() -> None:
    # All gradients point down, the middle of a bin, and only the picture's outermost rows have weaker ones.
    steps = np.linspace(0, 1, SIZE)[:, None, None]
    picture = np.broadcast_to(np.rint(255 * steps**2), (SIZE, SIZE, 3)).astype(np.uint8)
    theirs = hog(
        np.sqrt(picture / 255.0),
        orientations=9,
        pixels_per_cell=(16, 16),
        cells_per_block=(2, 2),
        block_norm="L2-Hys",
        channel_axis=2,
    ).reshape(CELLS - 1, CELLS - 1, 2, 2, 9)
    mine = run(picture[None])[0][0, parts()["edges"]].reshape(2, 2, 9, CELLS - 1, CELLS - 1).transpose(3, 4, 0, 1, 2)
    inner = slice(1, CELLS - 2)
    np.testing.assert_allclose(mine[inner, inner], theirs[inner, inner], atol=1e-3)
    np.testing.assert_allclose(mine[inner, inner, ..., 4], 0.5, atol=1e-3)


@pytest.mark.parametrize(("angle", "direction"), [(0, (0, 8)), (90, (4,)), (30, (1,)), (170, (8,))])
def test_an_edge_is_counted_in_the_bin_of_its_direction(angle: int, direction: tuple[int, ...]) -> None:
    y, x = np.mgrid[0:SIZE, 0:SIZE] - SIZE / 2
    across = np.cos(np.radians(angle)) * x + np.sin(np.radians(angle)) * y
    picture = np.repeat((128 + 100 * np.tanh(across / 3))[..., None], 3, axis=2).astype(np.uint8)
    strength = run(picture[None])[1][0].sum(axis=(1, 2))
    assert int(strength.argmax()) in direction


def test_patterns_are_the_58_uniform_ones_and_the_rest() -> None:
    table = pattern_table()
    assert table.shape == (256, 59)
    assert (table.sum(axis=1) == 1).all()
    turns = [bin(code ^ ((code >> 1) | (code & 1) << 7)).count("1") for code in range(256)]
    assert [bool(row[58]) for row in table] == [count > 2 for count in turns]
    assert (table[:, :58].sum(axis=0) == 1).all()


def test_histograms_count_every_pixel_once() -> None:
    embedding, _feature_map = run(photos())
    texture = embedding[:, parts()["texture"]].reshape(-1, 16, 59) ** 2
    np.testing.assert_allclose(texture.sum(axis=2), 1, rtol=1e-5)
    colours = embedding[:, parts()["colours"]].reshape(-1, 44, 16) ** 2
    np.testing.assert_allclose(colours[:, :36].sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(colours[:, 36:].sum(axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize("value", [0, 7, 128, 255])
def test_a_flat_picture_has_no_edges_and_one_pattern(value: int) -> None:
    embedding, feature_map = run(np.full((1, SIZE, SIZE, 3), value, dtype=np.uint8))
    assert np.isfinite(embedding).all()
    assert (feature_map == 0).all()
    texture = embedding[0, parts()["texture"]].reshape(16, 59)
    assert (texture == pattern_table()[0]).all()


def test_noise_of_one_step_is_no_texture() -> None:
    noise = np.random.default_rng(0).integers(127, 129, (1, SIZE, SIZE, 3), dtype=np.uint8)
    assert (run(noise)[0][0, parts()["texture"]].reshape(16, 59) == pattern_table()[0]).all()


def test_values_keep_to_0_to_1_and_the_batch_does_not_matter() -> None:
    extreme = np.zeros((1, SIZE, SIZE, 3), dtype=np.uint8)
    extreme[:, ::2, ::2] = [255, 0, 255]
    pictures = np.concatenate([photos(4), extreme])
    embedding, _feature_map = run(pictures)
    assert embedding.shape == (5, DIM)
    assert embedding.min() >= 0
    assert embedding.max() <= 1
    alone = np.concatenate([run(pictures[row : row + 1])[0] for row in range(5)])
    np.testing.assert_allclose(alone, embedding, atol=1e-5)


def test_the_graph_is_the_same_in_every_process_and_written_once() -> None:
    first = handcrafted_extractor()
    written = first.onnx.stat().st_mtime_ns
    again = handcrafted_extractor(resize="pad")
    assert (again.sha256, again.onnx.stat().st_mtime_ns) == (first.sha256, written)
    assert again.key != first.key
    assert handcrafted_graph().SerializeToString(deterministic=True) == first.onnx.read_bytes()


def test_a_damaged_graph_in_the_cache_is_written_again() -> None:
    extractor = handcrafted_extractor()
    extractor.onnx.write_bytes(b"damaged")
    handcrafted_extractor()
    assert extractor.onnx.read_bytes() != b"damaged"


def test_another_size_is_refused_with_the_way_out() -> None:
    with pytest.raises(UsageError, match=r"128 pixels, not at 224.*image_size = 0"):
        handcrafted_extractor(image_size=224)


@pytest.mark.real
def test_pictures_of_six_scenes_are_told_apart(data_dir: Any) -> None:
    # A quick stand-in for the whole: mean vectors of 20 pictures a class, 20 others go to the nearest.
    import zipfile

    with zipfile.ZipFile(data_dir / "scenes6.zip") as archive:
        names = [name for name in archive.namelist() if name.startswith("train/") and name.endswith(".jpg")]
        classes = sorted({name.split("/")[1] for name in names})
        pictures = []
        for kind in classes:
            for name in sorted(name for name in names if f"/{kind}/" in name)[:40]:
                image = Image.open(io.BytesIO(archive.read(name))).convert("RGB").resize((SIZE, SIZE))
                pictures.append(np.asarray(image))
    vectors = run(np.stack(pictures))[0].reshape(len(classes), 40, DIM)
    means = vectors[:, :20].mean(axis=1)
    nearest = ((vectors[:, 20:, None] - means[None, None]) ** 2).sum(axis=-1).argmin(axis=-1)
    assert (nearest == np.arange(len(classes))[:, None]).mean() > 0.5
