"""PyTorch modules as ONNX graphs, without a word on the terminal. Imports PyTorch: import it where it is used."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

if TYPE_CHECKING:
    import onnx

INPUT = "pictures"


def export_graph(module: nn.Module, *, image_size: int, outputs: Sequence[str]) -> onnx.ModelProto:
    """Trace a module and return its graph, whose batch size is open.

    Args:
        module: takes uint8 ``(N, S, S, 3)``, gives one tensor for each of ``outputs``. Left in eval mode, on the CPU.
        image_size: S.
        outputs: names of what it gives.
    """
    example = torch.zeros((2, image_size, image_size, 3), dtype=torch.uint8)
    with quiet(), torch.no_grad(), _out_of_place(module):
        program = torch.onnx.export(
            module.eval().cpu(),
            (example,),
            input_names=[INPUT],
            output_names=list(outputs),
            dynamic_shapes=({0: torch.export.Dim("N")},),
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    assert program is not None
    model: onnx.ModelProto = program.model_proto
    _strip_notes(model)
    return model


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep what PyTorch and its exporter print, log and warn of off the user's terminal."""
    loggers = [logging.getLogger(name) for name in ("torch", "torch.onnx", "onnxscript", "onnx_ir", "timm")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


@contextlib.contextmanager
def _out_of_place(module: nn.Module) -> Iterator[None]:
    """Let activations leave their input alone: the exporter needs long to take that apart."""
    inside: list[Any] = [layer for layer in module.modules() if getattr(layer, "inplace", False) is True]
    for layer in inside:
        layer.inplace = False
    try:
        yield
    finally:
        for layer in inside:
            layer.inplace = True


def _strip_notes(message: Any) -> None:
    """Drop the exporter's notes everywhere: they hold paths of this machine's files, and change with them."""
    for name in ("metadata_props", "doc_string"):
        if name in message.DESCRIPTOR.fields_by_name:
            message.ClearField(name)
    for descriptor, value in message.ListFields():
        if descriptor.message_type is not None:
            for inner in [value] if hasattr(value, "ListFields") else value:
                _strip_notes(inner)
