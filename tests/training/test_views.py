"""Augmented views of a picture are vectors: drawn once by seed, kept in the cache, never told as other pictures."""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from anmok.config import Recipe
from anmok.data.manifest import Manifest
from anmok.errors import UnknownName, UsageError
from anmok.features.extraction import extract, extract_maps, load_pixels
from anmok.features.extractor import Extractor, View
from anmok.training.augmentation import draw, get_policy
from anmok.training.augmentation.drawing import variant_seed
from anmok.training.frozen_layers import ViewedVectors
from anmok.training.heads import fit_logistic
from anmok.training.views import views_of
from tests.features.graphs import mean_colour
from tests.training.made import picture_manifest


def recipe(**changes: object) -> Recipe:
    values: dict[str, object] = {"name": "x", "model": "handcrafted", "augmentation": "flip-shift", "views": 2}
    return Recipe(**(values | changes))  # type: ignore[arg-type]


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    return picture_manifest(tmp_path / "pictures", each=6)


@pytest.fixture
def colours(tmp_path: Path) -> Extractor:
    graph = mean_colour(16)
    (tmp_path / "graph.onnx").write_bytes(graph)
    digest = hashlib.sha256(graph).hexdigest()
    return Extractor(
        name="c", onnx=tmp_path / "graph.onnx", sha256=digest, input_size=16, resize="squash", dim=3, output="max-pool"
    )


def test_a_view_s_vector_is_that_of_the_picture_that_a_copy_would_be(manifest: Manifest, colours: Extractor) -> None:
    first, second = views_of(recipe(seed=5))
    pixels, policy = load_pixels(manifest, 16, "squash"), get_policy("flip-shift")
    for number, view in ((1, first), (2, second)):
        vectors = extract(manifest, colours, view=view, threads=3)
        for row, picture in enumerate(manifest.table["id"]):
            changed = draw(pixels[row], policy, seed=variant_seed(5, "flip-shift", picture, number))
            np.testing.assert_allclose(vectors[row], changed.mean(axis=(0, 1)), rtol=1e-4)


def test_views_come_from_the_cache_and_are_told_apart(manifest: Manifest, colours: Extractor) -> None:
    drawn: Counter[str] = Counter()
    lock = threading.Lock()

    def change(picture: str, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        with lock:
            drawn[picture] += 1
        return 255 - pixels

    view = View("inverted", change)
    once, plain = extract(manifest, colours, view=view), extract(manifest, colours)
    assert (extract(manifest, colours, view=view) == once).all()
    assert set(drawn.values()) == {1}
    np.testing.assert_allclose(once + plain, 255, rtol=1e-3)
    maps = extract_maps(manifest, colours, dtype="<f4", view=view)
    np.testing.assert_array_equal(maps[np.arange(len(maps))], once)


def test_each_seed_policy_and_number_has_vectors_of_its_own() -> None:
    made = [recipe(), recipe(seed=1), recipe(augmentation="sports-mobilenetv2")]
    keys = [view.key for one in made for view in views_of(one)]
    assert len(set(keys)) == 6
    assert [view.key for view in views_of(recipe(copies=1, views=1))] == keys[:2]


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        ({"augmentation": "flop"}, UnknownName),
        ({"augmentation": "none"}, UsageError),
        ({"views": 0}, UsageError),
    ],
    ids=["unknown policy", "views of nothing", "a policy without views"],
)
def test_settings_that_would_do_nothing_are_refused(settings: dict[str, object], kind: type[Exception]) -> None:
    with pytest.raises(kind):
        views_of(recipe(**settings))
    assert views_of(recipe(augmentation="none", views=0)) == ()


def test_an_epoch_shows_each_picture_by_one_of_its_views_in_turn_and_all_copies() -> None:
    sources = [np.full((4, 1), number, np.float32) for number in range(5)]  # the picture, 2 copies, 2 views
    train = ViewedVectors(sources, np.array([0, 1, 0, 1]), copies=2)
    assert train.seen.tolist() == [0, 1, 0, 1] * 3
    turns = np.array([0, 1, 2, 0])
    shown = []
    for epoch in range(3):
        vectors = train.take(np.arange(12), train.of_epoch(epoch, turns)).numpy()[:, 0]
        assert vectors[4:].tolist() == [1] * 4 + [2] * 4
        shown.append(vectors[:4])
    assert np.array(shown).T.tolist() == [[0, 3, 4], [3, 4, 0], [4, 0, 3], [0, 3, 4]]


def test_vectors_stay_with_their_labels_in_any_order() -> None:
    labels = np.arange(6)
    sources = [labels[:, None] + np.float32(10 * number) for number in range(3)]
    train = ViewedVectors(sources, labels, copies=1)
    places = np.random.default_rng(0).permutation(12)
    taken = train.take(places, train.of_epoch(0, np.zeros(6, np.int64))).numpy()[:, 0]
    np.testing.assert_array_equal(taken % 10, train.seen[places])


def test_a_fold_s_head_knows_no_view_of_what_it_is_asked() -> None:
    chance = np.random.default_rng(5)
    labels, vectors = np.tile([0, 1], 40), chance.normal(size=(80, 60)).astype(np.float32)
    seen = np.concatenate([vectors, vectors + chance.normal(scale=0.01, size=vectors.shape)]).astype(np.float32)
    groups = [f"picture {row}" for row in range(80)] * 2
    fit = fit_logistic(seen, np.tile(labels, 2), groups=groups, asked=80, threads=1)
    assert fit.out_of_fold.shape == (80, 2)
    # The labels mean nothing, so that only who has seen a picture's view could know them.
    assert (fit.out_of_fold.argmax(axis=1) == labels).mean() < 0.7
    # As it does where folds may part a picture from its view.
    parted = fit_logistic(seen, np.tile(labels, 2), groups=[f"{row}" for row in range(160)], asked=80, threads=1)
    assert (parted.out_of_fold.argmax(axis=1) == labels).mean() > 0.9


def test_views_without_groups_are_refused() -> None:
    with pytest.raises(ValueError, match="groups"):
        fit_logistic(np.zeros((8, 2), np.float32), np.tile([0, 1], 4), asked=4)
