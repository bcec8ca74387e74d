"""The optimisers, over shards of a network's parameters that threads work on at the same time.

A large network has more to do in a step of the optimiser than one thread should do alone: of 30 million parameters
AdamW reads and writes 0.8 GB. Every operation of an optimiser concerns each number for itself, so it may be divided
anyhow; it is divided the same way whatever the number of threads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from anmok.config import Recipe
from anmok.models.networks import Network
from anmok.training.workers import Workers

#: Numbers that are worked on as one; of a larger tensor there are several pieces.
PIECE = 1 << 18
MOST_SHARDS = 4
#: Keras' value; PyTorch's 1e-8 makes the first steps of seldom used weights larger.
EPSILON = 1e-7
#: What RMSprop keeps of the mean of squares a step, in Keras.
RHO = 0.9


@dataclass(frozen=True, slots=True)
class _Piece:
    """A run of numbers of one parameter (the place-th), and the optimiser's own parameter that shares their memory.

    On a GPU it is the parameter itself, and ``end`` is -1.
    """

    place: int
    begin: int
    end: int
    parameter: nn.Parameter

    def of(self, gradient: Tensor) -> Tensor:
        return gradient if self.end < 0 else gradient[self.begin : self.end]


@dataclass(slots=True)
class _Shard:
    pieces: list[_Piece] = field(default_factory=list)
    groups: dict[tuple[float, float], list[nn.Parameter]] = field(default_factory=dict)
    size: int = 0


class ShardedOptimizer:
    """The recipe's optimiser for the parameters of a network that learn.

    Weights decay, biases and the factors of batch normalisation do not. A parameter's learning rate is multiplied by
    ``network.rate_factors(recipe)``.

    Attributes:
        parameters: those that learn, in the order of gradients.
    """

    def __init__(self, network: Network, recipe: Recipe) -> None:
        factors = network.rate_factors(recipe)
        learning = [(name, value) for name, value in network.named_parameters() if value.requires_grad]
        unknown = set(factors) - {name for name, _value in network.named_parameters()}
        if unknown:
            raise ValueError(f"rate factors of parameters that are not there: {sorted(unknown)}")
        self.parameters = [parameter for _name, parameter in learning]
        on_cpu = all(parameter.device.type == "cpu" for parameter in self.parameters)
        total = sum(parameter.numel() for parameter in self.parameters)
        shards = [_Shard() for _ in range(min(MOST_SHARDS, max(1, -(-total // PIECE))) if on_cpu else 1)]
        for place, (name, parameter) in enumerate(learning):
            settings = (factors.get(name, 1.0), recipe.weight_decay if parameter.ndim > 1 else 0.0)
            for piece in _pieces(place, parameter) if on_cpu else [_Piece(place, 0, -1, parameter)]:
                shard = min(shards, key=lambda one: one.size)
                shard.size += piece.parameter.numel()
                shard.pieces.append(piece)
                shard.groups.setdefault(settings, []).append(piece.parameter)
        self._shards = [(shard.pieces, _optimizer(shard, recipe)) for shard in shards if shard.pieces]

    def set_rate(self, rate: float) -> None:
        """Let the next steps learn at ``rate``, times each parameter's factor."""
        for _pieces, optimizer in self._shards:
            for group in optimizer.param_groups:
                group["lr"] = rate * group["rate_factor"]

    def flat(self, gradients: Sequence[Tensor | None]) -> list[Tensor | None]:
        """Return gradients of ``parameters`` as vectors, in the order in which the parameters lie in memory."""
        pairs = zip(gradients, self.parameters, strict=True)
        return [None if gradient is None else _flat(gradient, parameter) for gradient, parameter in pairs]

    def step(self, parts: Sequence[Sequence[Tensor | None]], workers: Workers, scaler: torch.amp.GradScaler) -> None:
        """Take one step with the sum of ``parts``, each what ``flat`` returned; their memory is used up."""

        def work(shard: tuple[list[_Piece], torch.optim.Optimizer]) -> None:
            pieces, optimizer = shard
            for piece in pieces:
                first, *others = (part[piece.place] for part in parts)
                if first is None:
                    continue
                gradient = piece.of(first)
                for other in others:
                    if other is not None:
                        gradient += piece.of(other)
                piece.parameter.grad = gradient
            scaler.step(optimizer)
            optimizer.zero_grad()

        workers.map(work, self._shards)
        scaler.update()

    def tensors(self) -> Mapping[str, Tensor]:
        """Return what must be remembered between steps."""
        return {
            f"{number}.{place}.{name}": tensor
            for number, (_pieces, optimizer) in enumerate(self._shards)
            for place, values in optimizer.state_dict()["state"].items()
            for name, tensor in values.items()
            if isinstance(tensor, Tensor)
        }

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Take back what ``tensors`` returned.

        Raises:
            KeyError, IndexError, ValueError: it is of another network or optimiser.
        """
        states: list[dict[int, dict[str, Tensor]]] = [{} for _ in self._shards]
        for key, tensor in tensors.items():
            shard, parameter, name = key.split(".")
            states[int(shard)].setdefault(int(parameter), {})[name] = tensor
        for (_pieces, optimizer), state in zip(self._shards, states, strict=True):
            parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
            for place, values in state.items():
                for name, tensor in values.items():
                    if tensor.ndim and tensor.shape != parameters[place].shape:
                        raise ValueError(f"{name} of {tuple(tensor.shape)} for {tuple(parameters[place].shape)}")
            optimizer.load_state_dict({**optimizer.state_dict(), "state": state})


def _flat(tensor: Tensor, like: Tensor) -> Tensor:
    """Return ``tensor`` as a vector in the memory order of ``like``; without a copy where it has that order."""
    if like.device.type != "cpu":
        return tensor
    if tensor.stride() != like.stride():
        tensor = torch.empty_like(like).copy_(tensor)
    return tensor.as_strided((tensor.numel(),), (1,))


def _pieces(place: int, parameter: Tensor) -> list[_Piece]:
    values = parameter.detach()
    values = values.as_strided((values.numel(),), (1,))
    return [
        _Piece(place, begin, end, nn.Parameter(values[begin:end]))
        for begin in range(0, len(values), PIECE)
        for end in [min(begin + PIECE, len(values))]
    ]


def _optimizer(shard: _Shard, recipe: Recipe) -> torch.optim.Optimizer:
    groups = [
        {"params": parameters, "rate_factor": factor, "weight_decay": weight_decay}
        for (factor, weight_decay), parameters in shard.groups.items()
    ]
    rate, momentum = recipe.learning_rate, recipe.momentum
    match recipe.optimizer:
        case "adamw":
            return torch.optim.AdamW(groups, lr=rate, fused=True)
        case "adam":
            return torch.optim.Adam(groups, lr=rate, eps=EPSILON, fused=True)
        case "sgd":
            return torch.optim.SGD(groups, lr=rate, momentum=momentum, nesterov=momentum > 0, fused=True)
        case "rmsprop":
            return torch.optim.RMSprop(groups, lr=rate, alpha=RHO, eps=EPSILON, momentum=momentum)
