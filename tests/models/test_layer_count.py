"""What ``freeze`` keeps; the numbers beside the names of Keras' layers were read from Keras 3.15."""

from __future__ import annotations

import functools

import pytest
import timm
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from anmok.errors import UsageError
from anmok.models.layer_count import (
    Freeze,
    block_numbers,
    frozen_parameters,
    keras_layers,
    layer_numbers,
    parse_freeze,
)


@functools.cache
def body(architecture: str) -> nn.Module:
    """The network without its classifier and without weights; what stands for Keras' top is taken away."""
    with torch.device("meta"):
        network: nn.Module = timm.create_model(architecture, pretrained=False, num_classes=0)
    if architecture.startswith("vgg"):
        network.pre_logits = nn.Identity()
    return network


def learning(architecture: str, freeze: str) -> int:
    """How many weights learn."""
    frozen = frozen_parameters(body(architecture), architecture, parse_freeze(freeze))
    return sum(value.numel() for name, value in body(architecture).named_parameters() if name not in frozen)


@given(
    st.sampled_from(["first", "all but"]),
    st.integers(0, 999_999),
    st.sampled_from(["layer", "layers", "block", "blocks"]),
)
def test_each_of_the_four_forms_is_read(side: str, count: int, unit: str) -> None:
    assert parse_freeze(f" {side}  {count} {unit} ") == Freeze(side, count, unit.rstrip("s"))  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["", "all", "first layers", "first -1 layers", "last 3 blocks", "first 3 stages"])
def test_what_is_none_of_them_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="first N layers"):
        parse_freeze(text)


@pytest.mark.parametrize(
    ("architecture", "frozen", "learn"),
    [
        # sum(int(np.prod(w.shape)) for layer in model.layers[N:] for w in layer.trainable_weights), in Keras
        ("mobilenetv2_100", 54, 2_168_384),
        ("mobilenetv2_100", 100, 1_861_440),
        ("mobilenetv1_100", 20, 3_192_960),
        ("efficientnet_b0", 207, 1_496_160),
        ("tf_efficientnet_b0", 207, 1_496_160),
        ("vgg16", 15, 7_079_424),
        ("densenet121", 313, 2_160_128),
        ("legacy_xception", 13, 20_752_456),
        ("legacy_xception", 116, 6_788_384),
    ],
)
def test_the_first_layers_are_those_of_keras(architecture: str, frozen: int, learn: int) -> None:
    assert learning(architecture, f"first {frozen} layers") == learn
    total = keras_layers()[architecture]["layers"]
    assert learning(architecture, f"all but {total - frozen} layers") == learn


@pytest.mark.parametrize(("frozen", "learn"), [(15, 23_450_368), (143, 14_976_000)])
def test_a_resnet_in_keras_has_biases_beside_the_same_layers(frozen: int, learn: int) -> None:
    kept = frozen_parameters(body("resnet50"), "resnet50", parse_freeze(f"first {frozen} layers"))
    left = [value for name, value in body("resnet50").named_parameters() if name not in kept]
    biases = sum(value.shape[0] for value in left if value.ndim == 4)
    assert sum(value.numel() for value in left) + biases == learn


def test_two_hundred_of_the_230_layers_of_the_sports_study_are_all_but_thirty() -> None:
    # Its library had no layers for preprocessing (2) and padding (5), which all come before these.
    assert learning("efficientnet_b0", "all but 30 layers") == learning("efficientnet_b0", "first 207 layers")
    numbers, total = layer_numbers(body("efficientnet_b0"), "efficientnet_b0")
    assert total - 7 == 230
    assert min(place for name, place in numbers.items() if name.startswith("blocks.6.")) == 221  # block7a_expand_conv


@pytest.mark.parametrize("architecture", keras_layers())
def test_each_module_has_its_layer_and_no_other(architecture: str) -> None:
    numbers, total = layer_numbers(body(architecture), architecture)
    assert set(numbers) == {name for name, _value in body(architecture).named_parameters()}
    assert 0 < min(numbers.values()) < max(numbers.values()) < total
    modules: dict[int, set[str]] = {}
    for name, place in numbers.items():
        modules.setdefault(place, set()).add(name.rpartition(".")[0])
    separable = architecture == "legacy_xception"
    assert max(len(paths) for paths in modules.values()) == (2 if separable else 1)


@pytest.mark.parametrize(
    ("architecture", "blocks"),
    [("mobilenetv2_100", 8), ("resnet50", 5), ("vgg16", 13), ("densenet121", 5), ("test_vit", 7), ("test_convnext", 5)],
)
def test_blocks_are_the_stem_and_the_stages(architecture: str, blocks: int) -> None:
    numbers, count = block_numbers(body(architecture))
    assert count == blocks
    assert set(numbers) == {name for name, _value in body(architecture).named_parameters()}
    assert set(numbers.values()) == set(range(blocks))
    # No block begins before the one below it has ended.
    assert list(numbers.values()) == sorted(numbers.values())


def test_the_last_blocks_of_mobilenetv2_are_its_last_stages_and_the_convolution_behind_them() -> None:
    kept = frozen_parameters(body("mobilenetv2_100"), "mobilenetv2_100", parse_freeze("all but 2 blocks"))
    left = {name.split(".")[0] + "." + name.split(".")[1] for name, _v in body("mobilenetv2_100").named_parameters()}
    left = {name for name in left if not any(frozen.startswith(name) for frozen in kept)}
    assert left == {"blocks.5", "blocks.6", "conv_head.weight", "bn2.weight", "bn2.bias"}


@pytest.mark.parametrize("freeze", ["first 0 layers", "all but 154 layers", "first 0 blocks", "all but 8 blocks"])
def test_nothing_may_be_frozen(freeze: str) -> None:
    assert learning("mobilenetv2_100", freeze) == 2_223_872


@pytest.mark.parametrize("freeze", ["first 154 layers", "all but 0 layers", "first 8 blocks", "all but 0 blocks"])
def test_all_may_be_frozen(freeze: str) -> None:
    assert learning("mobilenetv2_100", freeze) == 0


def test_more_than_there_is_cannot_be_frozen() -> None:
    with pytest.raises(UsageError, match="155 layers, and mobilenetv2_100 has 154"):
        learning("mobilenetv2_100", "first 155 layers")
    with pytest.raises(UsageError, match="9 blocks, and mobilenetv2_100 has 8"):
        learning("mobilenetv2_100", "all but 9 blocks")


def test_of_a_network_that_keras_has_not_each_module_with_weights_is_a_layer() -> None:
    numbers, total = layer_numbers(body("test_vit"), "test_vit")
    assert total == 39
    assert numbers["cls_token"] == numbers["pos_embed"] == 0
    assert numbers["patch_embed.proj.weight"] == numbers["patch_embed.proj.bias"] == 1
    assert numbers["norm.weight"] == 38
