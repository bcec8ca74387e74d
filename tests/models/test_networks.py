from __future__ import annotations

import pytest
import torch

from anmok.errors import UnknownName
from anmok.models.networks import SmallCNN, get_network, network_names, register_network


@pytest.mark.parametrize("name", network_names())
def test_every_network_keeps_the_contract(name: str) -> None:
    torch.manual_seed(0)
    kind = get_network(name)
    network = kind(5).eval()
    for size in (kind.smallest_size, kind.default_size, kind.default_size + kind.size_step):
        pictures = torch.randint(0, 256, (3, size, size, 3), dtype=torch.uint8)
        logits, embedding, feature_map = network(pictures)
        assert logits.shape == (3, 5)
        assert embedding.ndim == 2
        assert feature_map.ndim == 4
        assert min(feature_map.shape[2:]) >= 2
        assert {logits.dtype, embedding.dtype, feature_map.dtype} == {torch.float32}
        # Heat maps rest on this: the embedding is the mean of the map, the logits are affine in the embedding.
        torch.testing.assert_close(feature_map.mean(dim=(2, 3)), embedding)
        torch.testing.assert_close(network.head(embedding), logits)


@pytest.mark.parametrize("name", network_names())
def test_the_answer_for_a_picture_does_not_depend_on_its_batch(name: str) -> None:
    torch.manual_seed(0)
    network = get_network(name)(3).eval()
    pictures = torch.randint(0, 256, (4, 64, 64, 3), dtype=torch.uint8)
    alone = torch.cat([network(picture[None])[0] for picture in pictures])
    torch.testing.assert_close(network(pictures)[0], alone, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", network_names())
def test_pixels_are_scaled_inside_the_network(name: str) -> None:
    torch.manual_seed(0)
    network = get_network(name)(3).eval()
    noise = torch.randint(0, 256, (8, 64, 64, 3), dtype=torch.uint8)
    with torch.no_grad():
        spread = float(network(noise)[1].std())
    assert 0.01 < spread < 100


def test_the_small_network_is_small() -> None:
    assert 300_000 < sum(parameter.numel() for parameter in SmallCNN(10).parameters()) < 1_500_000


def test_a_network_that_does_not_exist_is_refused_with_the_names_that_do() -> None:
    with pytest.raises(UnknownName, match="cnn-small"):
        get_network("cnn-huge")


def test_a_taken_name_is_refused() -> None:
    with pytest.raises(ValueError, match="already registered"):
        register_network("cnn-small")(SmallCNN)
