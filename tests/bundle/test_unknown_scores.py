"""Every registered score of "none of these" keeps one contract; each of them equals a slow or a foreign reference."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from scipy.special import logsumexp
from sklearn.covariance import ledoit_wolf
from sklearn.neighbors import NearestNeighbors

from anmok.bundle.reference import Reference
from anmok.bundle.unknown.registry import Range, ScoreSpec, all_scores, get_score, register_score, unit_rows
from anmok.errors import UnknownName

DIM, CLASSES = 12, 3
SCORES = [spec.name for spec in all_scores()]
OF_EMBEDDINGS = [spec.name for spec in all_scores() if spec.uses_embeddings]
HEAD = np.random.default_rng(9).normal(size=(DIM, CLASSES))


def drawn(pictures: int, seed: int, *, spread: float = 0.3) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Embeddings around one direction for each class, their logits, and their labels."""
    random = np.random.default_rng(seed)
    centres = np.eye(DIM)[:CLASSES] * 4
    labels = np.arange(pictures) % CLASSES
    embeddings = (centres[labels] + random.normal(size=(pictures, DIM)) * spread).astype(np.float32)
    return embeddings, (embeddings[:, :CLASSES] * 5).astype(np.float32), labels.astype(np.int32)


def reference(pictures: int = 60, seed: int = 0, dtype: type = np.float16) -> Reference:
    embeddings, _logits, labels = drawn(pictures, seed)
    return Reference(embeddings.astype(dtype), labels)


@pytest.fixture(params=SCORES)
def spec(request: pytest.FixtureRequest) -> ScoreSpec:
    return get_score(request.param)


def test_the_scores_that_come_with_anmok_are_there() -> None:
    assert {"neighbours", "neighbour-mean", "mahalanobis", "energy", "probability"} <= set(SCORES)


def test_a_score_is_one_finite_number_a_picture_and_says_whence_it_comes(spec: ScoreSpec) -> None:
    score = spec.make(reference(), spec.defaults)
    embeddings, logits, _labels = drawn(7, 1)
    values = score(embeddings, logits)
    assert (values.dtype, values.shape) == (np.float64, (7,))
    assert np.isfinite(values).all()
    assert score(embeddings[:0], logits[:0]).shape == (0,)
    assert spec.title
    assert spec.source


def test_strangers_score_higher_than_pictures_of_the_classes(spec: ScoreSpec) -> None:
    score = spec.make(reference(), spec.defaults)
    embeddings, logits, _labels = drawn(30, 1)
    strange = np.zeros((30, DIM), np.float32)
    strange[:, CLASSES:] = np.random.default_rng(2).normal(size=(30, DIM - CLASSES))
    assert score(strange, strange[:, :CLASSES] * 5).min() > score(embeddings, logits).max()


def test_a_picture_scores_alike_alone_and_among_others(spec: ScoreSpec) -> None:
    score = spec.make(reference(), spec.defaults)
    embeddings, logits, _labels = drawn(300, 1)
    alone = np.concatenate([score(embeddings[i : i + 1], logits[i : i + 1]) for i in range(300)])
    np.testing.assert_allclose(score(embeddings, logits), alone, rtol=1e-5, atol=1e-5)


