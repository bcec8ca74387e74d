"""Where the places of a feature map lie over the pictures: the arithmetic of receptive fields. Light.

Convolutions that are not padded lose the picture's margins, and some networks cut them off, so their map lies over the
middle only (Araujo, Norris, Sim: Computing receptive fields of convolutional neural networks, 2019). Strided windows
that are padded are taken to divide the picture evenly, on whichever side they are padded: by the centres of their
receptive fields MobileNetV2's map would lie 0.06 of the picture further to the lower right, but what its places tell of
playing cards on scenes lies 0.02-0.03 there, no nearer to that than to the even division.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from anmok.bundle.graph import INPUT

if TYPE_CHECKING:
    import onnx

#: Operators whose output has its places where the first input with places has them.
_IN_PLACE = frozenset(
    """
    Abs Add BatchNormalization Cast Celu Clip Concat Div Dropout Elu Erf Gelu HardSigmoid HardSwish Identity
    InstanceNormalization LayerNormalization LeakyRelu Max Min Mish Mul Neg Pow PRelu Relu Selu Sigmoid Sign Softmax
    Softplus Sqrt Sub Swish Tanh Where
    """.split()  # noqa: SIM905 - forty lines of one word each read worse
)
_WINDOWS = frozenset({"Conv", "MaxPool", "AveragePool"})


@dataclass(frozen=True, slots=True)
class Axis:
    """One side of a value: the centres of its places lie at ``first``, ``first + step``, ... in the picture, pixels."""

    first: float
    step: float


#: By dimension of a value, where its places lie; a value without places (pooled, reshaped) has none.
Axes = dict[int, Axis]
#: The graph's small constants of whole numbers, by name.
Constants = Mapping[str, list[int]]


def map_span(model: bytes, size: int) -> tuple[float, float, float, float]:
    """Return which part of the square of pictures the places of ``feature_map`` stand for.

    Args:
        model: a bundle's graph, serialised.
        size: side of the square, pixels.

    Returns:
        x0, y0, x1, y1 as shares of the side: each place stands for an equal part, around the centre of what it sees.
        All of the square where the graph does not tell (a transformer, whose patches divide it evenly).
    """
    import onnx

    graph = onnx.load_model_from_string(model).graph
    shape = next(value for value in graph.output if value.name == "feature_map").type.tensor_type.shape.dim
    known: dict[str, Axes] = {INPUT: {1: Axis(0.5, 1.0), 2: Axis(0.5, 1.0)}}
    constants = _constants(graph)
    for node in graph.node:
        axes = _axes_of(node, known, constants)
        if axes:
            known.update(dict.fromkeys(node.output, axes))
    axes = known.get("feature_map", {})
    if not {2, 3} <= set(axes) or 0 in (shape[2].dim_value, shape[3].dim_value):
        return 0.0, 0.0, 1.0, 1.0
    (y0, y1), (x0, x1) = (_span(axes[axis], shape[axis].dim_value, size) for axis in (2, 3))
    return x0, y0, x1, y1


def _span(axis: Axis, count: int, size: int) -> tuple[float, float]:
    return (axis.first - axis.step / 2) / size, (axis.first + axis.step * (count - 0.5)) / size


def _constants(graph: onnx.GraphProto) -> dict[str, list[int]]:
    """Return the small whole-numbered constants: paddings and the ends of slices."""
    from onnx import TensorProto, numpy_helper

    kinds = (TensorProto.INT64, TensorProto.INT32)
    tensors = [(tensor.name, tensor) for tensor in graph.initializer]
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute and node.attribute[0].HasField("t"):
            tensors.append((node.output[0], node.attribute[0].t))
    return {
        name: [int(value) for value in np.ravel(numpy_helper.to_array(tensor))]
        for name, tensor in tensors
        if tensor.data_type in kinds and np.prod(tensor.dims) <= 16
    }


def _axes_of(node: onnx.NodeProto, known: Mapping[str, Axes], constants: Constants) -> Axes:
    """Return the places of a node's output; none where they are lost."""
    axes = next((known[name] for name in node.input if name in known), None)
    if axes is None:
        return {}
    if node.op_type in _IN_PLACE:
        return axes
    followed = {"Transpose": _transposed, "Pad": _padded, "Slice": _sliced} | dict.fromkeys(_WINDOWS, _window)
    return followed[node.op_type](node, axes, constants) if node.op_type in followed else {}


def _transposed(node: onnx.NodeProto, axes: Axes, _constants: Constants) -> Axes:
    order = next((list(attribute.ints) for attribute in node.attribute if attribute.name == "perm"), [])
    return {order.index(axis): place for axis, place in axes.items()} if order else {}


def _padded(node: onnx.NodeProto, axes: Axes, constants: Constants) -> Axes:
    pads = constants.get(node.input[1], [])
    # As many numbers as dimensions, twice; where only some dimensions are named, it is not followed.
    if len(pads) != 8 or (len(node.input) > 3 and node.input[3]):
        return {}
    return {axis: Axis(place.first - place.step * pads[axis], place.step) for axis, place in axes.items()}


def _window(node: onnx.NodeProto, axes: Axes, _constants: Constants) -> Axes:
    """Return the places behind a convolution or a pooling with a window; its sides are the last two dimensions."""
    values = {attribute.name: attribute for attribute in node.attribute}
    kernel = list(values["kernel_shape"].ints) if "kernel_shape" in values else []
    automatic = "auto_pad" in values and values["auto_pad"].s not in (b"NOTSET", b"")
    if len(kernel) != 2 or automatic or set(axes) != {2, 3}:
        return {}
    strides = list(values["strides"].ints) if "strides" in values else [1, 1]
    dilations = list(values["dilations"].ints) if "dilations" in values else [1, 1]
    pads = list(values["pads"].ints) if "pads" in values else [0, 0, 0, 0]
    found = {}
    for number, axis in enumerate((2, 3)):
        place = axes[axis]
        stride, padded = strides[number], pads[number] + pads[number + 2]
        middle = (kernel[number] - 1) * dilations[number] / 2 - pads[number]
        if stride > 1 and padded:
            middle = (stride - 1) / 2
        found[axis] = Axis(place.first + place.step * middle, place.step * stride)
    return found


def _sliced(node: onnx.NodeProto, axes: Axes, constants: Constants) -> Axes:
    """Return the places of a part that begins somewhere and leaves none out between."""
    starts, _ends, which, steps = (constants.get(name, []) for name in [*node.input[1:], "", "", ""][:4])
    if len(starts) != len(which) or min(starts, default=-1) < 0 or set(steps) - {1}:
        return {}
    found = dict(axes)
    for start, axis in zip(starts, which, strict=True):
        if axis in found:
            found[axis] = Axis(found[axis].first + found[axis].step * start, found[axis].step)
    return found
