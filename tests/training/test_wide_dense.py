"""Wide dense layers answer and learn as plain ones do, with one gradient for all parts of a batch."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from anmok.config import Recipe
from anmok.models.networks import get_network
from anmok.models.networks.plain import dense
from anmok.models.wide_dense import WIDE, WideDense
from anmok.training.batches import Batch
from anmok.training.late_gradients import LateGradients
from anmok.training.learning import Learner
from anmok.training.optimizers import ShardedOptimizer
from anmok.training.workers import Replicas, Workers
from tests.training.made import network_recipe


class Wide(nn.Module):
    """A layer before the wide one, so that a gradient must go through it."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.wide = nn.Linear(5, 40), WideDense(40, 30)

    def forward(self, values: Tensor) -> Tensor:
        return self.wide(self.first(values).relu())


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(5)


def test_a_dense_layer_is_wide_from_a_million_weights_on() -> None:
    assert isinstance(dense(WIDE // 512, 512), WideDense)
    assert not isinstance(dense(WIDE // 512 - 1, 512), WideDense)


def test_it_computes_in_float32_where_others_compute_in_bfloat16() -> None:
    wide, values = WideDense(40, 30), torch.randn(6, 40)
    plain = nn.Linear(40, 30)
    plain.load_state_dict(wide.state_dict())
    exact = plain(values)
    with torch.autocast("cpu", torch.bfloat16):
        assert not torch.equal(plain(values).float(), exact)
        assert torch.equal(wide(values), exact)


def test_the_gradients_of_parts_made_late_are_those_of_the_whole_batch() -> None:
    network = Wide()
    members = Replicas(network, 3).members  # type: ignore[arg-type]
    parameters = list(network.parameters())
    values, weights = torch.randn(12, 5), torch.randn(12, 30)
    whole = torch.autograd.grad((network(values) * weights).sum(), parameters)
    late = LateGradients(members, parameters)
    found: list[Tensor | None] = [None] * len(parameters)
    with Workers(2) as workers, late.left_out():
        for member, part, its in zip(members, values.split(4), weights.split(4), strict=True):
            answer = (member(part) * its).sum()
            for place, gradient in enumerate(torch.autograd.grad(answer, parameters, allow_unused=True)):
                if gradient is not None:
                    known = found[place]
                    found[place] = gradient if known is None else known + gradient
        place = next(number for number, parameter in enumerate(parameters) if parameter is network.wide.weight)
        assert found[place] is None
        ((at, vector),) = late.make(workers).items()
    assert at == place
    found[at] = vector.view_as(network.wide.weight)
    for gradient, wanted in zip(found, whole, strict=True):
        assert gradient is not None
        torch.testing.assert_close(gradient, wanted)


def test_outside_a_training_step_its_gradient_is_where_pytorch_puts_it() -> None:
    network = Wide()
    late = LateGradients([network], list(network.parameters()))
    with late.left_out():
        pass
    network(torch.randn(3, 5)).sum().backward()
    assert network.wide.weight.grad is not None


def learned(recipe: Recipe, pieces: int, *, wide: bool) -> list[Tensor]:
    """Return the gradients of one step of a network with 6 million weights in its dense layer."""
    torch.manual_seed(5)
    network = get_network("cats-dogs-cnn")(2, image_size=64)
    assert isinstance(network.dense[0], WideDense)
    if not wide:
        network.dense[0].__class__ = nn.Linear
    batch = Batch(torch.randint(0, 256, (16, 64, 64, 3), dtype=torch.uint8), torch.eye(2)[torch.arange(16) % 2], 3)
    optimizer = ShardedOptimizer(network, recipe)
    with Workers(2) as workers:
        learner = Learner(
            Replicas(network, 2), recipe, optimizer, workers, class_weights=None, say=lambda _sentence: None
        )
        learner.pieces = pieces
        gradients = copy.copy(learner.learn([batch]).gradients)
    return [
        torch.stack([part for part in parts if part is not None]).sum(dim=0) for parts in zip(*gradients, strict=True)
    ]


@pytest.mark.parametrize("pieces", [1, 3])
def test_a_step_learns_the_same_as_with_a_plain_layer_also_when_memory_is_short(
    pieces: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("anmok.training.device.torch.cpu._is_amx_tile_supported", lambda: False)
    monkeypatch.setattr("anmok.training.device.torch.cpu._is_avx512_bf16_supported", lambda: False)
    recipe = network_recipe(batch_size=16, label_smoothing=0.0)
    for found, wanted in zip(learned(recipe, pieces, wide=True), learned(recipe, pieces, wide=False), strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-6)
