"""The facts of the pretrained networks, counted in timm's networks without their weights."""

from __future__ import annotations

import functools

import pytest
import timm
import torch
from torch import nn

from anmok.errors import UsageError
from anmok.models.default_recipes import default_recipe
from anmok.models.layer_count import block_numbers, frozen_parameters, parse_freeze
from anmok.models.recipes import get_recipe, get_recipe_file
from anmok.models.registry import BackboneFacts, ModelSpec, all_models, get_model

BACKBONES = {spec.name: spec for spec in all_models() if spec.facts is not None}
REFERENCES = {
    # keras.applications.X(weights=None).count_params(), Keras 3.15
    "mobilenetv2": 3_538_984,
    "mobilenetv1": 4_253_864,
    "resnet50": 25_636_712,
    "resnet101": 44_707_176,
    "resnet152": 60_419_944,
    "vgg16": 138_357_544,
    "vgg19": 143_667_240,
    "densenet121": 8_062_504,
    "efficientnetb0": 5_330_571,
    "xception": 22_910_480,
    "inceptionv3": 23_851_784,
    "inception-resnet-v2": 55_873_736,
}
PERMISSIVE = {"Apache-2.0", "MIT", "BSD-3-Clause"}


def facts_of(name: str) -> BackboneFacts:
    facts = BACKBONES[name].facts
    assert facts is not None
    return facts


@functools.cache
def network_of(name: str) -> nn.Module:
    with torch.device("meta"):
        network: nn.Module = timm.create_model(BACKBONES[name].weights.partition(".")[0], pretrained=False)
    return network


def counted(network: nn.Module) -> int:
    """Weights and the statistics of batch normalisation, as Keras counts."""
    statistics = (buffer for name, buffer in network.named_buffers() if name.rpartition(".")[2].startswith("running_"))
    return sum(value.numel() for value in (*network.parameters(), *statistics))


def test_the_twelve_of_the_references_and_five_more_are_here() -> None:
    assert set(REFERENCES) < set(BACKBONES)
    assert len(BACKBONES) - len(REFERENCES) >= 5


@pytest.mark.parametrize("name", BACKBONES)
def test_the_facts_of_a_backbone_are_those_of_its_network(name: str) -> None:
    facts, network = facts_of(name), network_of(name)
    assert facts.parameters == counted(network)
    layers = [module for module in network.modules() if any(True for _value in module.parameters(recurse=False))]
    # Both halves of a separable convolution are one layer in Keras.
    halves = sum(type(module).__name__ == "SeparableConv2d" for module in network.modules())
    assert facts.depth == len(layers) - halves


@pytest.mark.parametrize("name", BACKBONES)
def test_the_weights_of_a_backbone_are_known_to_timm_and_may_be_used(name: str) -> None:
    facts, spec = facts_of(name), BACKBONES[name]
    assert facts.licence in PERMISSIVE
    if name == "mobilenetv2":  # a pack that is carried; timm has others of the same network
        return
    config = timm.get_pretrained_cfg(spec.weights)
    assert config.license == facts.licence.lower()
    assert config.input_size == (3, facts.input_size, facts.input_size)
    assert config.hf_hub_id or config.url


@pytest.mark.parametrize(("name", "parameters"), REFERENCES.items())
def test_the_references_have_the_size_that_keras_says(name: str, parameters: int) -> None:
    same = {"mobilenetv2", "mobilenetv1", "vgg16", "vgg19", "densenet121", "xception"}
    ours = facts_of(name).parameters
    # EfficientNet's normalisation layer has 7 numbers; ResNet's convolutions have biases in Keras; the Inceptions have
    # no factors in their batch normalisation there.
    assert ours == parameters or (name not in same and abs(ours - parameters) < 0.002 * parameters)


def test_efficientnetb0_with_a_hundred_classes_has_the_numbers_of_the_sports_study() -> None:
    network = network_of("efficientnetb0")
    body = counted(network) - counted(network.get_submodule("classifier"))
    head = 1280 * 100 + 100
    assert head == 128_100
    assert body + head == 4_177_664


@pytest.mark.parametrize("name", BACKBONES)
def test_a_backbone_has_a_recipe_by_every_strategy(name: str) -> None:
    for strategy in ("frozen", "partial", "full"):
        recipe = default_recipe(name, strategy)
        assert (recipe.model, recipe.strategy) == (name, strategy)
        again = get_recipe(name if strategy == "frozen" else f"{name}-{strategy}")
        assert (again.model, again.strategy, again.name) == (name, strategy, recipe.name)
    network = network_of(name)
    kept = frozen_parameters(network, BACKBONES[name].weights.partition(".")[0], parse_freeze("all but 2 blocks"))
    assert 0 < len(kept) < len(list(network.parameters()))
    assert block_numbers(network)[1] >= 5


@pytest.mark.parametrize("strategy", ["frozen", "partial", "full"])
def test_the_written_recipes_of_mobilenetv2_are_its_defaults(strategy: str) -> None:
    written = get_recipe("mobilenetv2" if strategy == "frozen" else f"mobilenetv2-{strategy}")
    assert written == default_recipe("mobilenetv2", strategy)


def test_a_default_recipe_can_be_shown_and_read_again() -> None:
    found = get_recipe_file("convnext-tiny-full")
    assert found.text.startswith("# ConvNeXt tiny: all of it learns")
    assert 'strategy = "full"' in found.text
    assert found.recipe.learning_rate < get_recipe_file("resnet50-full").recipe.learning_rate


def test_a_strategy_that_does_not_fit_is_refused_with_those_that_do() -> None:
    with pytest.raises(UsageError, match=r"resnet50 cannot be trained by the strategy scratch.*frozen, partial, full"):
        default_recipe("resnet50", "scratch")
    with pytest.raises(UsageError, match=r"cnn-small cannot be trained by the strategy full.*scratch"):
        default_recipe("cnn-small", "full")
    with pytest.raises(UsageError, match="first N layers"):
        default_recipe("resnet50", "partial", freeze="two")


def test_vectors_of_handmade_features_have_no_preprocessing_to_get_wrong() -> None:
    with pytest.raises(UsageError, match="no preprocessing to get wrong"):
        get_model("handcrafted").extractor(preprocessing="mistake-0-1")


def test_an_extractor_has_one_maker() -> None:
    with pytest.raises(ValueError, match="one maker"):
        ModelSpec(name="x", title="x", about="x", kind="extractor", needs_torch=True)
