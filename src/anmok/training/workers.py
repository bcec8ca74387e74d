"""Several threads that each compute with one thread of PyTorch's own.

PyTorch would rather divide each single operation among all cores. Its threads then wait for each other, spinning,
hundreds of times a step; where another program takes one of the cores, they wait for a time slice each time. On two
busy cores that made training 45 times slower than with one thread (5 instead of 225 pictures a second). Here a batch
is divided once, the parts meet once a step, and what is computed does not depend on the number of threads.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self, TypeVar

import torch

from anmok.models.networks import Network

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")


class Workers:
    """A pool of threads; a context manager. Inside it, this thread computes with one thread of PyTorch's, too.

    Args:
        threads: 0 takes all cores.
    """

    def __init__(self, threads: int) -> None:
        count = threads or os.cpu_count() or 1
        self._pool = ThreadPoolExecutor(count, "anmok-training", torch.set_num_threads, (1,))
        self._before = torch.get_num_threads()

    def map(self, work: Callable[[ItemT], ResultT], items: Iterable[ItemT]) -> list[ResultT]:
        """Return ``work`` of each item, in order. Autocast and inference mode must be entered inside ``work``."""
        return list(self._pool.map(work, items))

    def __enter__(self) -> Self:
        torch.set_num_threads(1)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self._pool.shutdown(cancel_futures=True)
        torch.set_num_threads(self._before)


class Replicas:
    """A network several times over: the parameters are shared, the buffers (batch normalisation) each one's own.

    So parts of a batch can go through it at the same time, and each part is normalised for itself (Hoffer, Hubara,
    Soudry: Train longer, generalize better, 2017, who call it ghost batch normalisation).
    """

    def __init__(self, network: Network, count: int) -> None:
        shared = {id(parameter): parameter for parameter in network.parameters()}
        self.members = [network, *(copy.deepcopy(network, dict(shared)) for _ in range(count - 1))]

    def spread(self) -> None:
        """Give all members the buffers and the modes (training, evaluation) of the first."""
        first, *others = self.members
        for other in others:
            for module, its in zip(first.modules(), other.modules(), strict=True):
                its.training = module.training
            for buffer, its_buffer in zip(first.buffers(), other.buffers(), strict=True):
                its_buffer.copy_(buffer)

    def gather(self) -> None:
        """Give the first member the mean of all members' buffers; whole numbers are left as they are."""
        for buffers in zip(*(member.buffers() for member in self.members), strict=True):
            if buffers[0].is_floating_point():
                buffers[0].copy_(torch.stack(buffers).mean(dim=0))
