"""Several threads that each compute with one thread of PyTorch's own.

PyTorch would rather divide each single operation among all cores. Its threads then wait for each other, spinning,
hundreds of times a step; where another program takes one of the cores, they wait for a time slice each time. On two
busy cores that made training 45 times slower than with one thread (5 instead of 225 pictures a second). Here a batch
is divided once, the parts meet once a step, and what is computed does not depend on the number of threads.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from types import TracebackType
from typing import Self, TypeVar

import torch
from torch import Tensor

from anmok.models.networks import Network
from anmok.training.memory import reused_memory

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")


class Workers:
    """A pool of threads; a context manager.

    Inside it, this thread computes with one thread of PyTorch's, too, and memory is used again (``memory``).

    Args:
        threads: 0 takes all cores.
    """

    def __init__(self, threads: int) -> None:
        count = threads or os.cpu_count() or 1
        self._pool = ThreadPoolExecutor(count, "anmok-training", torch.set_num_threads, (1,))
        self._before = torch.get_num_threads()
        self._memory = ExitStack()

    def map(self, work: Callable[[ItemT], ResultT], items: Iterable[ItemT]) -> list[ResultT]:
        """Return ``work`` of each item, in order. Autocast and inference mode must be entered inside ``work``.

        When an error comes out, no thread works on any of the items any more.
        """
        futures = [self._pool.submit(work, item) for item in items]
        wait(futures)
        return [future.result() for future in futures]

    def begin(self, work: Callable[[], ResultT]) -> Future[ResultT]:
        """Let a thread do ``work`` when it has time; return its result to come."""
        return self._pool.submit(work)

    def __enter__(self) -> Self:
        self._memory.enter_context(reused_memory())
        torch.set_num_threads(1)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self._pool.shutdown(cancel_futures=True)
        torch.set_num_threads(self._before)
        self._memory.close()


class Replicas:
    """A network several times over: the parameters are shared, the buffers (batch normalisation) each one's own.

    So parts of a batch can go through it at the same time, and each part is normalised for itself (Hoffer, Hubara,
    Soudry: Train longer, generalize better, 2017, who call it ghost batch normalisation).
    """

    def __init__(self, network: Network, count: int) -> None:
        shared = {id(parameter): parameter for parameter in network.parameters()}
        self.members = [network, *(copy.deepcopy(network, dict(shared)) for _ in range(count - 1))]

    def spread_modes(self) -> None:
        """Give all members the modes (training, evaluation) of the first's parts."""
        first, *others = self.members
        for other in others:
            for module, its in zip(first.modules(), other.modules(), strict=True):
                its.training = module.training

    def spread(self) -> None:
        """Give all members the buffers and the modes of the first."""
        self.spread_modes()
        first, *others = self.members
        for other in others:
            for buffer, its_buffer in zip(first.buffers(), other.buffers(), strict=True):
                its_buffer.copy_(buffer)

    def gather(self) -> None:
        """Give the first member the mean of all members' buffers; whole numbers are left as they are."""
        for buffers in zip(*(member.buffers() for member in self.members), strict=True):
            if buffers[0].is_floating_point():
                buffers[0].copy_(torch.stack(buffers).mean(dim=0))

    def tensors(self) -> Mapping[str, Tensor]:
        """Return the buffers of all members but the first, whose state is the network's."""
        return {
            f"{number}.{name}": buffer
            for number, member in enumerate(self.members[1:], start=1)
            for name, buffer in member.named_buffers()
        }

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Take back what ``tensors`` returned; raises ``KeyError`` or ``RuntimeError`` if it is of others."""
        for name, buffer in self.tensors().items():
            buffer.copy_(tensors[name])
