"""Which ONNX graphs are served at all: one shape, standard operators, everything inside the file.

An ONNX file from a stranger could name other files to be read as weights (external data), or operators of
vendors that do (``com.microsoft.EPContext``). Such a graph is refused before ONNX Runtime sees it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from anmok.i18n import _

if TYPE_CHECKING:
    import onnx

INPUT = "pictures"
OUTPUTS = ("logits", "embedding", "feature_map")
STANDARD_DOMAINS = frozenset({"", "ai.onnx"})
#: Loop can run for ever; nothing that Anmok exports holds one.
REFUSED_OPERATORS = frozenset({"Loop"})
#: ONNX Runtime takes bytes with this mark for its own file format, whatever protobuf reads in them.
ORT_FORMAT_MARK = b"ORTM"


class GraphRefused(ValueError):
    """The graph is damaged or not one that is served; the message is a part of a sentence for people."""


@dataclass(frozen=True, slots=True)
class GraphShape:
    """The sizes that a graph declares.

    Attributes:
        image_size: side S of the input ``pictures``, uint8 ``(N, S, S, 3)``.
        classes: K of the output ``logits``, float32 ``(N, K)``.
        dim: D of the output ``embedding``, float32 ``(N, D)``.
    """

    image_size: int
    classes: int
    dim: int


def check_graph(model: bytes) -> GraphShape:
    """Return the sizes of a serialised ONNX model, after making sure that it may be served.

    Raises:
        GraphRefused: it is damaged, refers to other files, uses operators outside the ONNX standard, or has
            other inputs and outputs than a bundle's graph.
    """
    return _shape(safe_graph(model))


def safe_graph(model: bytes) -> onnx.GraphProto:
    """Return the graph of a serialised ONNX model of any shape, after making sure that it may be run.

    Raises:
        GraphRefused: as ``check_graph``, but for inputs and outputs.
    """
    import onnx
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    if model[4:8] == ORT_FORMAT_MARK:
        raise GraphRefused(_("it is no ONNX model"))
    try:
        return _check_proto(onnx.load_model_from_string(model))
    except (DecodeError, UnicodeDecodeError) as error:
        raise GraphRefused(_("it is no ONNX model, or a damaged one")) from error


def _check_proto(proto: onnx.ModelProto) -> onnx.GraphProto:
    import onnx

    if proto.functions or proto.training_info:
        raise GraphRefused(_("it holds functions or training steps of its own"))
    for message in _messages(proto):
        if isinstance(message, onnx.TensorProto):
            _check_tensor(message)
        elif isinstance(message, onnx.NodeProto):
            _check_node(message)
    return proto.graph


def _messages(message: Any) -> Iterator[Any]:
    """Yield every protobuf message inside ``message``, however deep: tensors also hide in attributes of nodes."""
    waiting = [message]
    while waiting:
        current = waiting.pop()
        yield current
        for descriptor, value in current.ListFields():
            if descriptor.message_type is not None:
                # Repeated fields are containers of messages; a singular message has ListFields itself.
                waiting.extend([value] if hasattr(value, "ListFields") else value)
            elif descriptor.type == descriptor.TYPE_STRING:
                _check_names([value] if isinstance(value, str | bytes) else value)


def _check_names(names: Iterable[str | bytes]) -> None:
    # Protobuf hands out text that is no UTF-8 as bytes; ONNX Runtime stumbles over it when it complains.
    if any(isinstance(name, bytes) for name in names):
        raise GraphRefused(_("it is no ONNX model, or a damaged one"))


def _check_tensor(tensor: onnx.TensorProto) -> None:
    import onnx

    if tensor.external_data or tensor.data_location == onnx.TensorProto.EXTERNAL:
        raise GraphRefused(_("it wants to read weights from other files"))


def _check_node(node: onnx.NodeProto) -> None:
    if node.domain not in STANDARD_DOMAINS or node.op_type in REFUSED_OPERATORS:
        name = ascii(f"{node.domain}.{node.op_type}".strip("."))
        raise GraphRefused(_("it uses the operator {name}, which is not allowed").format(name=name))


def _shape(graph: onnx.GraphProto) -> GraphShape:
    import onnx

    # Graphs of old IR versions list their weights as inputs too.
    weights = {tensor.name for tensor in graph.initializer}
    inputs = {value.name: value for value in graph.input if value.name not in weights}
    outputs = {value.name: value for value in graph.output}
    if set(inputs) != {INPUT} or not set(OUTPUTS) <= set(outputs):
        raise GraphRefused(
            _("it takes {inputs} and gives {outputs}; wanted: {wanted}").format(
                inputs=ascii(sorted(inputs)), outputs=ascii(sorted(outputs)), wanted=f"{INPUT} -> {', '.join(OUTPUTS)}"
            )
        )
    pictures = _dimensions(inputs[INPUT], onnx.TensorProto.UINT8, 4)
    logits = _dimensions(outputs["logits"], onnx.TensorProto.FLOAT, 2)
    embedding = _dimensions(outputs["embedding"], onnx.TensorProto.FLOAT, 2)
    _dimensions(outputs["feature_map"], onnx.TensorProto.FLOAT, 4)
    if pictures[1] != pictures[2] or pictures[3] != 3 or pictures[1] < 1:
        raise GraphRefused(_("its pictures have the shape {shape}").format(shape=pictures))
    if logits[1] < 1 or embedding[1] < 1:
        raise GraphRefused(_("it does not say how many classes or features it gives"))
    return GraphShape(image_size=pictures[1], classes=logits[1], dim=embedding[1])


def _dimensions(value: onnx.ValueInfoProto, kind: int, rank: int) -> tuple[int, ...]:
    """Return the declared sizes, 0 where a size is open; the first one (pictures in a batch) must be open."""
    tensor = value.type.tensor_type
    sizes = tuple(dim.dim_value for dim in tensor.shape.dim)
    if tensor.elem_type != kind or len(sizes) != rank or sizes[0] != 0:
        raise GraphRefused(_("{name} has the wrong type or shape {shape}").format(name=ascii(value.name), shape=sizes))
    return sizes
