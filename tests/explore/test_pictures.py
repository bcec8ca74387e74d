"""Average pictures are means; layouts keep neighbours together, fit the square, and come out the same again."""

from __future__ import annotations

import numpy as np
import pytest

from anmok.explore.averages import CHUNK, as_text, average_pictures, from_text
from anmok.explore.layout import components, in_unit_square, neighbour_layout


def test_the_average_of_each_class_is_the_mean_of_its_pictures_across_chunks() -> None:
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (CHUNK + 500, 4, 4, 3), dtype=np.uint8)
    labels = random.integers(0, 2, len(pixels))
    found = average_pictures(pixels, labels, ("a", "b", "empty"))
    assert set(found) == {"a", "b"}
    for number, name in enumerate(("a", "b")):
        assert np.array_equal(found[name], np.rint(pixels[labels == number].mean(axis=0)).astype(np.uint8))
    assert np.array_equal(from_text(as_text(found["a"]), 4), found["a"])
    with pytest.raises(ValueError, match="reshape"):
        from_text(as_text(found["a"]), 5)


def clusters(each: int = 60) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(1)
    centres = random.normal(0, 1, (4, 64))
    labels = np.repeat(np.arange(4), each)
    return (centres[labels] + random.normal(0, 0.25, (len(labels), 64))).astype(np.float32), labels


def test_pictures_of_one_kind_lie_together_on_the_map() -> None:
    vectors, labels = clusters()
    placed, explained = components(vectors, seed=0)
    assert 0.3 < sum(explained) <= 1
    places = neighbour_layout(placed, seed=0)
    assert places.shape == (240, 2)
    distances = np.linalg.norm(places[:, None] - places[None], axis=2) + np.eye(240) * 1e9
    assert (labels[distances.argmin(axis=1)] == labels).mean() > 0.98
    assert np.array_equal(places, neighbour_layout(placed, seed=0))


@pytest.mark.parametrize("count", [1, 2, 3, 7, 9, 20])
def test_few_pictures_and_pictures_all_alike_have_a_place_too(count: int) -> None:
    for vectors in (np.ones((count, 16), np.float32), np.random.default_rng(0).normal(size=(count, 16))):
        placed, explained = components(vectors.astype(np.float32), seed=0)
        places = in_unit_square(neighbour_layout(placed, seed=0))
        assert len(places) == count
        assert np.isfinite(places).all()
        assert all(0 <= end <= 1 for place in places for end in place)
        assert np.isfinite(explained).all()


def test_the_square_keeps_the_shape_and_one_odd_picture_does_not_squeeze_the_others() -> None:
    places = np.random.default_rng(0).uniform(0, 1, (1000, 2)).astype(np.float32) * (2, 1)
    x, y = np.array(in_unit_square(places.astype(np.float32))).T
    assert np.ptp(x) == pytest.approx(2 * np.ptp(y), rel=0.05)
    places[0] = 1000
    x, _y = np.array(in_unit_square(places.astype(np.float32))).T
    assert np.ptp(x[1:]) > 0.9
    assert in_unit_square(np.empty((0, 2), np.float32)) == ()
