"""Cuts a bundle's graph at its feature map: what makes the map, and what makes the logits of it. Light.

A heat map asks how the logits change with the feature map. So the graph is cut in two, each run by ONNX Runtime: the
``trunk``, pictures to logits and map, and the ``tail``, map to logits. The cut fails where the logits also know the
picture by another way, as hand-made features do.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from anmok.bundle.graph import INPUT
from anmok.features.session import open_session

if TYPE_CHECKING:
    import onnx

MAP, LOGITS = "feature_map", "logits"
#: Operators that only move numbers to other places. Channels-last networks and transformers give their answer from
#: what stands before these, and the feature map is a view of it.
_LAYOUT = frozenset({"Identity", "Transpose", "Reshape", "Flatten", "Slice", "Squeeze", "Unsqueeze", "Gather"})
#: Operators that are affine in a value where all else that they take is constant.
_AFFINE = _LAYOUT | {
    "Add",
    "AveragePool",
    "BatchNormalization",
    "Cast",
    "Concat",
    "Conv",
    "Dropout",
    "Gemm",
    "GlobalAveragePool",
    "MatMul",
    "Mul",
    "Neg",
    "ReduceMean",
    "ReduceSum",
    "Sub",
}
#: Of these, the ones that are affine only in their first input (not in weights, indices, shapes), or in one of two.
_FIRST_ALONE = _LAYOUT | {"BatchNormalization", "Conv", "Gemm", "ReduceMean", "ReduceSum"}
_EITHER_ONE = frozenset({"MatMul", "Mul"})
#: float32 counts places exactly up to here.
_MOST_PLACES = 2**24


class NoCut(ValueError):
    """The logits do not hang on the feature map alone."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A graph in two parts.

    Attributes:
        trunk: serialised; takes ``pictures`` and gives ``logits`` and ``value``.
        tail: serialised; takes ``value`` and gives ``logits``.
        layout: serialised, takes ``value`` and gives ``feature_map``, by moving numbers only; None where ``value`` is
            the map itself.
        value: name of what stands at the cut.
        is_affine: the tail is ``logits = W value + b``.
    """

    trunk: bytes
    tail: bytes
    layout: bytes | None
    value: str
    is_affine: bool


def cut_at_map(model: bytes) -> Cut:
    """Cut a bundle's graph at its feature map, or at what the map is a view of.

    Args:
        model: serialised, and accepted by ``bundle.graph.check_graph``.

    Raises:
        NoCut: the logits know the picture by another way than the feature map, too.
    """
    import onnx

    proto = onnx.load_model_from_string(model)
    makers = {name: node for node in proto.graph.node for name in node.output if name}
    value = MAP
    while True:
        nodes = _between(proto, LOGITS, value)
        if nodes is not None:
            break
        maker = makers.get(value)
        if maker is None or maker.op_type not in _LAYOUT:
            raise NoCut
        value = maker.input[0]
    layout = _between(proto, MAP, value) if value != MAP else None
    found = Cut(
        trunk=model,  # which gives logits and map already
        tail=_part(proto, nodes, value, LOGITS),
        layout=None if layout is None else _part(proto, layout, value, MAP),
        value=value,
        is_affine=_is_affine(nodes, value),
    )
    if value == MAP:
        return found
    _give(proto, [LOGITS, value])
    return replace(found, trunk=proto.SerializeToString())


def places_of(cut: Cut, shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Return which numbers of the value at the cut belong to each place of the feature map.

    Args:
        shape: of one picture's value at the cut.

    Returns:
        int64 ``(C, h, w)``: positions in the flattened value.
    """
    size = int(np.prod(shape))
    numbers = np.arange(size)
    if cut.layout is None:
        return numbers.reshape(shape)
    if size > _MOST_PLACES:
        raise NoCut
    session = open_session(cut.layout)
    (moved,) = session.run([MAP], {cut.value: numbers.astype(np.float32).reshape(1, *shape)})
    found: NDArray[np.int64] = np.rint(moved[0]).astype(np.int64)
    if found.size and not 0 <= found.min() <= found.max() < size:
        raise NoCut
    return found


def _between(proto: onnx.ModelProto, end: str, start: str) -> list[onnx.NodeProto] | None:
    """Return the nodes that make ``end`` of ``start`` and constants alone, in the graph's order; None: there are none.

    How many pictures there are may be asked of the pictures themselves: of any value one learns the same.
    """
    wanted, found = {end}, []
    for node in reversed(proto.graph.node):
        if wanted.isdisjoint(node.output) or start in node.output:
            continue
        if any(attribute.HasField("g") or attribute.graphs for attribute in node.attribute):
            return None  # what an inner graph takes from outside is not listed
        found.append(node)
        if not _counts_pictures(node):
            wanted.update(node.input)
    if INPUT in wanted or start not in wanted:
        return None
    return found[::-1]


def _counts_pictures(node: onnx.NodeProto) -> bool:
    """Tell whether a node gives the length of its input's first dimension, and nothing else."""
    ends = {attribute.name: attribute.i for attribute in node.attribute}
    return bool(node.op_type == "Shape" and ends.get("start", 0) == 0 and ends.get("end") == 1)


def _part(proto: onnx.ModelProto, nodes: list[onnx.NodeProto], start: str, end: str) -> bytes:
    """Return the part of a graph between two values as a model of its own; its batch size is open."""
    from onnx import TensorProto, helper

    inputs = {name for node in nodes for name in node.input}
    graph = helper.make_graph(
        nodes,
        "part",
        [helper.make_tensor_value_info(start, TensorProto.FLOAT, None)],
        [helper.make_tensor_value_info(end, TensorProto.FLOAT, None)],
        [tensor for tensor in proto.graph.initializer if tensor.name in inputs],
    )
    for node in graph.node:
        if _counts_pictures(node):
            node.input[0] = start
    model = helper.make_model(graph, opset_imports=proto.opset_import, ir_version=proto.ir_version)
    data: bytes = model.SerializeToString()
    return data


def _give(model: onnx.ModelProto, names: list[str]) -> None:
    """Let a graph give these values alone."""
    from onnx import TensorProto, helper

    kept = {value.name: value for value in model.graph.output}
    given = [kept.get(name) or helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names]
    outputs = list(given)
    del model.graph.output[:]
    model.graph.output.extend(outputs)


def _is_affine(nodes: list[onnx.NodeProto], value: str) -> bool:
    """Tell whether the nodes make an affine function of ``value``; where that is not sure, False."""
    changing = {value}
    for node in nodes:
        places = [number for number, name in enumerate(node.input) if name in changing]
        if not places or _counts_pictures(node):
            continue
        if node.op_type not in _AFFINE or (node.op_type in _FIRST_ALONE and places != [0]):
            return False
        if node.op_type in _EITHER_ONE and len(places) > 1:
            return False
        changing.update(node.output)
    return True
