from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from anmok.errors import StorageError
from anmok.models.networks import get_network
from anmok.training.checkpoint import checkpoint_kind, load_head, load_network, save_head, save_network
from anmok.training.heads_affine import AffineHead
from anmok.training.run import Run
from anmok.training.state import State, drop_state, load_state, save_state


def made_state() -> State:
    tensors = {
        "network.weight": torch.randn(4, 3, 2, 2).to(memory_format=torch.channels_last),
        "optimizer.0.step": torch.tensor(5.0),
        "random.cpu": torch.get_rng_state(),
    }
    return State(tensors, {"epochs": 3, "best_epoch": 1, "history": [{"epoch": 1, "valid_loss": 0.1}]})


def test_a_state_comes_back_to_the_last_bit(tmp_path: Path) -> None:
    run, state = Run(tmp_path), made_state()
    assert load_state(run) is None
    save_state(run, state)
    found = load_state(run)
    assert found is not None
    assert set(found.tensors) == set(state.tensors)
    for name, tensor in state.tensors.items():
        assert torch.equal(found.tensors[name], tensor)
        assert found.tensors[name].dtype == tensor.dtype
    assert {name: found.facts[name] for name in state.facts} == state.facts
    drop_state(run)
    assert load_state(run) is None


def test_the_last_state_replaces_the_one_before(tmp_path: Path) -> None:
    run = Run(tmp_path)
    save_state(run, made_state())
    save_state(run, State({"x": torch.ones(1)}, {"epochs": 9}))
    found = load_state(run)
    assert found is not None
    assert list(found.tensors) == ["x"]
    assert [path.name for path in run.checkpoint_folder.iterdir()] == ["last.safetensors"]


@pytest.mark.parametrize("kept", [0, 7, 100, -1])
def test_a_damaged_state_is_named(tmp_path: Path, kept: int) -> None:
    run = Run(tmp_path)
    save_state(run, made_state())
    path = run.checkpoint_folder / "last.safetensors"
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(StorageError, match=r"last\.safetensors is damaged"):
        load_state(run)


def test_a_state_without_our_facts_is_refused(tmp_path: Path) -> None:
    from safetensors.torch import save

    run = Run(tmp_path)
    run.checkpoint_folder.mkdir()
    for facts in (None, {"anmok": "{"}, {"anmok": '{"format": 0}'}, {"anmok": "[]"}):
        (run.checkpoint_folder / "last.safetensors").write_bytes(save({"x": torch.ones(1)}, metadata=facts))
        with pytest.raises(StorageError, match="damaged"):
            load_state(run)


def test_a_network_comes_back_with_the_same_answers(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = get_network("cnn-small")(3).to(memory_format=torch.channels_last)
    pictures = torch.randint(0, 256, (4, 32, 32, 3), dtype=torch.uint8)
    network(pictures)  # moves the averages of batch normalisation, which must come along
    save_network(Run(tmp_path), network, "cnn-small", {"epoch": 2})
    assert checkpoint_kind(Run(tmp_path)) == "network"
    found = load_network(Run(tmp_path))
    assert not found.training
    torch.testing.assert_close(found(pictures)[0], network.eval()(pictures)[0], rtol=1e-5, atol=1e-5)


def test_a_head_comes_back_to_the_last_bit(tmp_path: Path) -> None:
    chance = np.random.default_rng(0)
    # Not contiguous, as a head may come out of a computation.
    head = AffineHead(chance.normal(size=(5, 3)).astype(np.float32).T, chance.normal(size=3).astype(np.float32))
    save_head(Run(tmp_path), head, {"strength": 0.1})
    assert checkpoint_kind(Run(tmp_path)) == "head"
    found = load_head(Run(tmp_path))
    np.testing.assert_array_equal(found.weight, head.weight)
    np.testing.assert_array_equal(found.bias, head.bias)


def test_a_head_is_not_taken_for_a_network_nor_the_other_way_round(tmp_path: Path) -> None:
    head = AffineHead(np.zeros((2, 3), dtype=np.float32), np.zeros(2, dtype=np.float32))
    save_head(Run(tmp_path / "head"), head, {})
    save_network(Run(tmp_path / "network"), get_network("cnn-small")(2), "cnn-small", {})
    with pytest.raises(StorageError, match="holds a head; a network is wanted"):
        load_network(Run(tmp_path / "head"))
    with pytest.raises(StorageError, match="holds a network; a head is wanted"):
        load_head(Run(tmp_path / "network"))


def test_damaged_weights_are_named(tmp_path: Path) -> None:
    head_run, network_run = Run(tmp_path / "head"), Run(tmp_path / "network")
    save_head(head_run, AffineHead(np.zeros((2, 3), dtype=np.float32), np.zeros(2, dtype=np.float32)), {})
    save_network(network_run, get_network("cnn-small")(2), "cnn-small", {})
    for run in (head_run, network_run):
        path = run.checkpoint_folder / "model.safetensors"
        path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(StorageError, match=r"model\.safetensors is damaged.*train again"):
        load_head(head_run)
    with pytest.raises(StorageError, match=r"model\.safetensors is damaged.*train again"):
        load_network(network_run)
    (head_run.checkpoint_folder / "checkpoint.json").write_text('{"kind": "pickle"}', encoding="utf-8")
    with pytest.raises(StorageError, match=r"checkpoint\.json is damaged"):
        checkpoint_kind(head_run)


@pytest.mark.parametrize(
    "changes",
    [{"classes": float("inf")}, {"classes": 10**9}, {"image_size": -8}, {"network": "../x"}, {"network": ["a"]},
     {"network": "cifar10-cnn", "image_size": 4096}, {"backbone": {"pack": {"architecture": "hf_hub:a/b"}}}],
    ids=", ".join,
)  # fmt: skip
def test_a_checkpoint_of_a_stranger_is_refused_by_name_before_memory_is_asked_for(
    tmp_path: Path, changes: dict[str, object]
) -> None:
    run = Run(tmp_path)
    save_network(run, get_network("cnn-small")(2), "cnn-small", {})
    path = run.checkpoint_folder / "checkpoint.json"
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **changes}), encoding="utf-8")
    with pytest.raises(StorageError, match=r"checkpoint\.json is damaged"):
        load_network(run)
