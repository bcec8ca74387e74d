from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray

from anmok.bundle.append import append_head
from anmok.bundle.graph import check_graph
from anmok.features.extractor_outputs import VectorOutput
from anmok.training.heads_affine import AffineHead
from anmok.training.heads_layered import Dense, LayeredHead, Power, Relu, Scale
from bundle.small_bundles import DIM, SIZE, colour_extractor

MAP = 4 * 4


def dense(inputs: int, outputs: int, seed: int = 0) -> Dense:
    random = np.random.default_rng([inputs, outputs, seed])
    return Dense(*(random.normal(size=size).astype(np.float32) for size in ((outputs, inputs), (outputs,))))


def answers(model: onnx.ModelProto, *names: str) -> list[NDArray[np.float32]]:
    pictures = np.random.default_rng(0).integers(0, 256, (5, SIZE, SIZE, 3), dtype=np.uint8)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    results: list[NDArray[np.float32]] = session.run(list(names), {"pictures": pictures})
    return results


@pytest.mark.parametrize("classes", [2, 7])
def test_the_joined_graph_gives_what_the_head_gives_on_the_extractors_vectors(classes: int) -> None:
    step = dense(DIM, classes)
    head = AffineHead(step.weight, step.bias)
    joined = append_head(colour_extractor(), head.steps, head.output)
    onnx.checker.check_model(joined, full_check=True)
    vectors, maps = answers(colour_extractor(), "embedding", "feature_map")
    logits, embedding, feature_map = answers(joined, "logits", "embedding", "feature_map")
    np.testing.assert_allclose(logits, head.logits(vectors), rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(embedding, vectors)
    np.testing.assert_array_equal(feature_map, maps)
    assert check_graph(joined.SerializeToString()).classes == classes


@pytest.mark.parametrize(
    ("output", "dim"), [("embedding", DIM), ("average-pool", DIM), ("max-pool", DIM), ("flatten", DIM * MAP)]
)
def test_layers_are_appended_one_after_another_to_what_they_were_trained_on(output: VectorOutput, dim: int) -> None:
    random = np.random.default_rng(1)
    scale = Scale(*(random.normal(size=6).astype(np.float32) for _ in range(2)))
    head = LayeredHead(output, (dense(dim, 6), Relu(), scale, dense(6, 6, 1), Relu(), dense(6, 3)))
    joined = append_head(colour_extractor(), head.steps, head.output)
    onnx.checker.check_model(joined, full_check=True)
    (embedding, maps, logits) = answers(joined, "embedding", "feature_map", "logits")
    vectors = {
        "embedding": embedding,
        "average-pool": maps.mean(axis=(2, 3)),
        "max-pool": maps.max(axis=(2, 3)),
        "flatten": maps.reshape(len(maps), -1),
    }[output]
    np.testing.assert_allclose(logits, head.logits(vectors), rtol=1e-4, atol=1e-4)
    assert check_graph(joined.SerializeToString()).classes == 3


def test_a_power_keeps_signs_and_takes_nothing_for_nothing() -> None:
    # The dense step before it gives numbers of both signs; the scale makes some of them 0.
    mask = Scale(np.array([1, 0, 1, 1, 0, 1], np.float32), np.zeros(6, np.float32))
    head = LayeredHead("embedding", (dense(DIM, 6), mask, Power(np.array(0.5, np.float32)), dense(6, 3)))
    joined = append_head(colour_extractor(), head.steps, head.output)
    onnx.checker.check_model(joined, full_check=True)
    embedding, logits = answers(joined, "embedding", "logits")
    before = mask.apply(dense(DIM, 6).apply(embedding))
    assert (before < 0).any()
    assert (before > 0).any()
    roots = np.where(before < 0, -np.sqrt(-np.minimum(before, 0)), np.sqrt(np.maximum(before, 0)))
    np.testing.assert_allclose(logits, dense(6, 3).apply(roots.astype(np.float32)), rtol=1e-4, atol=1e-4)


def test_the_extractor_itself_is_left_as_it_was() -> None:
    extractor = colour_extractor()
    before = extractor.SerializeToString()
    append_head(extractor, (dense(DIM, 2),), "max-pool")
    assert extractor.SerializeToString() == before


def test_a_transposed_weight_is_stored_in_the_right_order() -> None:
    weight = np.arange(2 * DIM, dtype=np.float32).reshape(DIM, 2).T
    joined = append_head(colour_extractor(), (Dense(weight, np.zeros(2, np.float32)),), "embedding")
    stored = next(tensor for tensor in joined.graph.initializer if tensor.name == "anmok.head.0.weight")
    np.testing.assert_array_equal(onnx.numpy_helper.to_array(stored), weight)
