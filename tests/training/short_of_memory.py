"""A training with too little memory: started by test_memory.py in a process of its own, python -m ... BYTES.

The process may take so many bytes more than it has when training begins. Writes what was said and learned.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from anmok.models.networks import Network
from anmok.progress import SilentProgress
from anmok.training.loop import Loop, PictureSet
from anmok.training.workers import Workers
from tests.training.made import network_recipe, picture_array


class Wide(Network):
    """Without batch normalisation, so that pieces give the gradients of the whole; 2 MB a picture and layer."""

    default_size = smallest_size = 32

    def __init__(self, classes: int) -> None:
        super().__init__(classes)
        self.map = nn.Sequential(nn.Conv2d(3, 512, 1), nn.ReLU(), nn.Hardtanh(), nn.ReLU())
        self.last = nn.Linear(512, classes)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        feature_map = self.map(pictures.permute(0, 3, 1, 2).float() / 127.5 - 1)
        embedding = feature_map.mean(dim=(2, 3))
        return self.last(embedding), embedding, feature_map


def train(spare: int = 0) -> dict[str, Any]:
    """Train for an epoch of one batch, with so many bytes (0: no limit); return what was said and learned."""
    pixels, labels = picture_array(22)
    rows = np.arange(len(labels))
    said: list[str] = []
    torch.manual_seed(1)
    with Workers(1) as workers:
        recipe = network_recipe(epochs=1, batch_size=64, augmentation="none")
        sets = PictureSet(pixels, labels, rows[2:]), PictureSet(pixels, labels, rows[:2])
        loop = Loop(Wide(3), recipe, *sets, workers=workers, epochs=1, say=said.append)
        if spare:
            workers.map(lambda number: number, range(4))  # threads take memory when they begin
            pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
            limit = pages * resource.getpagesize() + spare
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        loop.run(SilentProgress().task(""), lambda: None)
    weights = {name: tensor.flatten().tolist() for name, tensor in loop.network.state_dict().items()}
    return {"said": said, "loss": loop.history[0]["train_loss"], "weights": weights}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(train(int(sys.argv[1]))))
