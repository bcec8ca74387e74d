"""Where and how precisely PyTorch computes: GPU or CPU, half precision where it pays, chance."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch

#: Steps of a training on a GPU from which compiling the network is worth its minute or two.
STEPS_WORTH_COMPILING = 3000


def choose_device() -> torch.device:
    """Return the GPU if there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def low_precision(device: torch.device) -> AbstractContextManager[object]:
    """Return the context in which training steps run: 16 bits where the device is faster with them, else float32."""
    kind = training_dtype(device)
    return nullcontext() if kind == torch.float32 else torch.autocast(device.type, kind)


def training_dtype(device: torch.device) -> torch.dtype:
    """Return in what training steps compute.

    bfloat16 on GPUs that have it and on CPUs with AMX or AVX512-BF16; float16 on older GPUs, whose losses must then be
    scaled (``loss_scaler``); else float32.
    """
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    has = torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
    return torch.bfloat16 if has else torch.float32


def loss_scaler(device: torch.device) -> torch.amp.GradScaler:
    """Return what keeps small gradients of float16 from vanishing; of other types it does nothing."""
    return torch.amp.GradScaler(device.type, enabled=training_dtype(device) == torch.float16)


def is_worth_compiling(device: torch.device, steps: int) -> bool:
    """Tell whether ``torch.compile`` pays for a training of so many steps.

    On a GPU it saves launching many small kernels, after a minute or two; it needs Triton. On a CPU it would need a
    C++ compiler on the machine, and what it computes would depend on which.
    """
    has_triton = importlib.util.find_spec("triton") is not None
    return device.type == "cuda" and steps >= STEPS_WORTH_COMPILING and has_triton


@contextmanager
def own_random_numbers() -> Iterator[None]:
    """Let the block seed and use torch's generators; outside nothing of it is seen.

    Inside, cuDNN takes algorithms that give the same result each time, and float32 is float32: TF32, which rounds to
    10 bits, stays off. What may be rounded runs in ``low_precision`` and is faster still.
    """
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_available() else []
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    before = (cudnn.deterministic, cudnn.allow_tf32, matmul.allow_tf32)
    with torch.random.fork_rng(devices=devices):
        cudnn.deterministic, cudnn.allow_tf32, matmul.allow_tf32 = True, False, False
        try:
            yield
        finally:
            cudnn.deterministic, cudnn.allow_tf32, matmul.allow_tf32 = before
