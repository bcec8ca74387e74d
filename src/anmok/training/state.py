"""The state of a training that is under way, on disk.

``checkpoint/last.safetensors`` holds all that the next step depends on (weights, the best weights so far, their
moving average, the optimiser, the sampler, the order of the epoch and the place in it, torch's generators, hooks, and
the history in the file's metadata). It is one file, so it is one moment: a kill between two files cannot leave a
mixture. When training ends, it goes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from anmok.errors import StorageError
from anmok.i18n import _
from anmok.storage import atomic_write, explained
from anmok.training.run import Run

if TYPE_CHECKING:
    from torch import Tensor

#: Rises when the tensors of ``last.safetensors`` change their meaning.
STATE_FORMAT = 3
#: What safetensors calls the types of numbers that a state may hold.
_DTYPES = {
    "torch.float32": "F32",
    "torch.float64": "F64",
    "torch.float16": "F16",
    "torch.bfloat16": "BF16",
    "torch.int64": "I64",
    "torch.int32": "I32",
    "torch.uint8": "U8",
    "torch.bool": "BOOL",
}


@dataclass(frozen=True, slots=True)
class State:
    """A training between two steps.

    Attributes:
        tensors: by name.
        facts: plain JSON values: ``history`` (a row for each epoch that is done), ``done`` (steps of the current
            epoch), ...
    """

    tensors: Mapping[str, Tensor]
    facts: Mapping[str, Any]


def save_state(run: Run, state: State) -> None:
    """Write ``last.safetensors``, in place of the one before.

    Tensor after tensor, for safetensors' own function first makes one piece of them all: of a network of 30 million
    parameters half a gigabyte.
    """
    facts = {"anmok": json.dumps({"format": STATE_FORMAT, **state.facts}, allow_nan=False)}
    header: dict[str, object] = {"__metadata__": facts}
    end = 0
    for name, tensor in state.tensors.items():
        begin, end = end, end + tensor.numel() * tensor.element_size()
        header[name] = {"dtype": _DTYPES[str(tensor.dtype)], "shape": list(tensor.shape), "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with atomic_write(_state_path(run)) as stream:
        stream.write(len(text).to_bytes(8, "little") + text)
        for tensor in state.tensors.values():
            stream.write(_bytes_of(tensor))


def _bytes_of(tensor: Tensor) -> NDArray[np.uint8]:
    """Return the numbers in the plain order of their places, whatever the memory layout; a copy only where needed."""
    import torch

    data: NDArray[np.uint8] = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
    return data


def load_state(run: Run) -> State | None:
    """Read ``last.safetensors``; None where there is none.

    Raises:
        StorageError: it is damaged, or made by another version of Anmok.
    """
    from safetensors import SafetensorError, safe_open

    path = _state_path(run)
    if not path.exists():
        return None
    try:
        with explained(path), safe_open(path, framework="pt") as file:
            facts = json.loads((file.metadata() or {})["anmok"])
            if facts["format"] != STATE_FORMAT:
                raise ValueError(f"format {facts['format']}")
            # keys() is a method of the file, which is no mapping.
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            _refuse_nan(tensors)
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise StorageError(_("{path} is damaged: {reason}.").format(path=path, reason=error)) from error
    return State(tensors, facts)


def _refuse_nan(tensors: Mapping[str, Tensor]) -> None:
    """Raise ``ValueError`` where a tensor holds NaN: no training writes that, for one whose loss is NaN ends."""
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and bool(tensor.isnan().any()):
            raise ValueError(_("{name} holds values that are no numbers (NaN)").format(name=name))


def drop_state(run: Run) -> None:
    """Remove ``last.safetensors``, where there is one."""
    with explained(_state_path(run)):
        _state_path(run).unlink(missing_ok=True)


def _state_path(run: Run) -> Path:
    return run.checkpoint_folder / "last.safetensors"
