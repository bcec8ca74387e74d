"""Heads of layers on the vectors of a frozen network, in PyTorch: a small loop, since an epoch takes moments.

What a published project trains for half an hour through a network that never changes is here a training on vectors,
with the recipe's optimiser, epochs and batches. Vectors are not standardised, since published heads are not either.
It takes seconds, so a training that was stopped begins anew; its vectors are in the cache.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from anmok.config import Recipe
from anmok.data.balance import class_weights
from anmok.features.extractor_outputs import VectorOutput
from anmok.models.dropout import seed_dropout
from anmok.models.head_layers import HeadLayer, build_head, parse_head_layers
from anmok.training.device import own_random_numbers
from anmok.training.heads_layered import Dense, LayeredHead, Relu, Scale, Step, Vectors
from anmok.training.learning import broke_down
from anmok.training.optimizers import ShardedOptimizer
from anmok.training.sampler import get_sampler
from anmok.training.schedule import batches_for, epochs_for, rate_factor
from anmok.training.workers import Workers

if TYPE_CHECKING:
    from anmok.models.networks import Network

#: Vectors that are measured at a time.
AT_ONCE = 1024


@dataclass(frozen=True, slots=True)
class ViewedVectors:
    """Training vectors: of the pictures as they are, of their copies, and of their views.

    Attributes:
        sources: arrays ``(N, D)``: the pictures, then each copy of them, then each view.
        labels: int64 ``(N,)``.
        copies: how many of ``sources`` are copies. An epoch shows the picture and each copy; and of the picture itself
            and its views one in turn.
    """

    sources: Sequence[Vectors]
    labels: NDArray[np.int64]
    copies: int = 0

    @property
    def seen(self) -> NDArray[np.int64]:
        """Labels of what an epoch shows: int64 ``(N x (1 + copies),)``."""
        return np.tile(self.labels, 1 + self.copies)

    def of_epoch(self, epoch: int, turns: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return from which source each shown vector comes in ``epoch`` (from 0): int64 ``(N x (1 + copies),)``.

        Args:
            turns: int64 ``(N,)``, where each picture begins its round of views.
        """
        views = len(self.sources) - 1 - self.copies
        turn = (turns + epoch) % (1 + views)
        own = np.where(turn == 0, 0, self.copies + turn)
        copies = np.repeat(np.arange(1, 1 + self.copies), len(self.labels))
        return np.concatenate([own, copies]).astype(np.int64)

    def take(self, places: NDArray[np.int64], sources: NDArray[np.int64]) -> Tensor:
        """Return float32 ``(n, D)`` for places ``(n,)`` in ``seen``, given what ``of_epoch`` returned."""
        rows, wanted = places % len(self.labels), sources[places]
        result = np.empty((len(places), self.sources[0].shape[1]), dtype=np.float32)
        for source in np.unique(wanted):
            chosen = wanted == source
            result[chosen] = self.sources[source][rows[chosen]]
        return torch.from_numpy(result)


@dataclass(frozen=True, slots=True)
class LayersFit:
    """A trained head of layers.

    Attributes:
        head: of the epoch that the recipe keeps.
        epoch: that one, from 1.
        history: a row an epoch, ``run.HISTORY_COLUMNS``.
    """

    head: LayeredHead
    epoch: int
    history: tuple[Mapping[str, float], ...]


def layers_of(recipe: Recipe) -> tuple[HeadLayer, ...]:
    """Return the layers of a recipe's head; ``linear`` is a last layer alone, on the embedding."""
    return parse_head_layers(recipe.head_layers) if recipe.head == "layers" else (HeadLayer("average-pool"),)


def fit_layers(
    train: ViewedVectors,
    valid: Vectors,
    valid_labels: NDArray[np.int64],
    recipe: Recipe,
    *,
    output: VectorOutput,
    classes: int,
    report: Callable[[Mapping[str, float]], None] = lambda row: None,
) -> LayersFit:
    """Train the recipe's head; the same vectors, recipe and version of PyTorch give the same head to the last bit.

    Args:
        valid: vectors ``(M, D)`` by which the epoch is chosen. valid_labels: int64 ``(M,)``.
        output: which of the extractor's vectors they are.
        classes: K.
        report: is told each row of the history.

    Raises:
        UsageError: the loss is no longer a number.
    """
    with _one_thread() as workers, own_random_numbers():
        torch.manual_seed(recipe.seed)
        fit = _Fit(train, valid, valid_labels, recipe=recipe, workers=workers, classes=classes)
        return fit.run(output, report)


