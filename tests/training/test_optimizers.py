"""The optimisers against PyTorch's and Keras' own formulas, in shards and not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from anmok.config import Recipe
from anmok.models.networks import Network
from anmok.training import optimizers
from anmok.training.device import loss_scaler
from anmok.training.optimizers import ShardedOptimizer
from anmok.training.workers import Workers
from tests.training.made import network_recipe


class Two(Network):
    """A convolution laid out by channels, and a linear layer; the second learns at a tenth."""

    default_size = smallest_size = 8

    def __init__(self) -> None:
        super().__init__(3)
        torch.manual_seed(2)
        self.first, self.last = nn.Conv2d(4, 5, 3), nn.Linear(5, 3)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def rate_factors(self, recipe: Recipe) -> Mapping[str, float]:
        return {"last.weight": 0.1, "last.bias": 0.1}


@pytest.fixture(params=[optimizers.PIECE, 7])
def workers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workers]:
    monkeypatch.setattr(optimizers, "PIECE", request.param)  # 7: each tensor in many pieces
    with Workers(2) as pool:
        yield pool


def gradients(network: Network, number: int) -> list[Tensor]:
    chance = torch.Generator().manual_seed(number)
    return [torch.randn(parameter.shape, generator=chance) for parameter in network.parameters()]


def stepped(recipe: Recipe, workers: Workers, steps: int = 5) -> Network:
    network = Two()
    optimizer, scaler = ShardedOptimizer(network, recipe), loss_scaler(torch.device("cpu"))
    optimizer.set_rate(recipe.learning_rate)
    for step in range(steps):
        # Two parts whose sum is the gradient.
        whole = gradients(network, step)
        parts = [optimizer.flat([gradient * share for gradient in whole]) for share in (0.25, 0.75)]
        optimizer.step(parts, workers, scaler)
    return network


def plain(recipe: Recipe, name: str, steps: int = 5) -> NDArray[np.float64]:
    """Return what the textbook makes of one parameter."""
    network = Two()
    names = [key for key, _ in network.named_parameters()]
    start = dict(network.named_parameters())[name].detach().double().numpy()
    rate = recipe.learning_rate * network.rate_factors(recipe).get(name, 1.0)
    decay = recipe.weight_decay if start.ndim > 1 else 0.0
    w: NDArray[np.float64] = start.copy()
    m, v = np.zeros_like(w), np.zeros_like(w)
    for step in range(steps):
        g = gradients(network, step)[names.index(name)].double().numpy()
        if recipe.optimizer == "adamw":
            w = w * (1 - rate * decay)
        else:
            g = g + decay * w
        if recipe.optimizer in ("adam", "adamw"):
            epsilon = 1e-8 if recipe.optimizer == "adamw" else 1e-7
            m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
            w = w - rate * (m / (1 - 0.9 ** (step + 1))) / (np.sqrt(v / (1 - 0.999 ** (step + 1))) + epsilon)
        elif recipe.optimizer == "sgd":
            m = recipe.momentum * m + g if step else g
            w = w - rate * (g + recipe.momentum * m)
        else:
            v = 0.9 * v + 0.1 * g * g
            m = recipe.momentum * m + g / (np.sqrt(v) + 1e-7)
            w = w - rate * m
    return w


@pytest.mark.parametrize("kind", ["adamw", "adam", "sgd", "rmsprop"])
def test_each_optimiser_steps_as_its_formula_says(workers: Workers, kind: str) -> None:
    recipe = network_recipe(optimizer=kind, learning_rate=0.05, weight_decay=0.1, momentum=0.8)
    network = stepped(recipe, workers)
    for name, parameter in network.named_parameters():
        np.testing.assert_allclose(parameter.detach().numpy(), plain(recipe, name), rtol=2e-5, atol=2e-6, err_msg=name)


def test_sgd_without_momentum_is_plain(workers: Workers) -> None:
    recipe = network_recipe(optimizer="sgd", learning_rate=0.05, weight_decay=0.0, momentum=0.0)
    network = stepped(recipe, workers, steps=1)
    wanted = Two().first.weight - 0.05 * gradients(network, 0)[0]
    torch.testing.assert_close(network.first.weight, wanted)


def test_what_does_not_learn_is_left_out(workers: Workers) -> None:
    network = Two()
    network.first.requires_grad_(False)
    assert len(ShardedOptimizer(network, network_recipe()).parameters) == 2


def test_rate_factors_of_parameters_that_are_not_there_are_refused() -> None:
    class Wrong(Two):
        def rate_factors(self, recipe: Recipe) -> Mapping[str, float]:
            return {"frist.weight": 0.1}

    with pytest.raises(ValueError, match=r"frist\.weight"):
        ShardedOptimizer(Wrong(), network_recipe())


@pytest.mark.parametrize("kind", ["adamw", "sgd", "rmsprop"])
def test_what_it_remembers_outlives_an_interruption(workers: Workers, kind: str) -> None:
    recipe = network_recipe(optimizer=kind)
    networks = [Two(), Two()]
    first, second = (ShardedOptimizer(network, recipe) for network in networks)
    scaler = loss_scaler(torch.device("cpu"))
    for step in range(2):
        first.step([first.flat(gradients(networks[0], step))], workers, scaler)
    networks[1].load_state_dict(networks[0].state_dict())
    second.restore({name: tensor.clone() for name, tensor in first.tensors().items()})
    for optimizer, network in zip((first, second), networks, strict=True):
        optimizer.step([optimizer.flat(gradients(network, 9))], workers, scaler)
    assert all(torch.equal(a, b) for a, b in zip(networks[0].parameters(), networks[1].parameters(), strict=True))


def test_the_memory_of_another_network_is_refused(workers: Workers) -> None:
    network = Two()
    optimizer = ShardedOptimizer(network, network_recipe())
    with pytest.raises((ValueError, IndexError)):
        optimizer.restore({"0.0.exp_avg": torch.zeros(3)})
