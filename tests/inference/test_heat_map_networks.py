"""Heat maps of networks as they are exported: against PyTorch's own gradient."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from anmok.bundle.format import Bundle
from anmok.bundle.graph import OUTPUTS
from anmok.inference.heat_map import HeatMap
from anmok.inference.heat_mapper import HeatMapper
from anmok.models.networks import get_network
from anmok.models.onnx_export import export_graph
from bundle.small_bundles import colour_info

LABELS = ("red", "green", "blue")


def mapper_of(network: nn.Module, size: int, labels: tuple[str, ...] = LABELS) -> HeatMapper:
    model = export_graph(network, image_size=size, outputs=OUTPUTS)
    info = colour_info(image_size=size, labels=labels, pictures={})
    return HeatMapper(Bundle(path=Path("made.anmok"), info=info, model=model.SerializeToString(), card=""))


def gradient_times_value(network: nn.Module, square: np.ndarray, index: int) -> np.ndarray:
    """HiResCAM by PyTorch: Draelos and Carin, 2020, equation 3, of the logit less the mean of all logits."""
    logits, _embedding, feature_map = network(torch.from_numpy(square[None]))
    (gradient,) = torch.autograd.grad(logits[0, index] - logits[0].mean(), feature_map)
    return np.asarray((gradient * feature_map).sum(dim=1)[0].detach())


def assert_same(found: HeatMap, wanted: np.ndarray) -> None:
    np.testing.assert_allclose(found.values * found.peak, np.clip(wanted, 0, None), atol=0.02 * np.abs(wanted).max())


def square_of(size: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (size, size, 3)).astype(np.uint8)


@pytest.mark.parametrize(("name", "method"), [("cnn-tiny", "cam"), ("cats-dogs-cnn", "hirescam")])
def test_a_network_from_scratch_is_mapped_as_its_gradient_has_it(name: str, method: str) -> None:
    torch.manual_seed(0)
    labels = LABELS[:2] if name == "cats-dogs-cnn" else LABELS
    network = get_network(name)(len(labels), image_size=32).eval()
    mapper = mapper_of(network, 32, labels)
    # Of two classes that share one output the first has a map, too.
    for index, label in enumerate(labels[:2]):
        found = mapper.heat_map(square_of(32), label=label)
        assert found.method == method
        assert_same(found, gradient_times_value(network, square_of(32), index))
