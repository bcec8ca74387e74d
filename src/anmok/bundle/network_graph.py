"""A PyTorch network as an ONNX graph: the only file of this room that imports torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from anmok.bundle.graph import INPUT, OUTPUTS

if TYPE_CHECKING:
    import onnx


def network_graph(network: nn.Module, image_size: int) -> onnx.ModelProto:
    """Trace a network and return its graph, whose batch size is open.

    Args:
        network: takes uint8 ``(N, S, S, 3)``; gives logits, embedding and feature map. It is left in eval mode.
        image_size: S.
    """
    example = torch.zeros((2, image_size, image_size, 3), dtype=torch.uint8)
    program = torch.onnx.export(
        network.eval().cpu(),
        (example,),
        input_names=[INPUT],
        output_names=list(OUTPUTS),
        dynamic_shapes=({0: torch.export.Dim("N")},),
        dynamo=True,
        external_data=False,
        verbose=False,
    )
    assert program is not None
    model: onnx.ModelProto = program.model_proto
    _strip_notes(model)
    return model


def _strip_notes(message: Any) -> None:
    """Drop the exporter's notes everywhere: they hold paths of this machine's source files, and change with them."""
    for name in ("metadata_props", "doc_string"):
        if name in message.DESCRIPTOR.fields_by_name:
            message.ClearField(name)
    for descriptor, value in message.ListFields():
        if descriptor.message_type is not None:
            for inner in [value] if hasattr(value, "ListFields") else value:
                _strip_notes(inner)
