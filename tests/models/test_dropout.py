from __future__ import annotations

import copy
import io
from concurrent.futures import ThreadPoolExecutor
from typing import cast

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from anmok.models.dropout import SeededDropout, seed_dropout, seeded


def two_layers() -> nn.Sequential:
    return nn.Sequential(SeededDropout(0.5), nn.Identity(), SeededDropout(0.5)).train()


def test_it_drops_the_share_that_was_asked_and_keeps_the_mean() -> None:
    dropped = SeededDropout(0.3)(torch.ones(100_000))
    assert float((dropped == 0).float().mean()) == pytest.approx(0.3, abs=0.01)
    assert float(dropped.mean()) == pytest.approx(1, abs=0.02)


def test_in_evaluation_mode_it_does_nothing() -> None:
    x = torch.rand(5, 5)
    assert SeededDropout(0.9).eval()(x) is x


def test_neither_pytorchs_own_random_numbers_nor_its_threads_change_what_is_dropped() -> None:
    one, other = two_layers(), two_layers()
    copies = [one, other, copy.deepcopy(one)]
    for part in copies:
        seed_dropout(part, 5)
    torch.manual_seed(1)
    before = torch.get_rng_state()
    x = torch.ones(3, 7, 7, 7)
    with ThreadPoolExecutor(3) as pool:
        answers: list[list[Tensor]] = list(pool.map(lambda part: [part(x) for _ in range(20)], copies))
    for others in answers[1:]:
        assert all(torch.equal(a, b) for a, b in zip(answers[0], others, strict=True))
    assert torch.equal(torch.get_rng_state(), before)
    assert not torch.equal(answers[0][0], answers[0][1])


def test_each_layer_drops_something_else_and_so_does_each_seed() -> None:
    layers, x = two_layers(), torch.ones(1000)
    seed_dropout(layers, 5)
    first, last = (cast(Tensor, layers[place](x)) for place in (0, 2))
    assert not torch.equal(first, last)
    seed_dropout(layers, 6)
    assert not torch.equal(layers[0](x), first)


def test_a_deep_copy_has_a_generator_of_its_own_in_the_same_state() -> None:
    one, x = SeededDropout(0.5), torch.ones(100)
    one.generator.manual_seed(9)
    twin = copy.deepcopy(one)
    assert twin.generator is not one.generator
    assert torch.equal(one(x), twin(x))


def test_an_exported_network_does_not_hold_it() -> None:
    import onnxruntime

    network = nn.Sequential(nn.Linear(4, 3), SeededDropout(0.5)).eval()
    buffer, x = io.BytesIO(), torch.rand(2, 4)
    program = torch.onnx.export(network, (x,), dynamo=True, verbose=False)
    assert program is not None
    program.save(buffer)
    session = onnxruntime.InferenceSession(buffer.getvalue())
    (answer,) = session.run(None, {session.get_inputs()[0].name: x.numpy()})
    np.testing.assert_allclose(answer, network(x).detach().numpy(), atol=1e-6)


def test_pytorchs_dropout_is_replaced_wherever_it_is() -> None:
    network = seeded(nn.Sequential(nn.Dropout(0.2), nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.4))))
    assert [part.p for part in network.modules() if isinstance(part, SeededDropout)] == [0.2, 0.4]
    assert not any(isinstance(part, nn.Dropout) for part in network.modules())


@pytest.mark.parametrize("p", [-0.1, 1.1, float("nan")])
def test_a_share_outside_0_to_1_is_refused(p: float) -> None:
    with pytest.raises(ValueError, match="0 to 1"):
        SeededDropout(p)
