"""Backbones of every kind under a new head: what learns, what stays, and what a checkpoint says of them."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from anmok.config import Recipe
from anmok.errors import UsageError
from anmok.models.backbone_module import BackboneModule
from anmok.models.fine_tuned import BackboneNetwork, network_of_facts, pretrained_network
from anmok.models.packs import WeightPack, read_pack
from tests.models.packs import make_pack

#: A network of convolutions, one with residual stages, one with channels last, one with layer norm, one of tokens.
KINDS = ("test_efficientnet", "test_resnet", "test_mambaout", "test_convnext", "test_vit")
SIZE = 64


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """PyTorch's threads would wait for each other where others work on the same cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def recipe(**changes: Any) -> Recipe:
    values: dict[str, Any] = {"name": "r", "model": "mobilenetv2", "strategy": "full", "head": "linear"}
    return Recipe(**(values | {"image_size": SIZE} | changes))


@pytest.fixture(scope="module")
def packs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, WeightPack]:
    home = tmp_path_factory.mktemp("packs")
    return {kind: read_pack(make_pack(home, kind)) for kind in KINDS}


def pictures(count: int = 4) -> torch.Tensor:
    chance = np.random.default_rng(0)
    return torch.from_numpy(chance.integers(0, 256, (count, SIZE, SIZE, 3), dtype=np.uint8))


def step(network: nn.Module) -> None:
    """One step of SGD."""
    network.train()
    learn = [value for value in network.parameters() if value.requires_grad]
    loss = cross_entropy(network(pictures())[0], torch.tensor([0, 1, 2, 0]))
    for value, gradient in zip(learn, torch.autograd.grad(loss, learn), strict=True):
        value.data -= 0.1 * gradient


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("head", [(), ("flatten", "batch-norm", "dense 8", "dropout 0.5")])
def test_every_kind_gives_logits_embedding_and_map_and_all_of_it_learns(
    packs: dict[str, WeightPack], kind: str, head: tuple[str, ...]
) -> None:
    torch.manual_seed(0)
    made = recipe(head="layers" if head else "linear", head_layers=head)
    network = pretrained_network(made, packs[kind], 3)
    logits, embedding, feature_map = network(pictures())
    assert logits.shape == (4, 3)
    assert embedding.ndim == 2
    assert feature_map.ndim == 4
    assert min(feature_map.shape[2:]) >= 2
    if head:
        torch.testing.assert_close(embedding, feature_map.mean(dim=(2, 3)))
    # A parameter that the logits do not come from would be refused: PyTorch has no gradient of it.
    step(network)
    assert not torch.equal(network.eval()(pictures())[0], logits)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("freeze", ["all but 1 block", "first 20 layers"])
def test_what_is_frozen_stays_to_the_last_bit(packs: dict[str, WeightPack], kind: str, freeze: str) -> None:
    network = pretrained_network(recipe(strategy="partial", freeze=freeze), packs[kind], 3)
    before = copy.deepcopy(network.state_dict())
    step(network)
    after = network.state_dict()
    assert network.frozen
    for name, value in after.items():
        if name in network.frozen or "running" in name:
            assert torch.equal(value, before[name]), name
    moved = [name for name, value in after.items() if not torch.equal(value, before[name])]
    assert any(name.startswith("backbone.") and "running" not in name for name in moved)
    assert "head.0.weight" in moved
    assert not any(value.requires_grad for name, value in network.named_parameters() if name in network.frozen)


def test_batch_normalisation_keeps_its_statistics_and_the_head_goes_with_the_network(
    packs: dict[str, WeightPack],
) -> None:
    made = recipe(strategy="partial", freeze="all but 1 block", head="layers", head_layers=("flatten", "batch-norm"))
    network = pretrained_network(made, packs["test_resnet"], 3)
    before = {name: value.clone() for name, value in network.named_buffers()}
    step(network)
    # A copy for a part of a batch keeps the modes, too.
    for one in (network, copy.deepcopy(network).train()):
        modes = {name: part.training for name, part in one.named_modules() if isinstance(part, nn.BatchNorm2d)}
        assert set(modes.values()) == {False}
        assert all(part.training for part in one.head)
        assert one.backbone.network.layer4.training
        assert not one.backbone.network.layer1[0].conv1.training
    moved = {name for name, value in network.named_buffers() if not torch.equal(value, before[name])}
    assert moved
    assert all(name.startswith("head.") for name in moved)
    assert not any(module.training for module in network.eval().modules())


def test_a_network_begins_with_the_weights_of_its_pack_and_a_head_by_the_seed(packs: dict[str, WeightPack]) -> None:
    def made(seed: int) -> BackboneNetwork:
        torch.manual_seed(seed)
        return pretrained_network(recipe(), packs["test_efficientnet"], 3)

    one, again, other = made(1), made(1), made(2)
    for name, value in one.state_dict().items():
        assert torch.equal(value, again.state_dict()[name])
        assert torch.equal(value, other.state_dict()[name]) == (name != "head.0.weight")


