"""Two numbers of each picture: the boundaries are what they are called, pairs are judged fairly, the graph is right."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from scipy.stats import multivariate_normal
from sklearn.neighbors import KNeighborsClassifier

from anmok.cli.features2d import NAMES
from anmok.errors import UsageError
from anmok.explore.measures import MEASURES
from anmok.features.plane import (
    GRID,
    _quadratic,
    all_measure_names,
    axis_of,
    draw_boundaries,
    judge_pairs,
    plane_measures,
    values_of,
)
from anmok.features.plane_graph import SIZE, plane_extractor, plane_graph
from anmok.features.session import open_session
from tests.pictures import photo


def clouds(each: int, seed: int, apart: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    """Two clouds that overlap: nobody can tell all of their points apart."""
    random = np.random.default_rng(seed)
    labels = np.repeat([0, 1], each)
    return random.normal(size=(2 * each, 2)) + np.outer(labels, [apart, 0]), labels


def table_of(count: int = 60, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Measures of made pictures: contrast and saturation together tell the classes apart, neither does alone."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    angle = random.uniform(0, 6.28, count)
    radius = np.where(labels, 40, 15) + random.normal(0, 2, count)
    columns = {
        "brightness": random.uniform(60, 200, count),
        "contrast": 100 + radius * np.cos(angle),
        "saturation": 100 + radius * np.sin(angle),
        "sharpness": random.uniform(0, 900, count),
        "entropy": np.full(count, 7.0),
        "width": np.full(count, 64.0),
        "height": np.full(count, 48.0),
        "bytes": 1000 + 9000 * labels,
        "mean_r": random.uniform(60, 200, count),
    }
    table = pd.DataFrame(columns)
    return table.assign(mean_g=table["mean_r"] * 1.01, mean_b=random.uniform(60, 200, count)), labels


def test_the_wiggly_boundary_knows_its_points_by_heart_and_is_worse_on_others_than_the_straight_one() -> None:
    train, labels = clouds(150, 0)
    test, truth = clouds(400, 1)
    axes = tuple(axis_of(plane_measures(table_of()[0])["contrast"], train[:, side]) for side in (0, 1))
    straight, moderate, wiggly = draw_boundaries(train, labels, test, truth, (axes[0], axes[1]))
    assert [one.kind for one in (straight, moderate, wiggly)] == ["straight", "moderate", "wiggly"]
    assert wiggly.train.value == 1.0
    # No boundary is better than that half way between the two means: P(Z < 1) = 0.841.
    assert straight.test.value == pytest.approx(0.841, abs=0.03)
    assert moderate.test.value == pytest.approx(0.841, abs=0.03)
    assert wiggly.test.value < straight.test.value - 0.03
    assert straight.test.low < straight.test.value < straight.test.high


def test_the_ground_shows_what_is_answered_there() -> None:
    train, labels = clouds(60, 2, apart=3)
    axes = tuple(axis_of(plane_measures(table_of()[0])["contrast"], train[:, side]) for side in (0, 1))
    straight, _moderate, wiggly = draw_boundaries(train, labels, train, labels, (axes[0], axes[1]))
    assert {len(row) for row in wiggly.regions} == {GRID} == {len(wiggly.regions)}
    # A straight boundary crosses each row once at most.
    assert all(sum(a != b for a, b in pairwise(row)) <= 1 for row in straight.regions)
    x, y = (np.linspace(axis.low, axis.high, GRID) for axis in axes)
    scale = train.std(axis=0)
    nearest = KNeighborsClassifier(1).fit(train / scale, labels)
    for row, column in ((0, 0), (60, 60), (119, 3), (40, 100)):
        assert int(wiggly.regions[row][column]) == nearest.predict([[x[column], y[row]] / scale])[0]


def test_the_pair_that_tells_the_classes_apart_only_together_is_found_and_file_sizes_are_not_suggested() -> None:
    table, labels = table_of(200)
    best, *others = judge_pairs(table, labels)
    assert {best.x, best.y} == {"contrast", "saturation"}
    assert best.accuracy > 0.95
    assert all(pair.accuracy < best.accuracy - 0.1 for pair in others)
    named = {name for pair in (best, *others) for name in (pair.x, pair.y)}
    assert not named & {"bytes", "mean_pixel", "entropy", "width"}
    # Red and green say the same here; together they make a line.
    assert not any({pair.x, pair.y} == {"mean_r", "mean_g"} for pair in (best, *others))


def test_a_wanted_measure_stands_on_its_axis() -> None:
    table, labels = table_of(200)
    assert {pair.x for pair in judge_pairs(table, labels, x="saturation")} == {"saturation"}
    assert {pair.y for pair in judge_pairs(table, labels, y="contrast")} == {"contrast"}
    assert judge_pairs(table, labels, x="bytes")[0].accuracy == 1.0


@given(st.integers(0, 1000))
def test_quadratic_discriminant_analysis_answers_with_the_most_probable_normal_distribution(seed: int) -> None:
    random = np.random.default_rng(seed)
    labels = np.repeat([0, 1, 2], [20, 30, 25])
    mixed = np.eye(2) + random.uniform(-0.4, 0.4, size=(2, 2))
    points = random.normal(size=(75, 2)) @ mixed + labels[:, None] * random.normal(size=2)
    parts = [points[labels == label] for label in range(3)]
    normals = [multivariate_normal(part.mean(axis=0), np.cov(part.T)) for part in parts]
    reference = np.argmax(
        [np.log(len(part)) + one.logpdf(points) for part, one in zip(parts, normals, strict=True)], axis=0
    )
    # Whoever lies within rounding of a boundary may go either way.
    assert (_quadratic(points, labels, points) == reference).mean() >= 0.98


def test_ratios_stand_on_logarithmic_axes_and_no_sharpness_is_no_trouble() -> None:
    table, _labels = table_of()
    measures = plane_measures(table)
    assert values_of(measures["width"], table)[0] == pytest.approx(np.log10(64))
    flat = table.assign(sharpness=0.0)
    assert np.isfinite(values_of(measures["sharpness"], flat)).all()


def test_the_command_knows_every_measure() -> None:
    assert all_measure_names() == NAMES
    assert set(NAMES) >= {measure.name for measure in MEASURES}
    assert set(plane_measures(table_of()[0])) == set(NAMES)


def test_the_graph_gives_mean_luma_and_saturation() -> None:
    pictures = np.stack(
        [np.asarray(photo(SIZE, SIZE, seed)) for seed in range(3)] + [np.zeros((SIZE, SIZE, 3), dtype=np.uint8)]
    )
    session = open_session(plane_graph().SerializeToString(), threads=1)
    embedding, feature_map = session.run(["embedding", "feature_map"], {"pictures": pictures})
    exact = pictures.astype(np.float64)
    luma = (exact @ [0.299, 0.587, 0.114]).mean(axis=(1, 2)) / 255
    saturation = (np.ptp(exact, axis=-1) / np.maximum(exact.max(axis=-1), 1)).mean(axis=(1, 2))
    np.testing.assert_allclose(embedding, np.stack([luma, saturation], axis=1), atol=1e-5)
    np.testing.assert_allclose(feature_map.mean(axis=(2, 3)), embedding, atol=1e-5)


def test_both_numbers_survive_resizing() -> None:
    session = open_session(plane_graph().SerializeToString(), threads=1)
    small = np.stack([np.asarray(photo(640, 480, 5).resize((SIZE, SIZE), Image.Resampling.BOX))])
    large = photo(640, 480, 5)
    exact = np.asarray(large).astype(np.float64)
    (embedding,) = session.run(["embedding"], {"pictures": small})
    assert embedding[0, 0] == pytest.approx((exact @ [0.299, 0.587, 0.114]).mean() / 255, abs=0.01)


def test_another_size_is_refused() -> None:
    with pytest.raises(UsageError, match="64 pixels"):
        plane_extractor(image_size=128)
