"""Where and how precisely PyTorch computes: GPU or CPU, bfloat16 where it pays, chance."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch


def choose_device() -> torch.device:
    """Return the GPU if there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def low_precision(device: torch.device) -> AbstractContextManager[object]:
    """Return the context in which training steps run: bfloat16 where the device is faster with it, else float32."""
    return torch.autocast(device.type, torch.bfloat16) if _is_faster_with_bfloat16(device) else nullcontext()


def _is_faster_with_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(torch.cpu._is_amx_tile_supported())


@contextmanager
def own_random_numbers() -> Iterator[None]:
    """Let the block seed and use torch's generators; outside nothing of it is seen."""
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_available() else []
    deterministic = torch.backends.cudnn.deterministic
    with torch.random.fork_rng(devices=devices):
        torch.backends.cudnn.deterministic = True
        try:
            yield
        finally:
            torch.backends.cudnn.deterministic = deterministic
