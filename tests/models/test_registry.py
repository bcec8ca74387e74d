"""What every registered model promises. A new member is tested by being registered."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from anmok.bundle.append import append_head
from anmok.bundle.graph import check_graph
from anmok.errors import UnknownName, WeightsMissing
from anmok.features.session import open_session
from anmok.models.networks import get_network, network_names
from anmok.models.packs import find_pack
from anmok.models.recipes import get_recipe, recipe_names
from anmok.models.registry import ModelSpec, all_models, get_model, register_model
from anmok.training.heads_layered import Dense
from tests.models.packs import make_pack
from tests.pictures import photo

MODELS = {spec.name: spec for spec in all_models()}
# Read now, because each test begins without this variable.
REAL = Path(os.environ.get("ANMOK_WEIGHTS") or Path(__file__).resolve().parents[3] / "shared" / "weights")
# Backbones are megabytes each; those that are here, and tiny ones of every kind in test_backbones, stand for all.
EXTRACTORS = [
    name for name, spec in MODELS.items() if spec.kind == "extractor" and (spec.facts is None or name == "mobilenetv2")
]


@pytest.fixture
def weights_of_any_kind(
    request: pytest.FixtureRequest, session_cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: Any
) -> None:
    """The real weights where they lie beside the project; random ones of the same architecture elsewhere."""
    monkeypatch.setenv("ANMOK_CACHE", str(session_cache))
    if REAL.is_dir():
        monkeypatch.setenv("ANMOK_WEIGHTS", str(REAL))
    spec: ModelSpec = MODELS[request.getfixturevalue("name")]
    if not spec.weights:
        return
    try:
        find_pack(spec.weights, download=False)
    except WeightsMissing:
        home = tmp_path_factory.mktemp("weights")
        make_pack(home, spec.weights.partition(".")[0])
        monkeypatch.setenv("ANMOK_WEIGHTS", str(home))


@pytest.mark.parametrize("name", MODELS)
def test_a_model_says_what_it_is_in_one_line(name: str) -> None:
    spec = MODELS[name]
    assert spec.title
    assert 10 < len(spec.summary) <= 100
    assert "\n" not in spec.summary


@pytest.mark.parametrize("name", MODELS)
def test_a_model_has_a_recipe_that_trains_it(name: str) -> None:
    spec = MODELS[name]
    assert spec.recipe in recipe_names() or spec.facts is not None
    recipe = get_recipe(spec.recipe)
    assert recipe.model == name
    assert (recipe.strategy == "frozen") == (spec.kind == "extractor")


@pytest.mark.parametrize("name", EXTRACTORS)
@pytest.mark.usefixtures("weights_of_any_kind")
def test_an_extractor_turns_each_picture_into_a_vector_of_its_own(name: str) -> None:
    extractor = MODELS[name].extractor()
    size = extractor.input_size
    pictures = np.stack([np.asarray(photo(size, size, seed)) for seed in range(3)])
    pictures = np.concatenate([pictures, np.zeros_like(pictures[:1]), np.full_like(pictures[:1], 255)])
    session = open_session(extractor.onnx)
    vectors, maps = session.run(["embedding", "feature_map"], {"pictures": pictures})
    assert vectors.dtype == maps.dtype == np.float32
    assert vectors.shape == (5, extractor.dim)
    assert maps.ndim == 4
    assert len(maps) == 5
    assert min(maps.shape[2:]) >= 2  # heat maps need a grid
    assert np.isfinite(vectors).all()
    assert np.isfinite(maps).all()
    assert len(np.unique(vectors.round(4), axis=0)) == 5
    (alone,) = session.run(["embedding"], {"pictures": pictures[1:2]})
    np.testing.assert_allclose(alone[0], vectors[1], atol=1e-3 * float(np.abs(vectors).max()))


@pytest.mark.parametrize("name", EXTRACTORS)
@pytest.mark.usefixtures("weights_of_any_kind")
def test_an_extractor_can_be_served_in_a_bundle(name: str) -> None:
    extractor = MODELS[name].extractor()
    head = np.ones((2, extractor.dim), dtype=np.float32)
    graph = append_head(onnx.load_model(extractor.onnx), (Dense(head, np.zeros(2, np.float32)),), "embedding")
    shape = check_graph(graph.SerializeToString())
    assert (shape.image_size, shape.classes, shape.dim) == (extractor.input_size, 2, extractor.dim)


@pytest.mark.parametrize("name", EXTRACTORS)
@pytest.mark.usefixtures("weights_of_any_kind")
def test_an_extractor_made_again_is_the_same(name: str) -> None:
    spec = MODELS[name]
    assert spec.extractor() == spec.extractor()
    assert spec.extractor(resize="pad").key != spec.extractor().key
    assert spec.extractor(resize="pad").sha256 == spec.extractor().sha256


def test_networks_are_those_of_the_room_of_networks() -> None:
    assert {name for name, spec in MODELS.items() if spec.kind == "network"} == set(network_names())
    for name in network_names():
        assert get_network(name)
        with pytest.raises(TypeError, match="no vectors before it is trained"):
            MODELS[name].extractor()


def test_a_taken_name_is_refused() -> None:
    with pytest.raises(ValueError, match="already registered"):
        register_model(MODELS["mobilenetv2"])
    assert get_model("mobilenetv2") is MODELS["mobilenetv2"]


@pytest.mark.parametrize("name", ["", "Big", "with space", "../up", "-a", "a" * 65])
def test_a_name_that_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is not made of"):
        ModelSpec(name=name, title="x", about="x", kind="network", needs_torch=True)


def test_an_unknown_model_is_answered_with_similar_names() -> None:
    with pytest.raises(UnknownName, match=r"no model named 'mobilnetv2'.*Did you mean mobilenetv2 or"):
        get_model("mobilnetv2")
    with pytest.raises(UnknownName, match=r"Known models: handcrafted, .*cnn-small, .*mobilenetv2"):
        get_model("xyz")
