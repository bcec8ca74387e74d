"""The gradients of wide dense layers, made once for all parts of a batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn

from anmok.models.wide_dense import WideDense
from anmok.training.workers import Workers

#: Slices of a gradient that threads make at the same time, whatever the number of cores.
SLICES = 4


class LateGradients:
    """The wide layers of a network and of its replicas.

    Args:
        members: the network and its replicas, which share their parameters.
        parameters: those that learn, in the order of gradients.
    """

    def __init__(self, members: Sequence[nn.Module], parameters: Sequence[Tensor]) -> None:
        places = {id(parameter): place for place, parameter in enumerate(parameters)}
        self._layers: dict[int, list[WideDense]] = {}
        for member in members:
            for module in member.modules():
                if isinstance(module, WideDense) and id(module.weight) in places and module.weight.device.type == "cpu":
                    self._layers.setdefault(places[id(module.weight)], []).append(module)

    @contextmanager
    def left_out(self) -> Iterator[None]:
        """Let backward passes inside the block leave the weights' gradients to ``make``."""
        layers = [layer for layers in self._layers.values() for layer in layers]
        for layer in layers:
            layer.late = []
        try:
            yield
        finally:
            for layer in layers:
                layer.late = None

    def make(self, workers: Workers) -> dict[int, Tensor]:
        """Return the gradients of what was learned from since, as vectors, by their place; inside ``left_out``."""
        found = {}
        for place, layers in self._layers.items():
            taken = [one for layer in layers for one in layer.late or ()]
            if not taken:
                continue
            values, gradients = (torch.cat(tensors) for tensors in zip(*taken, strict=True))
            whole = torch.empty_like(layers[0].weight.detach())
            work = partial(_fill, gradients.T)
            workers.map(work, zip(whole.tensor_split(SLICES, dim=1), values.tensor_split(SLICES, dim=1), strict=True))
            found[place] = whole.view(-1)
        return found


def _fill(gradients: Tensor, columns: tuple[Tensor, Tensor]) -> None:
    found, values = columns
    torch.mm(gradients, values, out=found)
