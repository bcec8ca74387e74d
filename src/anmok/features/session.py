"""Opens ONNX Runtime sessions, quietly, on the GPU where ONNX Runtime has one. Light."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnxruntime

#: ONNX Runtime's severities: 4 is "fatal". Warnings are about kernels and devices; errors come as exceptions too.
_ERRORS_ONLY = 4


def count_threads(threads: int = 0) -> int:
    """Return ``threads``, or for 0 the number of cores that this process may use."""
    if threads > 0:
        return threads
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def providers() -> list[str]:
    """Return ONNX Runtime's execution providers that are used here, best first."""
    import onnxruntime

    return [
        name
        for name in ("CUDAExecutionProvider", "CPUExecutionProvider")
        if name in onnxruntime.get_available_providers()
    ]


def open_session(model: Path | bytes, *, threads: int = 1) -> onnxruntime.InferenceSession:
    """Open a graph.

    Args:
        model: an ONNX file, or its bytes. Files of strangers must have been checked before.
        threads: that work together on one batch; 0 takes all cores. Leave 1 for ``engine.run_graph``, whose
            workers each run a batch of their own; more makes a single picture's answer quicker.
    """
    import onnxruntime

    onnxruntime.set_default_logger_severity(_ERRORS_ONLY)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _ERRORS_ONLY
    options.intra_op_num_threads = count_threads(threads)
    options.inter_op_num_threads = 1
    # Threads that wait must not spin: decoding needs the cores.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(
        model if isinstance(model, bytes) else str(model), options, providers=providers()
    )
