"""A trained head of layers says the same as arrays, in PyTorch, on disk and behind a view."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import softmax

from anmok.errors import StorageError
from anmok.models.head_layers import build_head, parse_head_layers
from anmok.training.checkpoint import checkpoint_kind, load_head, save_head
from anmok.training.frozen_layers import steps_of
from anmok.training.heads_layered import LayeredHead, Relu
from anmok.training.run import Run

LAYERS = ("average-pool", "batch-norm", "dense 7", "dropout 0.5", "batch-norm", "dense 6")


def made_head() -> tuple[torch.nn.Sequential, LayeredHead]:
    """Return a head whose batch normalisation has seen something, as PyTorch's layers and as arrays."""
    torch.manual_seed(0)
    layers = build_head(parse_head_layers(LAYERS), (5,), 3)
    for _step in range(3):
        layers(torch.randn(16, 5) * 4 + 2)
    return layers.eval(), LayeredHead("average-pool", steps_of(layers))


def test_arrays_answer_as_the_trained_layers_do() -> None:
    layers, head = made_head()
    vectors = np.random.default_rng(0).normal(size=(300, 5)).astype(np.float32)
    with torch.inference_mode():
        wanted = softmax(layers(torch.from_numpy(vectors)), dim=1).numpy()
    given = head.probabilities(vectors)
    np.testing.assert_allclose(given, wanted, atol=1e-6)
    assert given.dtype == np.float32


def test_training_goes_on_without_changing_the_arrays_that_were_kept() -> None:
    layers, head = made_head()
    before = head.logits(np.ones((1, 5), np.float32)).copy()
    with torch.no_grad():
        for parameter in layers.parameters():
            parameter.add_(1)
    np.testing.assert_array_equal(head.logits(np.ones((1, 5), np.float32)), before)


def test_a_head_of_layers_comes_back_from_disk_to_the_last_bit(tmp_path: Path) -> None:
    _layers, head = made_head()
    save_head(Run(tmp_path), head, {"epoch": 4})
    assert checkpoint_kind(Run(tmp_path)) == "head"
    found = load_head(Run(tmp_path))
    assert isinstance(found, LayeredHead)
    assert found.output == "average-pool"
    vectors = np.random.default_rng(0).normal(size=(9, 5)).astype(np.float32)
    np.testing.assert_array_equal(found.logits(vectors), head.logits(vectors))


@pytest.mark.parametrize("facts", [{"steps": ["dense"]}, {"steps": ["pickle"]}, {"steps": 3}, {"steps": []}])
def test_a_damaged_head_is_named(tmp_path: Path, facts: dict[str, object]) -> None:
    save_head(Run(tmp_path), made_head()[1], {})
    path = tmp_path / "checkpoint" / "checkpoint.json"
    stored = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(stored | facts | {"vectors": "embedding"}), encoding="utf-8")
    if facts == {"steps": ["dense"]}:
        (tmp_path / "checkpoint" / "model.safetensors").write_bytes(b"\x00" * 20)
    with pytest.raises(StorageError, match="damaged"):
        load_head(Run(tmp_path))


def test_a_head_without_a_last_layer_is_refused() -> None:
    with pytest.raises(ValueError, match="dense"):
        LayeredHead("embedding", (Relu(),))
