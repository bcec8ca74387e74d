"""Sets of pictures for networks, and what a network answers to one."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from anmok.models.networks import Network
from anmok.training.memory import is_out_of_memory
from anmok.training.workers import Workers

#: Pictures that a thread measures at a time.
MEASURED_AT_ONCE = 32


@dataclass(frozen=True, slots=True)
class PictureSet:
    """Some of the pictures of an array.

    Attributes:
        pixels: uint8 ``(M, S, S, 3)``, possibly memory-mapped; shared between sets.
        labels: int64 ``(M,)``.
        rows: int64 ``(N,)``, which of them belong to this set.
    """

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]
    rows: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.rows)

    def batch(self, places: NDArray[np.int64], device: torch.device) -> tuple[Tensor, Tensor]:
        """Return uint8 ``(n, S, S, 3)`` and int64 ``(n,)`` for places ``(n,)`` in this set."""
        rows = self.rows[places]
        pictures, labels = torch.from_numpy(self.pixels[rows]), torch.from_numpy(self.labels[rows])
        return pictures.to(device), labels.to(device)


def logits_of(
    network: Network, pictures: PictureSet, workers: Workers, *, advance: Callable[[int], None] = lambda _count: None
) -> Tensor:
    """Return the network's logits in evaluation mode, float32 ``(N, K)`` on the CPU, computed in float32.

    Where memory runs out, fewer pictures are measured at a time.

    Args:
        advance: is told, from any thread, of so many more pictures.
    """
    was_training = [module.training for module in network.modules()]
    device = next(network.parameters()).device

    def answer(places: NDArray[np.int64]) -> Tensor:
        with torch.inference_mode():
            logits: Tensor = network(pictures.batch(places, device)[0])[0]
            answered = logits.float().cpu()
        advance(len(places))
        return answered

    network.eval()
    at_once = MEASURED_AT_ONCE
    try:
        while True:
            parts = np.array_split(np.arange(len(pictures)), max(1, -(-len(pictures) // at_once)))
            try:
                return torch.cat(workers.map(answer, parts))
            except (RuntimeError, MemoryError) as error:
                if at_once == 1 or not is_out_of_memory(error):
                    raise
            at_once //= 2
            release()
    finally:
        for module, mode in zip(network.modules(), was_training, strict=True):
            module.training = mode


def release() -> None:
    """Free what an attempt that ran out of memory left behind: tensors in tracebacks, PyTorch's reserve on a GPU."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
