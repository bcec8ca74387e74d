"""A few lines of notation for writing ONNX graphs by hand, with the ``onnx`` package alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import onnx

#: Operators as of this version of the ONNX standard; the IR version that came with it.
OPSET, IR_VERSION = 18, 8

#: The name of a value in the graph.
Value = str


class GraphBuilder:
    """Collects nodes and constants; each call returns the name of the value that it makes."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[bytes, tuple[str, onnx.TensorProto]] = {}

    def node(self, operator: str, *inputs: Value, output: str = "", **attributes: Any) -> Value:
        """Add a node of a standard operator with one output; ``attributes`` are the operator's own."""
        from onnx import helper

        output = output or f"{operator.lower()}_{len(self._nodes)}"
        self._nodes.append(
            helper.make_node(operator, list(inputs), [output], name=f"n{len(self._nodes)}", **attributes)
        )
        return output

    def constant(self, value: NDArray[Any]) -> Value:
        """Return a constant; equal ones are kept once."""
        from onnx import numpy_helper

        key = b"|".join((str(value.dtype).encode(), str(value.shape).encode(), value.tobytes()))
        if key not in self._constants:
            name = f"c{len(self._constants)}"
            self._constants[key] = (name, numpy_helper.from_array(np.ascontiguousarray(value), name))
        return self._constants[key][0]

    def number(self, value: float) -> Value:
        """Return a float32 constant without dimensions."""
        return self.constant(np.array(value, dtype=np.float32))

    def whole(self, values: Sequence[int]) -> Value:
        """Return an int64 constant of one dimension."""
        return self.constant(np.array(values, dtype=np.int64))

    def part(self, value: Value, **spans: tuple[int, int]) -> Value:
        """Return ``value[:, :, y0:y1, x0:x1]`` of a value ``(N, C, H, W)``; ``spans`` are named ``y`` and ``x``."""
        axes = {"y": 2, "x": 3}
        starts, ends = zip(*spans.values(), strict=True)
        return self.node(
            "Slice", value, self.whole(starts), self.whole(ends), self.whole([axes[name] for name in spans])
        )

    def model(
        self, name: str, inputs: Sequence[onnx.ValueInfoProto], outputs: Sequence[onnx.ValueInfoProto]
    ) -> onnx.ModelProto:
        """Return the checked model."""
        import onnx
        from onnx import helper

        tensors = [tensor for _name, tensor in self._constants.values()]
        graph = helper.make_graph(self._nodes, name, list(inputs), list(outputs), initializer=tensors)
        model = helper.make_model(
            graph, producer_name="anmok", opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
        )
        onnx.checker.check_model(model, full_check=True)
        return model
