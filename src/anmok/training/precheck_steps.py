"""How a copy of a network tries to learn a few pictures by heart."""

from __future__ import annotations

import copy
import functools
import math
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from anmok.config import Recipe
from anmok.models.networks import Network
from anmok.training.device import low_precision
from anmok.training.precheck_result import vectors_spread
from anmok.training.workers import Replicas, Workers

#: Parts of the batch that are computed at the same time, whatever the number of cores (see ``loop.PARTS``).
PARTS = 2
#: The rate rises to its value in so many steps, as in most recipes.
WARMUP = 10
#: So many steps should fit into the seconds; where they do not, there are fewer pictures.
WANTED_STEPS = 40
FEWEST_PICTURES = 8
#: A layer whose gradient is nought in so many steps at the start is not reached. (In the first step alone that is
#: usual: some networks begin with factors of nought.)
WATCHED = 5
#: All must be right, or all but one of 32.
BY_HEART = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt.

    Attributes:
        losses: before each step and after the last one, nats.
        pictures: learned from, at the end; right: of them.
        limit: see ``Precheck``.
        answers: different classes that are answered in evaluation mode.
        unreached: layers without gradient.
    """

    losses: tuple[float, ...]
    pictures: int
    right: int
    limit: str
    answers: int
    unreached: tuple[str, ...]

    @property
    def steps(self) -> int:
        """Steps of the optimiser."""
        return len(self.losses) - 1


class Learner:
    """Tries to learn pictures uint8 ``(n, S, S, 3)`` with labels int64 ``(n,)`` by heart, on copies of a network."""

    def __init__(
        self, network: Network, pixels: NDArray[np.uint8], labels: NDArray[np.int64], recipe: Recipe, workers: Workers
    ) -> None:
        self._network, self._recipe, self._workers = network, recipe, workers
        self._device = next(network.parameters()).device
        self._pixels = torch.from_numpy(pixels).to(self._device)
        self._labels = torch.from_numpy(labels).to(self._device)

    def spread(self) -> float:
        """Return how much the embeddings of the network as it is differ, see ``precheck.vectors_spread``."""
        network = self._copy().eval()
        with torch.no_grad():
            return vectors_spread(network(self._pixels)[1].float().cpu().numpy())

    def attempt(self, rate: float, *, optimizer: str, steps: int, seconds: float) -> Attempt:
        """Learn until the pictures are known, steps or seconds are used up, or the loss is no number."""
        network = self._copy()
        members = Replicas(network, PARTS if self._device.type == "cpu" else 1)
        members.spread()
        named = [(name, value) for name, value in network.named_parameters() if value.requires_grad]
        parameters = [value for _name, value in named]
        factors = network.rate_factors(self._recipe)
        groups = [{"params": [value], "rate_factor": factors.get(name, 1.0)} for name, value in named]
        optimiser = _optimizer(optimizer, groups, rate, self._recipe.momentum)
        reached = {name: False for name, value in named if value.ndim > 1}
        losses: list[float] = []
        # Few at first: nobody knows yet how long a step takes.
        count, right, begin = min(FEWEST_PICTURES, len(self._labels)), 0, time.perf_counter()
        while True:
            loss, right, gradients = self._gradients(members, parameters, count)
            losses.append(loss)
            limit = self._limit(losses, right / count, steps, time.perf_counter() - begin, seconds)
            if limit:
                break
            for group in optimiser.param_groups:
                group["lr"] = rate * group["rate_factor"] * min(1.0, len(losses) / WARMUP)
            for (name, value), gradient in zip(named, gradients, strict=True):
                value.grad = gradient
                if name in reached and len(losses) <= WATCHED:
                    reached[name] |= bool(gradient.abs().max() > 0)
            optimiser.step()
            if len(losses) == 2:  # the first step prepares many things; the second tells how long one takes
                took = (time.perf_counter() - begin) / 2
                affordable = int(count * seconds / max(took * WANTED_STEPS, 1e-9))
                count = min(max(count, affordable), len(self._labels))
        members.gather()
        unreached = (
            tuple(name.rpartition(".")[0] for name, was in reached.items() if not was) if len(losses) > 1 else ()
        )
        answers = self._answers(network, count) if limit != "broken" else 0
        return Attempt(
            losses=tuple(losses), pictures=count, right=right, limit=limit, answers=answers, unreached=unreached
        )

    def _limit(self, losses: list[float], share: float, steps: int, taken: float, seconds: float) -> str:
        if not math.isfinite(losses[-1]):
            return "broken"
        # Not before the rate has risen: what is learnt with a tenth of it says nothing about the rate.
        if share >= BY_HEART and losses[-1] < losses[0] and len(losses) > WARMUP:
            return "by-heart"
        if len(losses) > steps:
            return "steps"
        return "time" if taken > seconds else ""

    def _copy(self) -> Network:
        """Return a copy in training mode whose answers have no chance in them; what is frozen stays so."""
        network = copy.deepcopy(self._network)
        network.train()
        for module in network.modules():
            if "Drop" in type(module).__name__:
                module.eval()
        return network

    def _gradients(
        self, replicas: Replicas, parameters: list[nn.Parameter], count: int
    ) -> tuple[float, int, list[Tensor]]:
        """Return loss, right answers and gradients of the first ``count`` pictures."""

        def learn(part: tuple[Network, Tensor, Tensor]) -> tuple[float, int, list[Tensor]]:
            network, pictures, labels = part
            with low_precision(self._device):
                logits = network(pictures)[0]
            logits = logits.float()
            loss = cross_entropy(logits, labels, reduction="sum") / count
            gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
            filled = [torch.zeros_like(p) if g is None else g for p, g in zip(parameters, gradients, strict=True)]
            return float(loss.detach()), int((logits.argmax(dim=1) == labels).sum()), filled

        size = len(replicas.members)
        # Every so-many-th picture: classes take turns, and each part must see all of them (batch normalisation).
        parts = [
            (member, self._pixels[start:count:size], self._labels[start:count:size])
            for start, member in enumerate(replicas.members)
        ]
        losses, rights, gradients = zip(*self._workers.map(learn, [one for one in parts if len(one[1])]), strict=True)
        return sum(losses), sum(rights), [functools.reduce(torch.add, each) for each in zip(*gradients, strict=True)]

    def _answers(self, network: Network, count: int) -> int:
        """Count the classes answered in evaluation mode, after batch normalisation has caught up with the weights."""
        norms = [one for one in network.modules() if isinstance(one, nn.modules.batchnorm._BatchNorm) and one.training]
        with torch.no_grad():
            for norm in norms:
                norm.reset_running_stats()
                norm.momentum = None
            if norms:
                network(self._pixels[:count])
            network.eval()
            return len(torch.unique(network(self._pixels[:count])[0].argmax(dim=1)))


def _optimizer(name: str, groups: list[dict[str, Any]], rate: float, momentum: float) -> torch.optim.Optimizer:
    """Return the recipe's optimiser without weight decay."""
    kinds: dict[str, Any] = {
        "adamw": functools.partial(torch.optim.Adam),
        "adam": functools.partial(torch.optim.Adam),
        "sgd": functools.partial(torch.optim.SGD, momentum=momentum, nesterov=momentum > 0),
        "rmsprop": functools.partial(torch.optim.RMSprop, momentum=momentum),
    }
    optimiser: torch.optim.Optimizer = kinds[name](groups, lr=rate)
    return optimiser
