"""What a head may be given of an extractor's graph: its embedding, or its feature map pooled or whole. Light."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from anmok.storage import explained

if TYPE_CHECKING:
    import onnx

#: ``embedding`` is the graph's own ``(N, D)``; the others are made of its feature map ``(N, C, h, w)``: the mean or the
#: largest of all places ``(N, C)``, or all of it in a row ``(N, C x h x w)``, channel by channel as PyTorch flattens.
VectorOutput = Literal["embedding", "average-pool", "max-pool", "flatten"]

_POOLS = {"average-pool": "GlobalAveragePool", "max-pool": "GlobalMaxPool"}


def add_vector(model: onnx.ModelProto, output: VectorOutput, name: str) -> None:
    """Add nodes to a graph that give ``name``, float32 ``(N, D)``; it is not declared as an output."""
    from onnx import helper

    if output == "embedding":
        model.graph.node.append(helper.make_node("Identity", ["embedding"], [name]))
        return
    source = "feature_map"
    if output in _POOLS:
        model.graph.node.append(helper.make_node(_POOLS[output], [source], [f"{name}.pooled"]))
        source = f"{name}.pooled"
    model.graph.node.append(helper.make_node("Flatten", [source], [name], axis=1))


def graph_with_vector(path: Path, output: VectorOutput) -> Path | bytes:
    """Return a graph with one more output, ``vector``; for ``embedding`` the file itself, which has it already."""
    if output == "embedding":
        return path
    import onnx

    with explained(path):
        model = onnx.load_model_from_string(path.read_bytes())
    add_vector(model, output, "vector")
    model.graph.output.append(onnx.helper.make_tensor_value_info("vector", onnx.TensorProto.FLOAT, None))
    data: bytes = model.SerializeToString()
    return data


def map_shape(path: Path) -> tuple[int, int, int]:
    """Return the sizes of one picture's feature map, ``(C, h, w)``, as the graph declares them.

    Raises:
        ValueError: it leaves them open.
    """
    import onnx

    with explained(path):
        model = onnx.load_model_from_string(path.read_bytes())
    declared = next(value for value in model.graph.output if value.name == "feature_map").type.tensor_type.shape.dim
    sizes = tuple(int(dim.dim_value) for dim in declared)
    if len(sizes) != 4 or 0 in sizes[1:]:
        raise ValueError(f"the graph {path.name} declares a feature map of {sizes}")
    return sizes[1], sizes[2], sizes[3]
