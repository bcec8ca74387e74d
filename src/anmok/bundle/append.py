"""Joins an extractor's graph and an affine head to one graph, with the ``onnx`` package alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import onnx

_WEIGHT, _BIAS, _NODE = "anmok.head.weight", "anmok.head.bias", "anmok.head"


def append_head(extractor: onnx.ModelProto, weight: NDArray[np.float32], bias: NDArray[np.float32]) -> onnx.ModelProto:
    """Return a copy of ``extractor`` that also gives ``logits = embedding @ weight.T + bias``.

    Args:
        extractor: gives ``embedding`` float32 ``(N, D)``.
        weight: float32 ``(K, D)``. bias: float32 ``(K,)``.
    """
    import onnx
    from onnx import helper, numpy_helper

    model = onnx.ModelProto()
    model.CopyFrom(extractor)
    graph = model.graph
    graph.initializer.extend(
        [
            numpy_helper.from_array(np.ascontiguousarray(weight, dtype=np.float32), _WEIGHT),
            numpy_helper.from_array(np.ascontiguousarray(bias, dtype=np.float32), _BIAS),
        ]
    )
    graph.node.append(helper.make_node("Gemm", ["embedding", _WEIGHT, _BIAS], ["logits"], name=_NODE, transB=1))
    # The open size of a batch keeps the name that the extractor gave it.
    batch = next(value for value in graph.output if value.name == "embedding").type.tensor_type.shape.dim[0].dim_param
    logits = helper.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, [batch or "N", len(bias)])
    others = list(graph.output)
    del graph.output[:]
    graph.output.extend([logits, *others])
    return model
