"""An exponential moving average of a network's weights, which answers better than the weights of the last step."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor

from anmok.models.networks import Network


class Average:
    """The moving average of weights and of the averages of batch normalisation (Polyak, Juditsky, 1992).

    The decay grows with the steps n: the lesser of ``decay`` and (1 + n) / (10 + n), as in TensorFlow, or the first,
    random weights would weigh on a short training to its end.

    Args:
        decay: 0-1 without 1.
    """

    def __init__(self, network: Network, decay: float) -> None:
        self.decay, self.steps = decay, 0
        self._tensors = {
            name: tensor.detach().clone() for name, tensor in network.state_dict().items() if tensor.is_floating_point()
        }

    @torch.no_grad()
    def update(self, members: Sequence[Network]) -> None:
        """Count one step; ``members`` share their parameters, and of their other tensors the mean counts."""
        self.steps += 1
        share = 1 - min(self.decay, (1 + self.steps) / (10 + self.steps))
        now = [tensor for name, tensor in members[0].state_dict().items() if name in self._tensors]
        if len(members) > 1:
            buffers = {name for name, _buffer in members[0].named_buffers()}
            others = [member.state_dict() for member in members[1:]]
            now = [
                torch.stack([tensor, *(other[name] for other in others)]).mean(dim=0) if name in buffers else tensor
                for name, tensor in zip(self._tensors, now, strict=True)
            ]
        torch._foreach_lerp_(list(self._tensors.values()), now, share)

    @contextlib.contextmanager
    def in_place(self, network: Network) -> Iterator[None]:
        """Give ``network`` the averages inside the block, and its own weights back after it."""
        state = {name: tensor for name, tensor in network.state_dict().items() if name in self._tensors}
        own = {name: tensor.clone() for name, tensor in state.items()}
        try:
            self._copy(state, self._tensors)
            yield
        finally:
            self._copy(state, own)

    @staticmethod
    @torch.no_grad()
    def _copy(to: Mapping[str, Tensor], tensors: Mapping[str, Tensor]) -> None:
        for name, tensor in to.items():
            tensor.copy_(tensors[name])

    def tensors(self) -> Mapping[str, Tensor]:
        """Return what must be remembered: the averages and the number of steps."""
        return {**{f"of.{name}": tensor for name, tensor in self._tensors.items()}, "steps": torch.tensor(self.steps)}

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Take back what ``tensors`` returned; raises ``KeyError`` or ``RuntimeError`` if it is of another network."""
        for name, tensor in self._tensors.items():
            tensor.copy_(tensors[f"of.{name}"])
        self.steps = int(tensors["steps"])
