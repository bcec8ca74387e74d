"""ReLU after MaxPool is the same network as ReLU before it."""

from __future__ import annotations

import torch
from torch import nn

from anmok.models.networks.plain import convolution, pooled_first


def test_a_relu_is_put_after_the_pooling_that_follows_it_and_nothing_else_changes_its_place() -> None:
    relu, pool, last = nn.ReLU(), nn.MaxPool2d(2), nn.ReLU()
    first, second = convolution(3, 4), convolution(4, 4)
    assert pooled_first([first, relu, pool, second, last]) == [first, pool, relu, second, last]
    assert pooled_first([]) == []


def test_answers_and_gradients_are_those_of_the_published_order() -> None:
    torch.manual_seed(0)
    published = [convolution(3, 8), nn.ReLU(), nn.MaxPool2d(2), convolution(8, 5), nn.ReLU(), nn.MaxPool2d(3, 2)]
    one, other = nn.Sequential(*published), nn.Sequential(*pooled_first(published))
    assert [type(layer) for layer in one] != [type(layer) for layer in other]
    pictures = torch.rand(4, 3, 31, 31)
    weights = torch.randn_like(one(pictures))
    found = []
    for network in (one, other):
        network.zero_grad()
        answers = network(pictures)
        (answers * weights).sum().backward()
        found.append([answers.detach(), *(value.grad.clone() for value in network.parameters())])
    assert all(torch.equal(*pair) for pair in zip(*found, strict=True))
