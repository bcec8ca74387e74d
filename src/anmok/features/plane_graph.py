"""The model ``features-2d``: two numbers of each picture, brightness and saturation, as an ONNX graph.

Both survive the resizing that every model's pictures go through (a file's width or aspect does not), so the model runs
through the same engine, cache and bundle as a network. It shows what two numbers can tell, and what a network
must beat.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from anmok.config import ResizeRule
from anmok.features.extractor import Extractor
from anmok.features.graph_builder import GraphBuilder
from anmok.features.handcrafted import LUMA_WEIGHTS
from anmok.features.handmade import handmade_extractor

if TYPE_CHECKING:
    import onnx

#: Side of the square, pixels, and of the cells of the feature map.
SIZE, CELL = 64, 8
DIM = 2


def plane_extractor(*, image_size: int = 0, resize: ResizeRule = "squash") -> Extractor:
    """Return the extractor; its graph is written into the cache if it is not there yet.

    Raises:
        UsageError: another size than its own was asked for.
        StorageError: the cache cannot be written.
    """
    return handmade_extractor("features-2d", plane_graph, size=SIZE, dim=DIM, image_size=image_size, resize=resize)


def plane_graph() -> onnx.ModelProto:
    """Return the graph.

    It takes ``pictures`` uint8 ``(N, 64, 64, 3)`` and gives ``embedding`` float32 ``(N, 2)``: the mean of luma (ITU-R
    601) and of saturation ((max - min) / max of the channels, 0 where all are 0), each 0-1; and ``feature_map`` float32
    ``(N, 2, 8, 8)``: the same of each cell.
    """
    from onnx import TensorProto, helper

    b = GraphBuilder()
    values = b.node("Cast", b.node("Transpose", "pictures", perm=[0, 3, 1, 2]), to=TensorProto.FLOAT)
    weights = (np.array(LUMA_WEIGHTS) / (255 * sum(LUMA_WEIGHTS))).astype(np.float32).reshape(1, 3, 1, 1)
    luma = b.node("Conv", values, b.constant(weights))
    most, least = (b.node(name, values, b.whole([1]), keepdims=1) for name in ("ReduceMax", "ReduceMin"))
    saturation = b.node("Div", b.node("Sub", most, least), b.node("Max", most, b.number(1)))
    both = b.node("Concat", luma, saturation, axis=1)
    b.node("AveragePool", both, output="feature_map", kernel_shape=[CELL, CELL], strides=[CELL, CELL])
    b.node("ReduceMean", both, b.whole([2, 3]), output="embedding", keepdims=0)
    return b.model(
        "features-2d",
        [helper.make_tensor_value_info("pictures", TensorProto.UINT8, ["N", SIZE, SIZE, 3])],
        [
            helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["N", DIM]),
            helper.make_tensor_value_info("feature_map", TensorProto.FLOAT, ["N", DIM, SIZE // CELL, SIZE // CELL]),
        ],
    )
