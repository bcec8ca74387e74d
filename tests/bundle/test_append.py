from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest

from anmok.bundle.append import append_head
from anmok.bundle.graph import check_graph
from bundle.small_bundles import DIM, SIZE, colour_extractor


@pytest.mark.parametrize("classes", [2, 7])
def test_the_joined_graph_gives_what_the_head_gives_on_the_extractors_vectors(classes: int) -> None:
    random = np.random.default_rng(0)
    weight, bias = random.normal(size=(classes, DIM)).astype(np.float32), random.normal(size=classes).astype(np.float32)
    extractor = colour_extractor()
    joined = append_head(extractor, weight, bias)
    onnx.checker.check_model(joined, full_check=True)
    pictures = random.integers(0, 256, (5, SIZE, SIZE, 3), dtype=np.uint8)
    vectors, maps = onnxruntime.InferenceSession(extractor.SerializeToString()).run(None, {"pictures": pictures})
    logits, embedding, feature_map = onnxruntime.InferenceSession(joined.SerializeToString()).run(
        ["logits", "embedding", "feature_map"], {"pictures": pictures}
    )
    np.testing.assert_allclose(logits, vectors @ weight.T + bias, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(embedding, vectors)
    np.testing.assert_array_equal(feature_map, maps)
    assert check_graph(joined.SerializeToString()).classes == classes


def test_the_extractor_itself_is_left_as_it_was() -> None:
    extractor = colour_extractor()
    before = extractor.SerializeToString()
    append_head(extractor, np.ones((2, DIM), np.float32), np.ones(2, np.float32))
    assert extractor.SerializeToString() == before


def test_a_transposed_weight_is_stored_in_the_right_order() -> None:
    weight = np.arange(2 * DIM, dtype=np.float32).reshape(DIM, 2).T
    joined = append_head(colour_extractor(), weight, np.zeros(2, np.float32))
    stored = next(tensor for tensor in joined.graph.initializer if tensor.name == "anmok.head.weight")
    np.testing.assert_array_equal(onnx.numpy_helper.to_array(stored), weight)