class _Fit:
    def __init__(
        self,
        train: ViewedVectors,
        valid: Vectors,
        valid_labels: NDArray[np.int64],
        *,
        recipe: Recipe,
        workers: Workers,
        classes: int,
    ) -> None:
        self.train, self.valid, self.recipe = train, valid, recipe
        self.valid_labels = torch.from_numpy(valid_labels)
        self.head = _Head(build_head(layers_of(recipe), (int(train.sources[0].shape[1]),), classes))
        self.workers = workers
        # The optimiser asks of a network its parameters and their rates alone.
        self.optimizer = ShardedOptimizer(cast("Network", self.head), recipe)
        self.scaler = torch.amp.GradScaler("cpu", enabled=False)
        self.labels = torch.from_numpy(train.seen)
        self.sampler = get_sampler(recipe, train.seen)
        self.weights: Tensor | None = None
        if recipe.class_weights == "balanced":
            self.weights = torch.from_numpy(class_weights(train.seen, classes=classes))
        views = len(train.sources) - train.copies
        self.turns = torch.randint(views, (len(train.labels),)).numpy()
        self.epochs = recipe.epochs or epochs_for(len(train.seen))
        self.batches = batches_for(len(train.seen), recipe.batch_size)

    def run(self, output: VectorOutput, report: Callable[[Mapping[str, float]], None]) -> LayersFit:
        history: list[Mapping[str, float]] = []
        steps: tuple[Step, ...] = ()
        best, best_epoch, least, least_epoch = float("inf"), 0, float("inf"), 0
        for epoch in range(self.epochs):
            begin = time.perf_counter()
            row = {"epoch": float(epoch + 1), **self._learn(epoch)}
            loss, accuracy, judged = self._measure()
            if not np.isfinite(loss):
                raise broke_down(self.recipe, epoch + 1)
            row |= {"valid_loss": loss, "valid_accuracy": accuracy, "seconds": time.perf_counter() - begin}
            history.append(row)
            report(row)
            score = {"best-loss": judged, "best-accuracy": -accuracy, "last": -float(epoch)}[self.recipe.keep]
            if score < best or not steps:
                best, best_epoch, steps = score, epoch + 1, steps_of(self.head.layers)
            if judged < least:
                least, least_epoch = judged, epoch
            if self.recipe.patience and epoch - least_epoch >= self.recipe.patience:
                break
        return LayersFit(LayeredHead(output, steps), best_epoch, tuple(history))

    def _learn(self, epoch: int) -> dict[str, float]:
        self.head.train()
        order, sources = self.sampler.epoch_order(), self.train.of_epoch(epoch, self.turns)
        total, right, rate = 0.0, 0, 0.0
        for number, places in enumerate(np.array_split(order, self.batches)):
            rate = self._rate(epoch * self.batches + number)
            self.optimizer.set_rate(rate)
            seed_dropout(self.head, int(torch.randint(2**62, ()).item()))
            labels = self.labels[torch.from_numpy(places)]
            logits = self.head(self.train.take(places, sources))
            gradients = torch.autograd.grad(self._loss(logits, labels), self.optimizer.parameters)
            self.optimizer.step([self.optimizer.flat(gradients)], self.workers, self.scaler)
            total += float(cross_entropy(logits.detach(), labels, reduction="sum"))
            right += int((logits.argmax(dim=1) == labels).sum())
        if not np.isfinite(total):
            raise broke_down(self.recipe, epoch + 1)
        return {"train_loss": total / len(order), "train_accuracy": right / len(order), "learning_rate": rate}

    def _rate(self, step: int) -> float:
        steps, recipe = self.epochs * self.batches, self.recipe
        return recipe.learning_rate * rate_factor(
            step, steps, recipe.warmup, schedule=recipe.schedule, decay=recipe.decay
        )

    def _loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        losses = cross_entropy(logits, labels, label_smoothing=self.recipe.label_smoothing, reduction="none")
        return losses.mean() if self.weights is None else (losses * self.weights[labels]).mean()

    def _measure(self) -> tuple[float, float, float]:
        """Return loss and accuracy on valid, and the loss that judges the epoch."""
        self.head.eval()
        rows = np.arange(len(self.valid))
        with torch.inference_mode():
            parts = np.array_split(rows, max(1, -(-len(rows) // AT_ONCE)))
            logits = torch.cat([self.head(torch.from_numpy(self.valid[part])) for part in parts])
        losses = cross_entropy(logits, self.valid_labels, reduction="none")
        loss, accuracy = float(losses.mean()), float((logits.argmax(dim=1) == self.valid_labels).float().mean())
        if "balanced" not in (self.recipe.class_weights, self.recipe.sampler):
            return loss, accuracy, loss
        means = [losses[self.valid_labels == label].mean() for label in np.unique(self.valid_labels.numpy())]
        return loss, accuracy, float(torch.stack(means).mean())


class _Head(nn.Module):
    """The layers, and the learning rates that the optimiser asks for: all alike."""

    def __init__(self, layers: nn.Sequential) -> None:
        super().__init__()
        self.layers = layers

    def rate_factors(self, recipe: Recipe) -> Mapping[str, float]:
        return {}

    def forward(self, vectors: Tensor) -> Tensor:
        logits: Tensor = self.layers(vectors)
        return logits


def steps_of(layers: nn.Sequential) -> tuple[Step, ...]:
    """Return trained layers as arrays of their own; dropout does nothing any more."""
    steps: list[Step] = []
    for module in layers:
        if isinstance(module, nn.Linear):
            steps.append(Dense(_array(module.weight), _array(module.bias)))
        elif isinstance(module, nn.ReLU):
            steps.append(Relu())
        elif isinstance(module, nn.BatchNorm1d):
            assert module.running_mean is not None
            assert module.running_var is not None
            factor = module.weight.double() / torch.sqrt(module.running_var.double() + module.eps)
            steps.append(Scale(_array(factor), _array(module.bias.double() - module.running_mean.double() * factor)))
    return tuple(steps)


def _array(tensor: Tensor) -> NDArray[np.float32]:
    values: NDArray[np.float32] = tensor.detach().to(torch.float32).numpy().copy()
    return values


@contextmanager
def _one_thread() -> Iterator[Workers]:
    # A layer of a head is done sooner than threads meet, and sums would depend on how many there are.
    with Workers(1) as workers:
        yield workers
