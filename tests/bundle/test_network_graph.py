from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from anmok.bundle.graph import GraphShape, check_graph
from anmok.bundle.network_graph import network_graph
from anmok.models.networks import get_network


@pytest.fixture(scope="module")
def network() -> torch.nn.Module:
    torch.manual_seed(0)
    network = get_network("cnn-small")(4)
    # Statistics as after training: with the initial ones a graph that forgot batch norm would look right.
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.5)
            module.running_var.uniform_(0.5, 2)
    return network.train()


@pytest.fixture(scope="module")
def graph(network: torch.nn.Module) -> onnx.ModelProto:
    return network_graph(network, 48)


@pytest.mark.parametrize("pictures", [1, 2, 5])
def test_the_graph_gives_what_the_network_gives_for_any_batch(
    network: torch.nn.Module, graph: onnx.ModelProto, pictures: int
) -> None:
    batch = np.random.default_rng(pictures).integers(0, 256, (pictures, 48, 48, 3), dtype=np.uint8)
    with torch.no_grad():
        expected = network(torch.from_numpy(batch))
    got = onnxruntime.InferenceSession(graph.SerializeToString()).run(
        ["logits", "embedding", "feature_map"], {"pictures": batch}
    )
    for wanted, found in zip(expected, got, strict=True):
        np.testing.assert_allclose(found, wanted.numpy(), rtol=1e-4, atol=1e-4)


def test_the_graph_is_one_that_is_served(graph: onnx.ModelProto) -> None:
    onnx.checker.check_model(graph, full_check=True)
    assert check_graph(graph.SerializeToString()) == GraphShape(48, 4, 256)


def test_the_graph_names_no_file_of_this_machine(graph: onnx.ModelProto) -> None:
    data = graph.SerializeToString()
    assert b".py" not in data
    assert b"pkg.torch" not in data
