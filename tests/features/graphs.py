"""Small graphs whose answers one can tell from the picture."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto, helper

from anmok.features.graph_builder import GraphBuilder


def mean_colour(size: int) -> bytes:
    """Return a graph whose embedding is the mean colour (red, green, blue)."""
    b = GraphBuilder()
    values = b.node("Cast", "pictures", to=TensorProto.FLOAT)
    mean = b.node("ReduceMean", values, b.whole([1, 2]), keepdims=0)
    b.node("Round", mean, output="embedding")
    b.node("Unsqueeze", mean, b.whole([2, 3]), output="feature_map")
    model = b.model(
        "mean_colour",
        [helper.make_tensor_value_info("pictures", TensorProto.UINT8, ["N", size, size, 3])],
        [
            helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["N", 3]),
            helper.make_tensor_value_info("feature_map", TensorProto.FLOAT, ["N", 3, 1, 1]),
        ],
    )
    data: bytes = model.SerializeToString(deterministic=True)
    return data


def colour_of(number: int) -> tuple[int, int, int]:
    """Return a colour of its own for each number below 16 million."""
    return number % 256, number // 256 % 256, int(np.uint8(255 - number % 256))
