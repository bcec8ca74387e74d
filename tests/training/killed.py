"""Trainings that are killed: started by test_resume.py in a process of its own, python -m tests.training.killed FOLDER.

This process imports PyTorch once and then forks a child for each attempt; it never computes itself, so that forking is
safe. Writes one JSON object to its output: how the training ended that was never killed, and how the killed one.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from anmok.config import Recipe
from anmok.models.dropout import SeededDropout
from anmok.models.networks import Network
from anmok.progress import SilentProgress
from anmok.training.device import own_random_numbers
from anmok.training.hooks import Hook
from anmok.training.loop import Loop, PictureSet
from anmok.training.networks import _run, resumed
from anmok.training.run import Run
from anmok.training.workers import Workers
from tests.training.made import network_recipe, picture_array

KILLS = 10


class Dropping(Network):
    """All that could differ after an interruption: batch normalisation, dropout twice, and layers of all kinds."""

    default_size = smallest_size = 32

    def __init__(self, classes: int) -> None:
        super().__init__(classes)
        self.map = nn.Sequential(nn.Conv2d(3, 8, 3, 2), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2))
        self.head = nn.Sequential(
            SeededDropout(0.2), nn.Linear(8 * 7 * 7, 16), nn.BatchNorm1d(16), nn.ReLU(), SeededDropout(0.5)
        )
        self.last = nn.Linear(16, classes)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        feature_map = self.map(pictures.permute(0, 3, 1, 2).float() / 127.5 - 1)
        embedding = self.head(feature_map.flatten(1))
        return self.last(embedding), embedding, feature_map

    def rate_factors(self, recipe: Recipe) -> Mapping[str, float]:
        return {"map.0.weight": 0.5}


class Telling(Hook):
    """Writes a byte after each step."""

    def __init__(self, pipe: int) -> None:
        self.pipe = pipe

    def on_step_end(self, loop: Loop) -> None:
        os.write(self.pipe, b".")


def recipe() -> Recipe:
    return network_recipe(
        epochs=5, batch_size=16, accumulate=2, mixup=0.4, cutmix=1.0, ema=0.9, sampler="balanced", keep="best-accuracy"
    )


def train(folder: Path, pictures: tuple[NDArray[np.uint8], NDArray[np.int64]], threads: int, pipe: int) -> None:
    pixels, labels = pictures
    rows = np.arange(len(labels))
    # An uneven set, so that the decks of the balanced sampler do not come out even with the epochs.
    learned = rows[(rows % 4 > 0) & ~((labels == 2) & (rows % 2 == 0))]
    sets = PictureSet(pixels, labels, learned), PictureSet(pixels, labels, rows[rows % 4 == 0])

    def make(_first: bool) -> Loop:
        torch.manual_seed(5)
        network = Dropping(3)
        return Loop(network, recipe(), *sets, workers=workers, epochs=5, hooks=[Telling(pipe)], minutes=0)

    run = Run(folder)
    with Workers(threads) as workers, own_random_numbers():
        loop = resumed(make, run, SilentProgress())
        _run(loop, run, SilentProgress())
    state = loop.state()
    hashes = {name: hashlib.sha256(tensor.numpy().tobytes()).hexdigest() for name, tensor in state.tensors.items()}
    history = [{name: value for name, value in row.items() if name != "seconds"} for row in run.history()]
    (folder / "end.json").write_text(json.dumps({"history": history, "hashes": hashes}), encoding="utf-8")


def forked(work: Callable[[int], None]) -> tuple[int, int]:
    """Return the process that does ``work``, and the pipe into which it writes."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            work(writing)
            os._exit(0)
        finally:  # never into the code of the parent
            traceback.print_exc()
            os._exit(1)
    os.close(writing)
    return child, reading


def main(folder: Path) -> None:
    chance, pictures = random.Random(11), picture_array(96)
    child, pipe = forked(lambda pipe: train(folder / "whole", pictures, 2, pipe))
    steps = 0
    while os.read(pipe, 1):
        steps += 1
    assert os.waitpid(child, 0)[1] == 0
    kills = 0
    for number in range(100):
        threads = 1 + number % 3
        child, pipe = forked(lambda pipe, threads=threads: train(folder / "killed", pictures, threads, pipe))  # type: ignore[misc]
        if kills < KILLS:
            # So many steps, and then a moment more: in the middle of a step, of writing, of measuring.
            for _ in range(chance.randrange(4)):
                os.read(pipe, 1)
            time.sleep(chance.uniform(0, 0.03))
            os.kill(child, signal.SIGKILL)
        status = os.waitpid(child, 0)[1]
        os.close(pipe)
        if not os.WIFSIGNALED(status):
            break
        kills += 1
    ends = [json.loads((folder / name / "end.json").read_text(encoding="utf-8")) for name in ("whole", "killed")]
    found = {"steps": steps, "kills": kills, "status": status, "whole": ends[0], "killed": ends[1]}
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
