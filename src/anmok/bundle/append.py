"""Joins an extractor's graph and a head on its vectors to one graph, with the ``onnx`` package alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from anmok.features.extractor_outputs import VectorOutput, add_vector
from anmok.training.heads_layered import Dense, Power, Relu, Scale, Step

if TYPE_CHECKING:
    import onnx

_HEAD = "anmok.head"


def append_head(extractor: onnx.ModelProto, steps: Sequence[Step], output: VectorOutput) -> onnx.ModelProto:
    """Return a copy of ``extractor`` that also gives ``logits``: what the head's steps make of its vectors.

    Args:
        extractor: gives ``embedding`` float32 ``(N, D)`` and ``feature_map`` ``(N, C, h, w)``; both stay as they are.
        steps: of the head; the last one is ``Dense``.
        output: which of the extractor's vectors the head takes.
    """
    import onnx
    from onnx import helper

    model = onnx.ModelProto()
    model.CopyFrom(extractor)
    graph = model.graph
    values = "embedding"
    if output != "embedding":
        values = f"{_HEAD}.vector"
        add_vector(model, output, values)
    for number, step in enumerate(steps):
        result = "logits" if number == len(steps) - 1 else f"{_HEAD}.{number}"
        _append(graph, step, f"{_HEAD}.{number}", values, result)
        values = result
    last = steps[-1]
    assert isinstance(last, Dense)
    # The open size of a batch keeps the name that the extractor gave it.
    batch = next(value for value in graph.output if value.name == "embedding").type.tensor_type.shape.dim[0].dim_param
    logits = helper.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, [batch or "N", len(last.bias)])
    others = list(graph.output)
    del graph.output[:]
    graph.output.extend([logits, *others])
    return model


def _append(graph: onnx.GraphProto, step: Step, name: str, source: str, target: str) -> None:
    """Add the nodes of one step, which take ``source`` and give ``target``."""
    from onnx import helper

    if isinstance(step, Dense):
        inputs = [source, _constant(graph, f"{name}.weight", step.weight), _constant(graph, f"{name}.bias", step.bias)]
        graph.node.append(helper.make_node("Gemm", inputs, [target], name=name, transB=1))
    elif isinstance(step, Scale):
        factor, shift = _constant(graph, f"{name}.factor", step.factor), _constant(graph, f"{name}.shift", step.shift)
        graph.node.append(helper.make_node("Mul", [source, factor], [f"{name}.scaled"], name=f"{name}.mul"))
        graph.node.append(helper.make_node("Add", [f"{name}.scaled", shift], [target], name=f"{name}.add"))
    elif isinstance(step, Power):
        exponent = _constant(graph, f"{name}.exponent", step.exponent)
        graph.node.append(helper.make_node("Abs", [source], [f"{name}.size"], name=f"{name}.abs"))
        graph.node.append(helper.make_node("Pow", [f"{name}.size", exponent], [f"{name}.less"], name=f"{name}.pow"))
        graph.node.append(helper.make_node("Sign", [source], [f"{name}.way"], name=f"{name}.sign"))
        graph.node.append(helper.make_node("Mul", [f"{name}.way", f"{name}.less"], [target], name=f"{name}.mul"))
    else:
        assert isinstance(step, Relu)
        graph.node.append(helper.make_node("Relu", [source], [target], name=name))


def _constant(graph: onnx.GraphProto, name: str, values: NDArray[np.float32]) -> str:
    from onnx import numpy_helper

    graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(values, dtype=np.float32), name))
    return name
