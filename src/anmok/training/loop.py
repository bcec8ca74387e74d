"""The training loop of networks. What is special to a strategy is a hook, not a change here."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cross_entropy, one_hot

from anmok.config import Recipe
from anmok.errors import UsageError
from anmok.i18n import _
from anmok.models.networks import Network
from anmok.progress import Task
from anmok.training.augmentation import get_policy
from anmok.training.checkpoint import State
from anmok.training.device import low_precision
from anmok.training.hooks import Hook
from anmok.training.sampler import get_sampler
from anmok.training.schedule import batches_for, rate_factor
from anmok.training.workers import Replicas, Workers

#: Pictures that a thread measures at a time.
MEASURED_AT_ONCE = 32
#: Parts of a batch that are learned from at the same time on a CPU, whatever the number of cores: what is learned
#: must not depend on the machine's size. A GPU takes the batch whole.
PARTS = 4


@dataclass(frozen=True, slots=True)
class PictureSet:
    """Some of the pictures of an array.

    Attributes:
        pixels: uint8 ``(M, S, S, 3)``, possibly memory-mapped; shared between sets.
        labels: int64 ``(M,)``.
        rows: int64 ``(N,)``, which of them belong to this set.
    """

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]
    rows: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.rows)

    def batch(self, places: NDArray[np.int64], device: torch.device) -> tuple[Tensor, Tensor]:
        """Return uint8 ``(n, S, S, 3)`` and int64 ``(n,)`` for places ``(n,)`` in this set."""
        rows = self.rows[places]
        pictures, labels = torch.from_numpy(self.pixels[rows]), torch.from_numpy(self.labels[rows])
        return pictures.to(device), labels.to(device)


def logits_of(network: Network, pictures: PictureSet, workers: Workers) -> Tensor:
    """Return the network's logits in evaluation mode, float32 ``(N, K)`` on the CPU, computed in float32."""
    was_training = network.training
    device = next(network.parameters()).device

    def answer(places: NDArray[np.int64]) -> Tensor:
        with torch.inference_mode():
            logits: Tensor = network(pictures.batch(places, device)[0])[0]
            return logits.float().cpu()

    network.eval()
    parts = np.array_split(np.arange(len(pictures)), max(1, -(-len(pictures) // MEASURED_AT_ONCE)))
    answers = workers.map(answer, parts)
    network.train(was_training)
    return torch.cat(answers)


class Loop:
    """One network in training.

    AdamW with one cycle of the learning rate, label smoothing, early stopping; the weights of the epoch with the least
    validation loss are kept (of a recipe that balances classes: with the least mean of the classes' losses, or the
    choice would undo what the recipe asks for). Training steps run in bfloat16 where that is faster; validation, and so
    the choice of the epoch, in float32. Everything that depends on chance draws from torch's generator in this thread,
    and a batch is divided the same way whatever the number of threads; so on one machine two runs with the same seed
    are alike to the last bit, also when one of them was interrupted or had more threads.

    Args:
        network: with its first weights, on its device. Its forward pass draws no random numbers.
        workers: compute the parts of a batch.
        epochs: how often each picture is seen at most.
        class_weights: float32 ``(K,)``, what an error on a picture of each class costs; None: 1 each.
        hooks: see ``Hook``.

    Attributes:
        epoch: how many epochs are done.
        history: a row for each of them (``run.HISTORY_COLUMNS``). ``train_loss`` and ``valid_loss`` are both plain
            cross-entropy in nats (without smoothing or weights); the training figures are of augmented pictures
            while the network learned.
        best_epoch: the one whose weights are kept; counted from 1.
    """

    def __init__(
        self,
        network: Network,
        recipe: Recipe,
        train: PictureSet,
        valid: PictureSet,
        *,
        workers: Workers,
        epochs: int,
        class_weights: Tensor | None = None,
        hooks: Sequence[Hook] = (),
    ) -> None:
        self.network = network.to(memory_format=torch.channels_last)
        self.recipe, self.train_set, self.valid_set, self.epochs = recipe, train, valid, epochs
        self.device = next(network.parameters()).device
        self.optimizer = torch.optim.AdamW(_groups(network, recipe.weight_decay), lr=recipe.learning_rate, fused=True)
        self.workers = workers
        self._replicas = Replicas(self.network, PARTS if self.device.type == "cpu" else 1)
        self.hooks = tuple(hooks)
        self.class_weights = None if class_weights is None else class_weights.to(self.device)
        self.augment = get_policy(recipe.augmentation)
        self.batches = batches_for(len(train), recipe.batch_size)
        self.sampler = get_sampler(recipe, train.labels[train.rows])
        self.epoch, self.best_epoch = 0, 0
        self._least = float("inf")
        self.history: list[dict[str, float]] = []
        self._best: dict[str, Tensor] = {}

    def run(self, task: Task, keep: Callable[[], None]) -> None:
        """Train to the end; afterwards the network holds its best weights.

        Args:
            task: counts training pictures.
            keep: called after each epoch, to write a checkpoint.
        """
        for hook in self.hooks:
            hook.on_train_begin(self)
        while not self.is_over:
            row = self._epoch(task)
            self.history.append(row)
            for hook in self.hooks:
                hook.on_epoch_end(self, row)
            keep()
            task.note(
                _("epoch {epoch}/{epochs}, loss {loss:.3f}, validation {valid:.3f} ({accuracy:.1%} right)").format(
                    epoch=self.epoch,
                    epochs=self.epochs,
                    loss=row["train_loss"],
                    valid=row["valid_loss"],
                    accuracy=row["valid_accuracy"],
                )
            )
        self.network.load_state_dict(self._best)
        for hook in self.hooks:
            hook.on_train_end(self)

    @property
    def is_over(self) -> bool:
        """Tell whether all epochs are done, or the validation loss has not fallen for ``patience`` epochs."""
        waited = self.epoch - self.best_epoch
        return self.epoch >= self.epochs or (self.recipe.patience > 0 and waited >= self.recipe.patience)

    def _epoch(self, task: Task) -> dict[str, float]:
        begin = time.perf_counter()
        self.network.train()
        for hook in self.hooks:
            hook.on_epoch_begin(self)
        self._replicas.spread()
        order = self.sampler.epoch_order()
        # Sums stay on the device: asking for each number would make a GPU wait.
        loss, right = torch.zeros((), device=self.device), torch.zeros((), device=self.device)
        rate = 0.0
        for number, places in enumerate(np.array_split(order, self.batches)):
            rate = self._set_rate(self.epoch * self.batches + number)
            step_loss, step_right = self._step(places)
            loss, right = loss + step_loss, right + step_right
            task.advance(len(places))
        count = len(self.train_set)
        train_loss, train_accuracy = float(loss) / count, float(right) / count
        if not np.isfinite(train_loss):
            raise UsageError(
                _("Training of {name} broke down in epoch {epoch}: its loss is no longer a number.").format(
                    name=self.recipe.name, epoch=self.epoch + 1
                ),
                hint=_("Lower the recipe's learning_rate ({rate}).").format(rate=self.recipe.learning_rate),
            )
        self._replicas.gather()
        self.epoch += 1
        valid_loss, valid_accuracy = self._validate()
        return {
            "epoch": self.epoch,
            "train_loss": train_loss,
            "train_accuracy": train_accuracy,
            "valid_loss": valid_loss,
            "valid_accuracy": valid_accuracy,
            "learning_rate": rate,
            "seconds": time.perf_counter() - begin,
        }

    def _set_rate(self, step: int) -> float:
        rate = self.recipe.learning_rate * rate_factor(step, self.epochs * self.batches, self.recipe.warmup)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["rate_factor"]
        return rate

    def _step(self, places: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Learn from one batch; return the sum of the plain losses and the number of right answers."""
        pictures, labels = self.train_set.batch(places, self.device)
        pictures = self.augment(pictures.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        targets = one_hot(labels, self.network.classes).float()
        for hook in self.hooks:
            pictures, targets = hook.on_batch(self, pictures, targets)
        answers, gradients = zip(*self._learn_from_parts(pictures, targets), strict=True)
        for parameter, *parts in zip(self._parameters(), *gradients, strict=True):
            parameter.grad = functools.reduce(torch.add, parts)
        self.optimizer.step()
        for hook in self.hooks:
            hook.on_step_end(self)
        logits = torch.cat(answers)
        return cross_entropy(logits, labels, reduction="sum"), (logits.argmax(dim=1) == labels).sum()

    def _learn_from_parts(self, pictures: Tensor, targets: Tensor) -> list[tuple[Tensor, tuple[Tensor, ...]]]:
        """Return logits and gradients of each part of a batch; the gradients' sum is that of the mean loss."""
        members = self._replicas.members
        parameters = self._parameters()

        def learn(part: tuple[Network, Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, ...]]:
            network, some_pictures, some_targets = part
            with low_precision(self.device):
                logits = network(some_pictures)[0]
            logits = logits.float()
            loss = self._loss(logits, some_targets)
            return logits.detach(), torch.autograd.grad(loss / len(pictures), parameters)

        parts = zip(members, pictures.tensor_split(len(members)), targets.tensor_split(len(members)), strict=True)
        return self.workers.map(learn, [part for part in parts if len(part[1])])

    def _loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the sum of what the recipe takes for losses, smoothed and weighted."""
        smoothing = self.recipe.label_smoothing
        if self.class_weights is None:
            return cross_entropy(logits, targets, label_smoothing=smoothing, reduction="sum")
        # A weight for each picture: PyTorch's own would also weigh what smoothing takes from the label, so that every
        # picture would pull towards the dear classes.
        losses = cross_entropy(logits, targets, label_smoothing=smoothing, reduction="none")
        return (losses * (targets @ self.class_weights)).sum()

    def _parameters(self) -> list[Tensor]:
        return [parameter for parameter in self.network.parameters() if parameter.requires_grad]

    def _validate(self) -> tuple[float, float]:
        """Measure the network and keep its weights if they are the best so far."""
        for hook in self.hooks:
            hook.on_validation_begin(self)
        logits = logits_of(self.network, self.valid_set, self.workers)
        labels = torch.from_numpy(self.valid_set.labels[self.valid_set.rows])
        loss, accuracy = float(cross_entropy(logits, labels)), float((logits.argmax(dim=1) == labels).float().mean())
        balanced = "balanced" in (self.recipe.class_weights, self.recipe.sampler)
        judged = _mean_of_classes(logits, labels) if balanced else loss
        if judged < self._least or not self._best:
            self.best_epoch, self._least = self.epoch, judged
            self._best = {name: tensor.detach().clone() for name, tensor in self.network.state_dict().items()}
        for hook in self.hooks:
            hook.on_validation_end(self)
        return loss, accuracy

    def state(self) -> State:
        """Return all that the next epoch depends on."""
        tensors = {f"network.{name}": tensor for name, tensor in self.network.state_dict().items()}
        tensors |= {f"best.{name}": tensor for name, tensor in self._best.items()}
        for number, values in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{number}.{name}": tensor for name, tensor in values.items()}
        for number, hook in enumerate(self.hooks):
            tensors |= {f"hook.{number}.{name}": tensor for name, tensor in hook.tensors().items()}
        tensors |= {f"sampler.{name}": tensor for name, tensor in self.sampler.tensors().items()}
        tensors["random.cpu"] = torch.get_rng_state()
        if self.device.type == "cuda":
            tensors["random.cuda"] = torch.cuda.get_rng_state(self.device)
        facts = {"epochs": self.epochs, "best_epoch": self.best_epoch, "least": self._least, "history": self.history}
        return State(tensors, facts)

    def restore(self, state: State) -> None:
        """Go on from what ``state`` returned.

        Raises:
            KeyError, RuntimeError, ValueError, TypeError: the state is not of this network and recipe.
        """
        if state.facts["epochs"] != self.epochs:
            raise ValueError(f"{state.facts['epochs']} epochs instead of {self.epochs}")
        history = [{str(name): float(value) for name, value in row.items()} for row in state.facts["history"]]
        self.network.load_state_dict(_below("network.", state.tensors))
        best = _below("best.", state.tensors)
        self._best = {name: tensor.detach().clone() for name, tensor in self.network.state_dict().items()}
        for name, tensor in self._best.items():
            tensor.copy_(best[name])
        self._restore_optimizer(_below("optimizer.", state.tensors))
        for number, hook in enumerate(self.hooks):
            hook.restore(_below(f"hook.{number}.", state.tensors))
        self.sampler.restore(_below("sampler.", state.tensors))
        self._least = float(state.facts["least"])
        self.history, self.epoch, self.best_epoch = history, len(history), int(state.facts["best_epoch"])
        torch.set_rng_state(state.tensors["random.cpu"])
        if self.device.type == "cuda" and "random.cuda" in state.tensors:
            torch.cuda.set_rng_state(state.tensors["random.cuda"], self.device)

    def _restore_optimizer(self, tensors: Mapping[str, Tensor]) -> None:
        parameters = [parameter for group in self.optimizer.param_groups for parameter in group["params"]]
        states: dict[int, dict[str, Tensor]] = {}
        for key, tensor in tensors.items():
            number, name = key.split(".", 1)
            # The memory layout of the parameter, too: sums in another order could differ in the last bit.
            same_shape = tensor.shape == parameters[int(number)].shape
            ready = torch.empty_like(parameters[int(number)]).copy_(tensor) if same_shape else tensor
            states.setdefault(int(number), {})[name] = ready
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": states})


def _below(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _mean_of_classes(logits: Tensor, labels: Tensor) -> float:
    """Return the mean over the classes that are there of each one's mean loss, nats."""
    losses = cross_entropy(logits, labels, reduction="none")
    counts, sums = torch.bincount(labels), torch.bincount(labels, weights=losses)
    return float((sums[counts > 0] / counts[counts > 0]).mean())


def _groups(network: Network, weight_decay: float) -> list[dict[str, object]]:
    """Return AdamW's groups: weights decay; biases and the factors of batch normalisation do not.

    ``rate_factor`` multiplies the learning rate of a group, so that a strategy may teach some layers more slowly.
    """
    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    return [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay, "rate_factor": 1.0},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0, "rate_factor": 1.0},
    ]