def test_stages_learn_the_more_slowly_the_deeper_they_lie(packs: dict[str, WeightPack]) -> None:
    made = recipe(backbone_rate=0.5, layer_decay=0.1)
    network = pretrained_network(made, packs["test_resnet"], 3)
    factors = network.rate_factors(made)
    assert set(factors) == {name for name, _value in network.named_parameters() if name.startswith("backbone.")}
    for stage, factor in (("layer4", 0.5), ("layer3", 0.05), ("layer1", 0.0005), ("conv1", 0.00005)):
        found = [value for name, value in factors.items() if name.startswith(f"backbone.network.{stage}.")]
        assert found == [pytest.approx(factor)] * len(found)
        assert found


@pytest.mark.parametrize(
    ("kind", "head"),
    [("test_convnext", ()), ("test_efficientnet", ("max-pool", "dense 8")), ("test_vit", ("flatten",))],
)
def test_a_network_is_built_again_from_what_a_checkpoint_says(
    packs: dict[str, WeightPack], kind: str, head: tuple[str, ...]
) -> None:
    made = recipe(head="layers" if head else "linear", head_layers=head, preprocessing="mistake-twice")
    network = pretrained_network(made, packs[kind], 3).eval()
    again = network_of_facts(network.facts(), 3, SIZE)
    again.load_state_dict(network.state_dict())
    for one, other in zip(network(pictures()), again.eval()(pictures()), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize(
    "changes",
    [
        {"pack": None},
        {"pack": {}},
        {"architecture": "unheard_of"},
        {"architecture": "../../etc"},
        {"architecture_args": {"checkpoint_path": "/etc/passwd"}},
        {"architecture_args": {"img_size": 10**9}},
        {"input_size": [3, 10**6, 10**6]},
        {"mean": [0, 0, float("nan")]},
        {"preprocessing": "mistake-thrice"},
        {"head_layers": ["dense 10"]},
        {"head_layers": 7},
    ],
    ids=str,
)
def test_a_checkpoint_of_a_stranger_is_read_with_suspicion(packs: dict[str, WeightPack], changes: Any) -> None:
    facts = pretrained_network(recipe(), packs["test_resnet"], 3).facts()
    own = {name: value for name, value in changes.items() if name in facts}
    facts |= own
    if not own:
        facts["pack"] = facts["pack"] | changes
        facts["pack"]["name"] = f"{facts['pack']['architecture']}.random"
    with pytest.raises(ValueError, match=r"\w"):
        network_of_facts(facts, 3, SIZE)


def test_published_mistakes_of_preprocessing_are_other_numbers_and_nothing_else() -> None:
    class Echo(nn.Module):
        num_features = 3

        def forward_features(self, values: torch.Tensor) -> torch.Tensor:
            return values

        def forward_head(self, values: torch.Tensor, *, pre_logits: bool) -> torch.Tensor:
            return values.mean(dim=(2, 3))

    mean, std = (0.4, 0.5, 0.6), (0.2, 0.25, 0.5)
    white = torch.full((1, 2, 2, 3), 255, dtype=torch.uint8)
    given = {
        way: BackboneModule(Echo(), mean, std, preprocessing=way)(white)[0][0].tolist()  # type: ignore[arg-type]
        for way in ("own", "mistake-0-1", "mistake-twice")
    }
    assert given["own"] == pytest.approx([3.0, 2.0, 0.8], rel=1e-5)
    assert given["mistake-0-1"] == pytest.approx([1.0, 1.0, 1.0], rel=1e-5)
    assert given["mistake-twice"] == pytest.approx(
        [(1 / 255 - m) / s for m, s in zip(mean, std, strict=True)], rel=1e-5
    )


@pytest.mark.parametrize("kind", ["test_efficientnet", "test_vit"])
def test_a_size_that_leaves_no_map_is_refused(packs: dict[str, WeightPack], kind: str) -> None:
    with pytest.raises(UsageError, match=r"cannot look at pictures of 16 pixels.*takes 160 pixels"):
        pretrained_network(recipe(image_size=16), packs[kind], 3)


def test_what_a_head_on_the_map_does_not_use_is_not_carried_along(packs: dict[str, WeightPack]) -> None:
    linear = pretrained_network(recipe(), packs["test_convnext"], 3)
    layers = pretrained_network(recipe(head="layers", head_layers=("average-pool",)), packs["test_convnext"], 3)
    assert "backbone.network.head.norm.weight" in linear.state_dict()
    assert not any(name.startswith("backbone.network.head") for name in layers.state_dict())


@pytest.mark.real
def test_mobilenetv2_under_an_average_and_a_last_layer_is_the_same_by_either_head(weights_dir: Path) -> None:
    pack = read_pack(weights_dir / "mobilenetv2_100.tf2_in1k")
    torch.manual_seed(0)
    linear = pretrained_network(recipe(), pack, 3).eval()
    torch.manual_seed(0)
    layers = pretrained_network(recipe(head="layers", head_layers=("average-pool",)), pack, 3).eval()
    for one, other in zip(linear(pictures()), layers(pictures()), strict=True):
        torch.testing.assert_close(one, other)
