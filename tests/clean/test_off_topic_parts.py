"""Clusters, the rule from marks, strangers, style vectors: on made points whose answer is known."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anmok.clean.clusters import APART, centred, find_clusters, indices_note, is_apart, reduced, separation
from anmok.clean.marks import follow, worth_marking
from anmok.clean.off_topic_strangers import FAR, find_strangers
from anmok.clean.off_topic_style import style_extractor, unit_rows
from anmok.clean.reductions import reduce_pixels
from anmok.errors import MissingExtra
from anmok.features.handcrafted import handcrafted_extractor
from anmok.i18n import use_language


def two_groups(gap: float, *, minor: int = 60, major: int = 240, seed: int = 0) -> np.ndarray:
    points = np.random.default_rng(seed).standard_normal((minor + major, 5))
    points[:minor, 0] += gap
    return points


@pytest.mark.parametrize("seed", range(8))
def test_one_normal_cloud_is_not_two_kinds(seed: int) -> None:
    points = np.random.default_rng(seed).standard_normal((300, 5)) * [3, 2, 1, 1, 1]
    apart, distance = is_apart(find_clusters(points, 2, seed=0), seed=0)
    assert not apart
    assert distance < APART


@pytest.mark.parametrize("draw", ["uniform", "exponential"])
def test_flat_and_crooked_clouds_are_not_two_kinds(draw: str) -> None:
    rng = np.random.default_rng(1)
    points = np.column_stack([getattr(rng, draw)(size=2000) * 5, rng.standard_normal((2000, 4))])
    points -= points.mean(axis=0)
    apart, distance = is_apart(find_clusters(points, 2, seed=0), seed=0)
    assert not apart or distance < APART * 1.03


def test_two_clouds_are_two_kinds_if_the_smaller_is_large_enough() -> None:
    clusters = find_clusters(two_groups(8), 2, seed=0)
    assert np.array_equal(clusters.labels == 1, np.arange(300) < 60)
    assert is_apart(clusters, seed=0)[0]
    few = find_clusters(two_groups(40, minor=8), 2, seed=0)
    assert few.sizes().tolist() == [240, 8]
    assert not is_apart(few, seed=0)[0], "eight are strangers, not a kind"


def test_separation_of_two_normal_clouds_is_their_distance_in_deviations() -> None:
    points = two_groups(8, minor=1000, major=1000)
    is_minor = np.arange(2000) < 1000
    assert separation(points, is_minor, seed=0) == pytest.approx(8, rel=0.05)


def test_centring_takes_classes_and_splits_away_and_leaves_kinds() -> None:
    rng = np.random.default_rng(0)
    classes, splits = rng.integers(0, 4, 400), rng.integers(0, 2, 400)
    kind = rng.random(400) < 0.3
    vectors = rng.standard_normal((400, 6)) * 0.1
    vectors[:, :4] += 10 * np.eye(4)[classes]
    vectors[:, 4] += 5 * splits
    vectors[:, 5] += 3 * kind
    rest = centred(vectors, classes, splits)
    for group in (classes, splits):
        for number in np.unique(group):
            assert np.abs(rest[group == number].mean(axis=0)).max() < 0.02
    labels = find_clusters(reduced(rest, 5, seed=0), 2, seed=0).labels
    assert (labels == kind).mean() > 0.99


@given(st.integers(0, 6), st.integers(1, 4), st.integers(1, 5))
def test_few_or_equal_points_are_divided_as_far_as_they_go(count: int, different: int, wanted: int) -> None:
    points = np.arange(count + 1)[:, None] % different * np.ones((1, 2))
    clusters = find_clusters(reduced(points, 5, seed=0), wanted, seed=0)
    assert len(clusters.centres) == max(1, min(wanted, different, count + 1))
    assert len(clusters.labels) == count + 1
    assert sorted(clusters.sizes(), reverse=True) == clusters.sizes().tolist()


def test_marks_move_the_rule_and_stand_themselves() -> None:
    points = two_groups(6)
    pseudo = np.arange(300) < 50  # ten of the sixty were missed
    plain = follow(points, pseudo, np.array([], dtype=np.int64), np.array([], dtype=bool))
    odds = follow(points, pseudo, np.array([55, 56, 299]), np.array([True, True, True]))
    assert (odds[50:60] > 0).sum() >= (plain[50:60] > 0).sum()
    assert odds[299] >= 1, "a mark holds against the rule"
    assert (odds[:60] > 0).mean() > 0.95


def test_marks_of_one_answer_alone_give_no_rule() -> None:
    odds = follow(two_groups(6), None, np.array([3]), np.array([True]))
    assert np.flatnonzero(odds > 0).tolist() == [3]


def test_what_is_asked_is_uncertain_and_of_every_class_before_a_second_of_any() -> None:
    odds = np.array([0.1, -0.2, 0.3, 5.0, -6.0, 0.0])
    classes = np.array([0, 0, 0, 1, 2, 0])
    assert worth_marking(odds, classes, [5], count=4) == (0, 3, 4, 1)


def strangers_of(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    classes = np.repeat([0, 1], 100)
    vectors = rng.standard_normal((200, 16)) * 0.3
    vectors[:, 0] += 3 * (classes == 0)
    vectors[:, 1] += 3 * (classes == 1)
    return vectors, classes


def test_a_stranger_is_far_from_all_and_a_wrong_label_is_none() -> None:
    vectors, classes = strangers_of()
    vectors[0] = -3 * np.eye(16)[5]
    vectors[1] = vectors[150] + 0.05  # at home in the other class
    found = find_strangers(unit_rows(vectors), classes, seed=0)
    assert found.deviations[0] > FAR
    assert found.ratios[0] > found.limit > 1
    assert found.deviations[1] < FAR
    assert (found.deviations[2:] > FAR).mean() < 0.02


def test_two_copies_of_a_stranger_do_not_hide_it() -> None:
    vectors, classes = strangers_of()
    vectors[:2] = -3 * np.eye(16)[5]
    assert (find_strangers(unit_rows(vectors), classes, seed=0).deviations[:2] > FAR).all()


@pytest.mark.parametrize(
    ("vectors", "classes"),
    [
        (np.ones((2, 4)), [0, 1]),
        (np.ones((50, 4)), [0] * 50),
        (np.zeros((50, 4)), [0] * 50),
        (np.eye(30), list(range(30))),
        (np.random.default_rng(0).standard_normal((500, 8)), [i % 100 for i in range(500)]),
    ],
    ids=["two pictures", "all the same", "all nothing", "classes of one", "100 classes of 5"],
)
def test_sets_that_say_little_give_finite_answers(vectors: np.ndarray, classes: list[int]) -> None:
    numbers = np.array(classes)
    found = find_strangers(unit_rows(vectors), numbers, seed=0)
    assert np.isfinite(found.deviations).all()
    assert (found.deviations > FAR).mean() <= 0.02
    points = reduced(centred(unit_rows(vectors), numbers), 5, seed=0)
    assert not is_apart(find_clusters(points, 2, seed=0), seed=0)[0]


def test_a_graph_without_halving_has_no_style() -> None:
    assert style_extractor(handcrafted_extractor()) is None


@pytest.mark.real
def test_style_vectors_are_means_and_deviations_of_early_channels(real_weights: Any, shared_cache: Any) -> None:
    import onnxruntime

    from anmok.models.registry import get_model

    network = get_model("mobilenetv2").extractor()
    style = style_extractor(network)
    assert style is not None
    assert style == style_extractor(network)
    pictures = np.random.default_rng(0).integers(0, 256, (2, 224, 224, 3), dtype=np.uint8)
    pictures[1] = 0
    session = onnxruntime.InferenceSession(style.onnx.read_bytes(), providers=["CPUExecutionProvider"])
    (vectors,) = session.run(["embedding"], {"pictures": pictures})
    assert vectors.shape == (2, style.dim)
    assert np.isfinite(vectors).all()
    # By hand, from the network itself: the first layer that is looked at has 96 channels.
    model = onnx.load(str(network.onnx))
    strided = [n for n in model.graph.node if any(a.name == "strides" and max(a.ints) > 1 for a in n.attribute)]
    name = [n for n in strided if n.op_type == "Conv"][1].input[0]
    model.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
    whole = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (layer,) = whole.run([name], {"pictures": pictures})
    width = layer.shape[1]
    expected = [unit_rows(layer.mean(axis=(2, 3))), unit_rows(layer.std(axis=(2, 3)))]
    assert np.allclose(vectors[:, : 2 * width], np.concatenate(expected, axis=1), atol=1e-4)


@pytest.mark.parametrize("method", ["random", "pca", "autoencoder"])
def test_reductions_of_pixels_are_small_and_the_same_again(method: Any) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (70, 32, 32, 3), dtype=np.uint8)
    pixels[:20] //= 8
    once = reduce_pixels(pixels, method, seed=3)
    assert once.shape[0] == 70
    assert once.shape[1] <= 50
    assert np.array_equal(once, reduce_pixels(pixels, method, seed=3))
    labels = find_clusters(reduced(once, 5, seed=0), 2, seed=0).labels
    assert np.array_equal(labels == 1, np.arange(70) < 20), "the dark ones are a kind"


def test_the_autoencoder_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def refuse(name: str, *rest: Any, **named: Any) -> Any:
        if name == "torch":
            raise ImportError(name)
        return real(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(MissingExtra, match="needs PyTorch"):
        reduce_pixels(np.zeros((4, 32, 32, 3), dtype=np.uint8), "autoencoder", seed=0)


def test_the_note_says_that_indices_do_not_measure_what_is_wanted() -> None:
    with use_language("en"):
        assert "not whether they are what you want removed" in indices_note()
