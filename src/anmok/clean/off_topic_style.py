"""How a picture was made rather than what it shows: means and deviations of a network's early channels.

The last layer of a classifier is trained to be blind to style; the statistics of earlier layers are what style is
(Gatys, Ecker and Bethge, Image style transfer using convolutional neural networks, 2016; as channel means and
deviations alone: Huang and Belongie, Arbitrary style transfer in real-time with adaptive instance normalization,
2017). So photos among drawings lie apart here where the network's own vectors cluster by what is shown.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anmok.features.extractor import Extractor
from anmok.locations import cache_dir
from anmok.storage import write_bytes

#: Names of the nodes that are added begin with this; no exporter writes such names.
MINE = "anmok_style_"


def style_extractor(extractor: Extractor) -> Extractor | None:
    """Return an extractor of the style vectors of a network, or None where its graph has no early layers to look at.

    What is looked at is what goes into every convolution that halves the picture, except the first: the last thing
    that the network knows at each resolution. The graph ends there, so it is cheaper than the whole network. It is
    written into the cache.

    Raises:
        StorageError: the cache cannot be written.
    """
    path = cache_dir() / "style" / f"{extractor.sha256[:32]}.onnx"
    built = _style_graph(extractor.onnx.read_bytes())
    if built is None:
        return None
    data, dim = built
    if not path.is_file() or path.read_bytes() != data:
        write_bytes(path, data)
    return Extractor(
        name=f"{extractor.name}-style",
        onnx=path,
        sha256=hashlib.sha256(data).hexdigest(),
        input_size=extractor.input_size,
        resize=extractor.resize,
        dim=dim,
    )


def unit_rows(vectors: NDArray[Any]) -> NDArray[np.float64]:
    """Return rows of length 1, float64; a row of zeros stays one."""
    values = np.asarray(vectors, dtype=np.float64)
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    scaled: NDArray[np.float64] = values / np.where(lengths > 0, lengths, 1)
    return scaled


def _style_graph(data: bytes) -> tuple[bytes, int] | None:
    """Return the graph that ends in style vectors, and how long they are.

    Each layer's means, and each layer's deviations, have length 1: a layer of large values would speak alone.
    """
    import onnx
    from onnx import TensorProto, helper

    model = onnx.load_from_string(data)
    graph = model.graph
    taps = _before_halving(graph)
    widths = {initial.name: list(initial.dims) for initial in graph.initializer}
    reader = {node.input[0]: node for node in graph.node if node.op_type == "Conv"}
    if not taps:
        return None
    added, parts, dim = [], [], 0
    initial = [
        helper.make_tensor(MINE + "axes", TensorProto.INT64, [2], [2, 3]),
        helper.make_tensor(MINE + "last", TensorProto.INT64, [1], [1]),
        helper.make_tensor(MINE + "tiny", TensorProto.FLOAT, [], [1e-12]),
    ]
    for number, tap in enumerate(taps):
        name = f"{MINE}{number}_"
        # A depthwise convolution has one input channel a group.
        groups = next((a.i for a in reader[tap].attribute if a.name == "group"), 1)
        dim += 2 * widths[reader[tap].input[1]][1] * groups
        added += [
            helper.make_node("ReduceMean", [tap, MINE + "axes"], [name + "mean4"], keepdims=1),
            helper.make_node("Sub", [tap, name + "mean4"], [name + "centred"]),
            helper.make_node("ReduceSumSquare", [name + "centred", MINE + "axes"], [name + "squares"], keepdims=0),
            helper.make_node("Sqrt", [name + "squares"], [name + "deviation"]),
            helper.make_node("Flatten", [name + "mean4"], [name + "mean"], axis=1),
        ]
        for part in ("mean", "deviation"):
            added += _unit_nodes(name + part)
            parts.append(name + part + "_unit")
    added.append(helper.make_node("Concat", parts, ["embedding"], axis=1))
    last = max(place for place, node in enumerate(graph.node) if set(taps) & set(node.output))
    nodes = list(graph.node)[: last + 1] + added
    used = {name for node in nodes for name in node.input}
    initial += [value for value in graph.initializer if value.name in used]
    result = helper.make_graph(
        nodes,
        "style",
        list(graph.input),
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["N", dim])],
        initializer=initial,
    )
    made = helper.make_model(result, opset_imports=list(model.opset_import), ir_version=model.ir_version)
    onnx.checker.check_model(made)
    return made.SerializeToString(deterministic=True), dim


def _before_halving(graph: Any) -> list[str]:
    """Return what goes into each convolution with a stride, except where that is the picture itself."""
    taps = []
    for node in graph.node:
        strides = next((a.ints for a in node.attribute if a.name == "strides"), ())
        if node.op_type == "Conv" and max(strides, default=1) > 1 and node.input[0] not in taps:
            taps.append(node.input[0])
    return taps[1:]


def _unit_nodes(name: str) -> list[Any]:
    """Return nodes that make the rows of ``name`` one long, as ``name`` + ``_unit``; rows of zeros stay so."""
    from onnx import helper

    return [
        helper.make_node("ReduceL2", [name, MINE + "last"], [name + "_raw"], keepdims=1),
        helper.make_node("Max", [name + "_raw", MINE + "tiny"], [name + "_length"]),
        helper.make_node("Div", [name, name + "_length"], [name + "_unit"]),
    ]
