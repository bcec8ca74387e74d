"""Weight packs with random weights, for any architecture that timm can build."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

TINY = "test_efficientnet"
"""An architecture of timm's that is made for tests: 160 pixels, 0.4 million weights."""


def facts_of(architecture: str, weights: bytes) -> dict[str, Any]:
    import timm

    config = timm.get_pretrained_cfg(architecture)
    assert config is not None
    return {
        "name": f"{architecture}.random",
        "architecture": architecture,
        "architecture_args": {},
        "num_classes": 1000,
        "input_size": list(config.input_size),
        "mean": [0.4, 0.5, 0.6],
        "std": [0.2, 0.25, 0.3],
        "interpolation": "bicubic",
        "crop_pct": 0.9,
        "licence": "none",
        "source": "drawn by lot",
        "sha256": hashlib.sha256(weights).hexdigest(),
    }


def make_pack(home: Path, architecture: str = TINY, *, seed: int = 0, **changes: Any) -> Path:
    """Write a pack below ``home`` and return its folder; ``changes`` replace fields of its ``pack.json``."""
    import safetensors.torch
    import timm
    import torch

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = timm.create_model(architecture, pretrained=False, num_classes=1000)
    weights = safetensors.torch.save({name: value.contiguous() for name, value in network.state_dict().items()})
    facts = {**facts_of(architecture, weights), **changes}
    folder = home / str(facts["name"])
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(weights)
    (folder / "pack.json").write_text(json.dumps(facts), encoding="utf-8")
    return folder


def fake_pack(home: Path, name: str, **changes: Any) -> Path:
    """Write a pack whose weights are a few bytes: enough for what does not open them."""
    weights = b"weights"
    facts = {**facts_of(TINY, weights), "architecture": name.partition(".")[0], "name": name, **changes}
    folder = home / name
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(weights)
    (folder / "pack.json").write_text(json.dumps(facts), encoding="utf-8")
    return folder
