"""Which epoch's weights are kept, and when training has waited long enough for a better one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from anmok.config import Recipe
from anmok.models.networks import Network


class Best:
    """The best epoch so far, by what the recipe keeps.

    Of a recipe that balances classes, loss and accuracy are means of the classes' own, or the choice would undo what
    the recipe asks for. Of equal accuracies the one with the smaller loss is better.

    Attributes:
        epoch: whose weights are kept, from 1; 0 before the first.
        weights: the network's state then.
    """

    def __init__(self, recipe: Recipe) -> None:
        self._keep, self._patience = recipe.keep, recipe.patience
        self._balanced = "balanced" in (recipe.class_weights, recipe.sampler)
        self.epoch = 0
        self.weights: dict[str, Tensor] = {}
        self._score: tuple[float, float] | None = None
        self._least: float | None = None
        self._least_epoch = 0

    def judge(self, epoch: int, network: Network, logits: Tensor, labels: Tensor) -> tuple[float, float]:
        """Keep the network's weights if they are the best; return the plain loss and accuracy.

        Args:
            epoch: from 1.
            logits: float32 ``(N, K)`` of the validation pictures, by these weights; labels: int64 ``(N,)``.
        """
        losses = cross_entropy(logits, labels, reduction="none")
        right = (logits.argmax(dim=1) == labels).float()
        loss, accuracy = float(losses.mean()), float(right.mean())
        judged = _mean_of_classes(losses, labels) if self._balanced else loss
        if self._least is None or judged < self._least:
            self._least, self._least_epoch = judged, epoch
        rightness = _mean_of_classes(right, labels) if self._balanced else accuracy
        by = {"best-loss": (judged, 0.0), "best-accuracy": (-rightness, judged), "last": (-float(epoch), 0.0)}
        score = by[self._keep]
        if self._score is None or score < self._score:
            self._score, self.epoch = score, epoch
            self.weights = {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
        return loss, accuracy

    def has_waited(self, epoch: int) -> bool:
        """Tell whether after ``epoch`` epochs the loss has not fallen for as many as the recipe's patience."""
        return self._patience > 0 and epoch - self._least_epoch >= self._patience

    def facts(self) -> Mapping[str, Any]:
        """Return what must be remembered beside the weights: plain JSON values."""
        score = None if self._score is None else list(self._score)
        return {"epoch": self.epoch, "score": score, "least": self._least, "least_epoch": self._least_epoch}

    def restore(self, facts: Mapping[str, Any], weights: Mapping[str, Tensor], network: Network) -> None:
        """Take back what was remembered; raises ``KeyError`` or ``RuntimeError`` if it is of another network."""
        self.epoch, self._least_epoch = int(facts["epoch"]), int(facts["least_epoch"])
        self._least = None if facts["least"] is None else float(facts["least"])
        self._score = None if facts["score"] is None else (float(facts["score"][0]), float(facts["score"][1]))
        # In the network's own memory layout.
        self.weights = {}
        if self._score is not None:
            self.weights = {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
            for name, tensor in self.weights.items():
                tensor.copy_(weights[name])


def _mean_of_classes(values: Tensor, labels: Tensor) -> float:
    """Return the mean over the classes that are there of each one's mean of ``values`` ``(N,)``."""
    counts, sums = torch.bincount(labels), torch.bincount(labels, weights=values)
    return float((sums[counts > 0] / counts[counts > 0]).mean())
