"""A training from vectors at hand tells what it would cost anew, and how much of that it was spared."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from anmok.config import Recipe
from anmok.data.manifest import Manifest
from anmok.features.cache import VectorCache
from anmok.features.extraction import extract
from anmok.models.registry import get_model
from anmok.training import frozen
from anmok.training.train import train
from tests.training.made import picture_manifest

LOGISTIC = Recipe(name="logistic", model="handcrafted", augmentation="flip-shift", views=1)
LAYERS = Recipe(
    name="layers", model="handcrafted", head="layers", head_layers=("average-pool", "dense 4"), epochs=1, batch_size=8
)


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    return picture_manifest(tmp_path_factory.mktemp("spared") / "pictures", each=8)


def spent_on(manifest: Manifest) -> Mapping[str, float]:
    """Return what the cache remembers of each picture as it is, and make the vector where it does not."""
    extractor = get_model("handcrafted").extractor()
    extract(manifest, extractor, threads=1)
    with VectorCache() as cache:
        found = cache.get_timed(extractor.key, manifest.table["id"], dim=extractor.dim)
    return {picture: seconds for picture, (_vector, seconds) in found.items()}


@pytest.mark.parametrize("recipe", [LOGISTIC, LAYERS], ids=lambda recipe: recipe.name)
def test_with_an_empty_cache_nothing_is_spared_although_some_pictures_are_asked_for_twice(
    tmp_path: Path, manifest: Manifest, recipe: Recipe
) -> None:
    run = train(recipe, manifest, tmp_path, threads=1)
    assert run.seconds_spared == 0
    assert run.seconds["features"] > 0


def test_vectors_at_hand_count_with_what_they_took(tmp_path: Path, manifest: Manifest) -> None:
    took = sum(spent_on(manifest).values())
    assert took > 0
    run = train(LOGISTIC, manifest, tmp_path / "first", threads=1)
    assert run.seconds_spared == pytest.approx(took)  # the views were not at hand
    assert run.seconds["features"] > took
    again = train(LOGISTIC, manifest, tmp_path / "second", threads=1)
    assert again.seconds_spared > took
    assert again.seconds["features"] > run.seconds_spared


def test_vectors_in_files_remember_their_seconds_too(
    tmp_path: Path, manifest: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frozen, "LONGEST_IN_MEMORY", 1)
    assert train(LAYERS, manifest, tmp_path / "first", threads=1).seconds_spared == 0
    again = train(LAYERS, manifest, tmp_path / "second", threads=1)
    assert 0 < again.seconds_spared < again.seconds["features"]
