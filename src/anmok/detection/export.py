"""A trained detector as an ONNX graph that takes photos of any shape. Imports PyTorch: import it where it is used."""

from __future__ import annotations

import copy
import io

import onnx
import torch

from anmok.detection.bundle import INPUT, OUTPUTS
from anmok.detection.fitting import CELL
from anmok.detection.network import Detector
from anmok.models.onnx_export import quiet

#: Version of the ONNX standard.
OPSET = 17


def detector_graph(network: Detector) -> bytes:
    """Return the serialised graph: ``pictures`` uint8 ``(1, H, W, 3)`` in, ``scores`` and ``distances`` out.

    H and W are open, in steps of 32. Suppression of boxes that say the same is left to ``decoding``.
    """
    # Contiguous in the ordinary way, or the exporter puts transpositions around every convolution.
    module = copy.deepcopy(network).eval().cpu().to(memory_format=torch.contiguous_format)
    example = torch.zeros((1, 6 * CELL, 5 * CELL, 3), dtype=torch.uint8)
    stream = io.BytesIO()
    with quiet(), torch.no_grad():
        # The newer exporter (dynamo=True) needs minutes to prove that two open sides in steps of 32 go well.
        torch.onnx.export(
            module,
            (example,),
            stream,  # type: ignore[arg-type]
            input_names=[INPUT],
            output_names=list(OUTPUTS),
            dynamic_axes={INPUT: {1: "rows", 2: "columns"}, **{name: {1: "points"} for name in OUTPUTS}},
            opset_version=OPSET,
            dynamo=False,
        )
    model = onnx.load_model_from_string(stream.getvalue())
    for value, last in zip(model.graph.output, (network.classes, 4), strict=True):
        # The exporter loses the sizes that it was not asked to leave open.
        made = onnx.helper.make_tensor_value_info(value.name, onnx.TensorProto.FLOAT, [1, "points", last])
        value.CopyFrom(made)
    _pad_in_convolutions(model.graph)
    data: bytes = model.SerializeToString()
    return data


def _pad_in_convolutions(graph: onnx.GraphProto) -> None:
    """Let convolutions pad for themselves where a node before them does it, as in networks that came from TensorFlow.

    That node works its width out for each picture, though it is always the same where sides come in steps of 32: what
    is halved lacks one row or column less than the window is high or wide, less one. Between two convolutions it keeps
    ONNX Runtime from making one piece of them.
    """
    makers = {node.output[0]: node for node in graph.node}
    for node in graph.node:
        before = makers.get(node.input[0]) if node.op_type == "Conv" else None
        if before is None or before.op_type != "Pad":
            continue
        facts = {attribute.name: attribute for attribute in node.attribute}
        lacking = [
            max(size - step, 0) for size, step in zip(facts["kernel_shape"].ints, facts["strides"].ints, strict=True)
        ]
        begins = [count // 2 for count in lacking]
        facts["pads"].ints[:] = [*begins, *(count - begin for count, begin in zip(lacking, begins, strict=True))]
        node.input[0] = before.input[0]
    _drop_unused(graph)


def _drop_unused(graph: onnx.GraphProto) -> None:
    needed = {value.name for value in graph.output}
    kept = []
    for node in reversed(graph.node):
        if needed & set(node.output):
            needed |= set(node.input)
            kept.append(node)
    del graph.node[:]
    graph.node.extend(reversed(kept))
