"""What every network promises, and what its papers or courses promise of some. A new one is tested by being named."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from anmok.errors import UnknownName
from anmok.features.session import open_session
from anmok.models.networks import Network, SmallCNN, get_network, network_names, register_network
from anmok.models.onnx_export import export_graph

#: The networks of the reference projects as their sources list them, each with its side and its number of classes.
#: ``64 3`` is a convolution of 64 filters of 3x3, ``+`` batch norm behind it, ``=`` keeps its side, ``/`` a pooling.
PUBLISHED = {
    "cifar10-cnn": (32, 10, "64 3, /, 32 3, dense 80, dense 10"),
    "cats-dogs-cnn": (128, 2, "32 3, /, 64 3, /, dense 512, dense 1"),
    "sports-cnn-1": (150, 100, "32 3, /, 64 3, /, 32 3, /, dense 100"),
    "sports-cnn-2": (150, 100, "32 3, /, 64 3, /, 32 3, /, 16 3, /, dense 100"),
    "sports-cnn-3": (224, 100, "32 3, /, 64 3, /, 32 3, /, 16 3, /, dense 100"),
    "illustrations-cnn": (
        224,
        20,
        "50 1 +=, 50 3 +=, 50 3 +=, /, 80 1 +=, 80 3 +=, 80 3 +=, /, 120 1 +=, 120 3 +=, 120 3 +=, /, "
        "dense 50, dense 20",
    ),
    "places-cnn": (128, 5, "32 3, /, 64 3, /, 128 3, /, dense 128, dense 5"),
}
#: What Keras printed: all parameters, and those of them that are learned.
COUNTED_BY_KERAS = {
    "cifar10-cnn": (453_786, 453_786),
    "cats-dogs-cnn": (29_511_617, 29_511_617),
    "sports-cnn-1": (962_756, 962_756),
    "sports-cnn-2": (120_980, 120_980),
    "sports-cnn-3": (272_980, 272_980),
    "illustrations-cnn": (5_141_970, 5_140_470),
    "places-cnn": (3_305_285, 3_305_285),
}


def counted(side: int, layers: str) -> tuple[int, int]:
    """Count parameters (all, learned) as Keras does: weights, biases, and four numbers for each batch norm channel."""
    channels, flat, everything, learned = 3, 0, 0, 0
    for layer in layers.split(", "):
        words = layer.split()
        if layer == "/":
            side //= 2
            continue
        if words[0] == "dense":
            inputs, outputs = flat or channels * side * side, int(words[1])
            weights, flat = (inputs + 1) * outputs, outputs
        else:
            outputs, kernel, marks = int(words[0]), int(words[1]), "".join(words[2:])
            weights = (kernel * kernel * channels + 1) * outputs + ("+" in marks) * 2 * outputs
            everything += ("+" in marks) * 2 * outputs
            channels, side = outputs, side if "=" in marks else side - kernel + 1
        everything += weights
        learned += weights
    return everything, learned


def seeded(name: str, classes: int, *, image_size: int = 0) -> Network:
    torch.manual_seed(0)
    return get_network(name)(classes, image_size=image_size)


def noise(count: int, side: int) -> Tensor:
    return torch.randint(0, 256, (count, side, side, 3), dtype=torch.uint8)


@pytest.mark.parametrize("name", network_names())
def test_every_network_keeps_the_contract(name: str) -> None:
    kind = get_network(name)
    assert kind.default_size >= kind.smallest_size
    assert kind.default_size % kind.size_step == 0
    for size in (kind.smallest_size, kind.smallest_size + 3 * kind.size_step):
        network = seeded(name, 5, image_size=size).eval()
        logits, embedding, feature_map = network(noise(3, size))
        assert logits.shape == (3, 5)
        assert embedding.ndim == 2
        assert feature_map.ndim == 4
        assert min(feature_map.shape[2:]) >= 2
        assert {logits.dtype, embedding.dtype, feature_map.dtype} == {torch.float32}
        # Bundles, unknown detection and few-shot classes rest on this: the answer is made of the embedding alone.
        torch.testing.assert_close(network.head(embedding), logits)


def test_the_map_of_the_small_network_is_the_mean_of_its_places_and_takes_any_size() -> None:
    network = seeded("cnn-small", 5, image_size=64).eval()
    for size in (32, 64, 80):
        _logits, embedding, feature_map = network(noise(2, size))
        torch.testing.assert_close(feature_map.mean(dim=(2, 3)), embedding)


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_smallest_size_is_the_smallest_that_leaves_a_grid(name: str) -> None:
    kind = get_network(name)
    side = kind.smallest_size - 1
    maps = seeded(name, 3, image_size=kind.smallest_size).eval().maps
    assert isinstance(maps, nn.Sequential)
    assert min(maps(torch.zeros(1, 3, side, side)).shape[2:]) < 2


@pytest.mark.parametrize("name", network_names())
def test_the_answer_for_a_picture_does_not_depend_on_its_batch(name: str) -> None:
    network = seeded(name, 3, image_size=64).eval()
    pictures = noise(4, 64)
    alone = torch.cat([network(picture[None])[0] for picture in pictures])
    torch.testing.assert_close(network(pictures)[0], alone, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", network_names())
def test_pixels_are_scaled_inside_the_network(name: str) -> None:
    network = seeded(name, 3, image_size=64).eval()
    with torch.no_grad():
        spread = float(network(noise(8, 64))[1].std())
    assert 0.001 < spread < 100


def test_the_networks_of_the_references_see_pixels_of_0_to_1() -> None:
    network = seeded("cifar10-cnn", 10).eval()
    seen: list[Tensor] = []
    network.maps[0].register_forward_pre_hook(lambda _layer, inputs: seen.append(inputs[0]))  # type: ignore[index,operator]
    network(torch.tensor([0, 51, 255], dtype=torch.uint8).expand(1, 32, 32, 3))
    torch.testing.assert_close(seen[0][0, :, 5, 7], torch.tensor([0, 0.2, 1]))


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_network_has_as_many_parameters_as_keras_counts(name: str) -> None:
    """Keras 3.15 printed COUNTED_BY_KERAS for the same layers (`model.count_params()`, 21 November 2026).

    Given our weights, it also answered as ours do: cifar10-cnn, cats-dogs-cnn (40 pixels), sports-cnn-2 (70 pixels) and
    illustrations-cnn (32 pixels, made-up statistics) gave probabilities that differed by at most 8e-6.
    """
    side, classes, layers = PUBLISHED[name]
    network = get_network(name)(classes)
    assert network.image_size == side
    learned = sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)
    statistics = sum(buffer.numel() for key, buffer in network.named_buffers() if "running" in key)
    assert (learned + statistics, learned) == counted(side, layers) == COUNTED_BY_KERAS[name]


def test_a_network_that_flattens_is_built_for_the_size_that_the_recipe_asks_for() -> None:
    network = seeded("cifar10-cnn", 4, image_size=48).eval()
    assert network.image_size == 48
    assert network(noise(1, 48))[0].shape == (1, 4)
    learned = sum(parameter.numel() for parameter in network.parameters())
    assert learned == counted(48, "64 3, /, 32 3, dense 80, dense 4")[0]


@pytest.mark.parametrize("name", ["cifar10-cnn", "cats-dogs-cnn", "illustrations-cnn"])
def test_weights_begin_as_in_keras(name: str) -> None:
    network = seeded(name, 2, image_size=32)
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            size = math.prod(layer.weight.shape[2:])
            end = math.sqrt(6 / (size * (layer.weight.shape[0] + layer.weight.shape[1])))
            assert 0.95 * end < float(layer.weight.detach().abs().max()) <= end
            assert float(layer.weight.detach().std()) == pytest.approx(end / math.sqrt(3), rel=0.12)
            assert layer.bias is not None
            assert not layer.bias.detach().any()
        if isinstance(layer, nn.BatchNorm2d):
            assert (layer.eps, layer.momentum) == (1e-3, 0.01)


def test_two_classes_share_one_output_whose_sigmoid_is_the_probability_of_the_second() -> None:
    network = seeded("cats-dogs-cnn", 2, image_size=32)
    pictures, labels = noise(6, 32), torch.tensor([0, 1, 1, 0, 1, 0])
    logits, embedding, _map = network(pictures)
    z = embedding @ network.head.dense.weight[0] + network.head.dense.bias  # type: ignore[union-attr,index,operator]
    torch.testing.assert_close(torch.softmax(logits, 1)[:, 1], torch.sigmoid(z))
    loss = nn.functional.cross_entropy(logits, labels)
    torch.testing.assert_close(loss, nn.functional.binary_cross_entropy_with_logits(z, labels.float()))
    assert seeded("cats-dogs-cnn", 3, image_size=32)(pictures)[0].shape == (6, 3)


def test_an_exported_network_of_one_output_gives_the_same_answers() -> None:
    network = seeded("cats-dogs-cnn", 2, image_size=32).eval()
    graph = export_graph(network, image_size=32, outputs=("logits", "embedding", "feature_map"))
    pictures = noise(5, 32)
    given = open_session(graph.SerializeToString()).run(None, {"pictures": pictures.numpy()})
    for ours, theirs in zip(network(pictures), given, strict=True):
        torch.testing.assert_close(ours.detach(), torch.from_numpy(theirs), rtol=1e-4, atol=1e-4)


def test_the_small_network_is_small() -> None:
    assert 300_000 < sum(parameter.numel() for parameter in SmallCNN(10).parameters()) < 1_500_000


def test_a_network_that_does_not_exist_is_refused_with_the_names_that_do() -> None:
    with pytest.raises(UnknownName, match="cnn-small"):
        get_network("cnn-huge")


def test_a_taken_name_is_refused() -> None:
    with pytest.raises(ValueError, match="already registered"):
        register_network("cnn-small")(SmallCNN)
