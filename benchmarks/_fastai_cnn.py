"""One of Anmok's networks trained by fastai, in its own environment; started by ``training_speed.py``.

    python _fastai_cnn.py NETWORK PICTURES.npz BATCH EPOCHS LIMIT

The network is Anmok's own module (PYTHONPATH names the sources), the loop, the optimiser and the data loaders are
fastai's with its defaults, but for the number of processes that load: all pictures lie in memory, and each epoch is
taken with none, which is faster for them. Prints one JSON object: ``seconds`` by epoch, ``pictures``, ``parameters``.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import fastai.callback.progress  # noqa: F401  # gives Learner its no_bar
import numpy as np
import torch
from fastai.callback.core import Callback
from fastai.data.core import DataLoaders
from fastai.learner import Learner
from fastai.losses import CrossEntropyLossFlat
from fastai.optimizer import Adam
from torch import nn

from anmok.models.networks import get_network


def main() -> None:
    name, path, batch, epochs, limit = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6])
    torch.manual_seed(0)
    values = np.load(path)
    rows = np.flatnonzero(values["splits"] == "train")[: limit or None]
    pictures, labels = torch.from_numpy(values["pictures"][rows]), torch.from_numpy(values["labels"][rows])
    train = list(zip(pictures, labels, strict=True))
    network = Logits(get_network(name)(int(values["labels"].max()) + 1, image_size=pictures.shape[1]))
    # A handful to validate on: fastai wants some, and their time is not counted.
    loaders = DataLoaders.from_dsets(train, train[:batch], bs=batch, num_workers=0, device="cpu")
    clock = Clock()
    learner = Learner(loaders, network, loss_func=CrossEntropyLossFlat(), opt_func=Adam, lr=1e-3, cbs=[clock])
    with learner.no_bar(), learner.no_logging():
        learner.fit(epochs)
    parameters = sum(parameter.numel() for parameter in network.parameters())
    print(json.dumps({"seconds": clock.seconds, "pictures": len(rows), "parameters": parameters}))


class Logits(nn.Module):
    """Anmok's network, of whose three answers fastai takes one."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, pictures: Any) -> Any:
        return self.network(pictures)[0]


class Clock(Callback):  # type: ignore[misc]
    """Takes the time of each epoch's training."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def before_train(self) -> None:
        self.begin = time.perf_counter()

    def after_train(self) -> None:
        self.seconds.append(time.perf_counter() - self.begin)


if __name__ == "__main__":
    main()