def test_the_order_of_what_is_remembered_does_not_matter(spec: ScoreSpec) -> None:
    known = reference()
    turned = Reference(known.embeddings[::-1], known.labels[::-1])
    embeddings, logits, _labels = drawn(20, 1)
    expected = spec.make(known, spec.defaults)(embeddings, logits)
    np.testing.assert_allclose(spec.make(turned, spec.defaults)(embeddings, logits), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", OF_EMBEDDINGS)
def test_how_long_an_embedding_is_does_not_matter(name: str) -> None:
    known = reference(dtype=np.float32)
    longer = Reference(known.embeddings * 37, known.labels)
    embeddings, logits, _labels = drawn(20, 1)
    spec = get_score(name)
    expected = spec.make(known, spec.defaults)(embeddings, logits)
    scores = spec.make(longer, spec.defaults)(embeddings * 0.01, logits)
    np.testing.assert_allclose(scores, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "known",
    [
        Reference(np.zeros((4, DIM), np.float16), np.zeros(4, np.int32)),
        Reference(np.ones((4, DIM), np.float16), np.array([0, 0, 2, 2], np.int32)),
        Reference(np.ones((1, DIM), np.float32), np.zeros(1, np.int32)),
        Reference(np.full((5, DIM), 60000, np.float16), np.arange(5, dtype=np.int32)),
    ],
    ids=["zeros", "all the same", "one", "large"],
)
def test_odd_embeddings_give_finite_scores(spec: ScoreSpec, known: Reference) -> None:
    score = spec.make(known, spec.defaults)
    embeddings, logits, _labels = drawn(6, 1)
    embeddings[0], logits[0] = 0, 0
    embeddings[1] *= 1e30
    embeddings[2] = np.finfo(np.float32).max
    embeddings[3] = np.finfo(np.float32).smallest_subnormal
    assert np.isfinite(score(embeddings, logits)).all()


@pytest.mark.parametrize("name", OF_EMBEDDINGS)
def test_nothing_remembered_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no embeddings"):
        get_score(name).make(Reference(np.zeros((0, DIM), np.float16), np.zeros(0, np.int32)), get_score(name).defaults)


def test_a_covariance_that_would_take_minutes_is_refused() -> None:
    large = np.broadcast_to(np.float16(1), (5000, 5000))
    with pytest.raises(ValueError, match="4096 at most"):
        get_score("mahalanobis").make(Reference(large, np.zeros(5000, np.int32)), {})


def test_default_settings_are_in_their_ranges(spec: ScoreSpec) -> None:
    assert all(limits.holds(spec.defaults[name]) for name, limits in spec.settings.items())


@pytest.mark.parametrize("value", [0.0, -1.0, 2.5, float("nan"), float("inf"), 1e300])
def test_a_range_of_whole_numbers_holds_no_other(value: float) -> None:
    assert not Range(5, 1, 100, whole=True).holds(value)


def test_an_unknown_score_is_refused_with_the_known_names() -> None:
    with pytest.raises(UnknownName, match="guess") as caught:
        get_score("guess")
    assert "neighbours" in caught.value.hint


def test_a_name_is_taken_once() -> None:
    with pytest.raises(ValueError, match="already registered"):
        register_score(get_score("energy"))


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), k=st.integers(1, 70))
def test_the_distance_is_that_to_the_kth_neighbour_of_scikit_learn(seed: int, k: int) -> None:
    known = reference(60, seed, np.float32)
    embeddings, logits, _labels = drawn(20, seed + 1)
    scores = get_score("neighbours").make(known, {"neighbours": k})(embeddings, logits)
    search = NearestNeighbors(n_neighbors=min(k, 60), algorithm="brute").fit(unit_rows(known.embeddings))
    distances = search.kneighbors(unit_rows(embeddings))[0]
    np.testing.assert_allclose(scores, distances[:, -1], atol=1e-3)
    means = get_score("neighbour-mean").make(known, {"neighbours": k})(embeddings, logits)
    np.testing.assert_allclose(means, np.sqrt((distances**2).mean(axis=1)), atol=1e-3)


@pytest.mark.parametrize(("pictures", "dim"), [(60, 12), (9, 40), (40, 40)])
def test_mahalanobis_is_that_of_scipy_with_the_covariance_of_scikit_learn(pictures: int, dim: int) -> None:
    random = np.random.default_rng(pictures)
    labels = (np.arange(pictures) % 3 * 2).astype(np.int32)  # class 1 has no picture
    vectors = random.normal(size=(pictures, dim)) + labels[:, None]
    vectors[:, 0] *= 3
    embeddings = random.normal(size=(15, dim)) + 1
    scores = get_score("mahalanobis").make(Reference(vectors.astype(np.float32), labels), {})(embeddings, embeddings)
    units = unit_rows(vectors).astype(np.float64)
    means = np.stack([units[labels == number].mean(axis=0) for number in (0, 2, 4)])
    covariance, _share = ledoit_wolf(units - means[labels // 2], assume_centered=True)
    asked = unit_rows(embeddings).astype(np.float64)
    expected = cdist(asked, means, "mahalanobis", VI=np.linalg.inv(covariance)).min(axis=1)
    np.testing.assert_allclose(scores, expected, rtol=1e-4)


@given(
    logits=st.lists(st.lists(st.floats(-1e4, 1e4), min_size=3, max_size=3), min_size=1, max_size=9),
    temperature=st.floats(0.05, 20),
)
def test_energy_is_that_of_scipy(logits: list[list[float]], temperature: float) -> None:
    values = np.array(logits)
    scores = get_score("energy").make(reference(), {"temperature": temperature})(values, values)
    np.testing.assert_allclose(scores, -temperature * logsumexp(values / temperature, axis=1), rtol=1e-9, atol=1e-9)


def test_scores_are_made_without_heavy_libraries() -> None:
    code = """
import sys, numpy as np
from anmok.bundle.reference import Reference
from anmok.bundle.unknown.registry import all_scores
from anmok.bundle.unknown.threshold import set_rule
vectors, labels = np.random.default_rng(0).normal(size=(40, 8)), np.arange(40, dtype=np.int32) % 4
for spec in all_scores():
    spec.make(Reference(vectors, labels), spec.defaults)(vectors, vectors)
set_rule(Reference(vectors, labels), vectors, vectors, embeddings_learned=False)
print([name for name in ("scipy", "sklearn", "pandas", "torch", "onnx", "matplotlib") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
