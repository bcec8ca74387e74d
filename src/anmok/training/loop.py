"""The training loop of networks. What is special to a strategy is a hook, not a change here."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from anmok.config import Recipe
from anmok.i18n import _
from anmok.models.networks import Network
from anmok.progress import Task
from anmok.training.averaging import Average
from anmok.training.batches import Batch, Feed, RandomState
from anmok.training.best import Best
from anmok.training.device import is_worth_compiling
from anmok.training.hooks import Hook
from anmok.training.learning import Learner, broke_down, parts_for
from anmok.training.measuring import PictureSet, logits_of
from anmok.training.optimizers import ShardedOptimizer
from anmok.training.pauses import Pace, Stop, stop_between_steps
from anmok.training.sampler import get_sampler
from anmok.training.schedule import batches_for, rate_factor
from anmok.training.state import State
from anmok.training.workers import Replicas, Workers

__all__ = ["MINUTES", "Loop", "PictureSet", "logits_of"]

#: Minutes between two checkpoints inside an epoch.
MINUTES = 5.0


class Loop:
    """One network in training.

    Training steps run in 16 bits where that is faster; validation, and so the choice of the epoch, in float32.
    Everything that depends on chance draws from torch's generator, in the order of the batches, and a batch is divided
    the same way whatever the number of threads; so on one machine two runs with the same seed are alike to the last
    bit, also when one of them was killed between any two steps or had more threads.

    Args:
        network: with its first weights, on its device; what does not learn has ``requires_grad`` False. Its forward
            pass draws random numbers through ``SeededDropout`` alone.
        workers: compute the parts of a batch.
        epochs: how often each picture is seen at most.
        class_weights: float32 ``(K,)``, what an error on a picture of each class costs; None: 1 each.
        hooks: see ``Hook``.
        minutes: between two checkpoints inside an epoch; 0: after every step.
        say: is told sentences for a person, for example that memory ran out.

    Attributes:
        epoch: how many epochs are done.
        steps: how many steps of the optimiser an epoch has; done: how many of the current one are done.
        history: a row for each epoch (``run.HISTORY_COLUMNS``). ``train_loss`` and ``valid_loss`` are both plain
            cross-entropy in nats (without smoothing or weights); the training figures are of augmented pictures
            while the network learned, and of mixed pictures the class with the largest share is the right one.
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
        minutes: float = MINUTES,
        say: Callable[[str], None] = lambda _sentence: None,
    ) -> None:
        self.network = network.to(memory_format=torch.channels_last)
        self.recipe, self.train_set, self.valid_set, self.epochs = recipe, train, valid, epochs
        self.device = next(network.parameters()).device
        self.workers = workers
        self.hooks = tuple(hooks)
        self.class_weights = None if class_weights is None else class_weights.to(self.device)
        self.optimizer = ShardedOptimizer(network, recipe)
        self.batches = batches_for(len(train), recipe.batch_size)
        self.steps = -(-self.batches // recipe.accumulate)
        self.sampler = get_sampler(recipe, train.labels[train.rows])
        self.epoch, self.done = 0, 0
        self.history: list[dict[str, float]] = []
        parts = parts_for(min(recipe.batch_size, len(train)), train.pixels.shape[1], self.device)
        self._replicas = Replicas(self.network, parts)
        self._learner = Learner(
            self._replicas, recipe, self.optimizer, workers, class_weights=self.class_weights, say=say
        )
        if is_worth_compiling(self.device, epochs * self.steps):
            self._learner.compile()
        self._feed = Feed(train, recipe, network.classes, self.device, workers)
        self._average = Average(self.network, recipe.ema) if recipe.ema else None
        self._best = Best(recipe)
        self._pace = Pace(minutes)
        #: Of the current epoch: places in the training set in their order, (loss, right answers) so far, seconds.
        self._order: NDArray[np.int64] | None = None
        self._sums = torch.zeros(2, device=self.device)
        self._seconds = 0.0

    @property
    def best_epoch(self) -> int:
        """The epoch whose weights are kept, counted from 1; 0 before the first."""
        return self._best.epoch

    @property
    def pictures_left(self) -> int:
        """How many training pictures will still be shown, unless training ends early."""
        plan = [] if self._order is None else self._plan()[: self.done]
        done = sum(len(places) for batches in plan for places in batches)
        return (self.epochs - self.epoch) * len(self.train_set) - done

    @property
    def is_over(self) -> bool:
        """Tell whether all epochs are done, or the validation loss has not fallen for ``patience`` epochs."""
        return self.epoch >= self.epochs or (self._order is None and self._best.has_waited(self.epoch))

    def run(self, task: Task, keep: Callable[[], None]) -> None:
        """Train to the end; afterwards the network holds its best weights.

        Args:
            task: counts training pictures.
            keep: called after each epoch, from time to time inside one, and before Ctrl-C ends the training: to write
                a checkpoint.

        Raises:
            UsageError: the loss is no longer a number, or there is not enough memory for a few pictures.
            KeyboardInterrupt: Ctrl-C, after the current step.
        """

        def kept() -> None:
            with self._pace.saving():
                keep()

        for hook in self.hooks:
            hook.on_train_begin(self)
        with stop_between_steps() as stop:
            while not self.is_over:
                self._learn_epoch(task, kept, stop)
                row = self._end_epoch()
                self.history.append(row)
                for hook in self.hooks:
                    hook.on_epoch_end(self, row)
                kept()
                task.note(self._note(row))
                _end_if_asked(stop)
        self.network.load_state_dict(self._best.weights)
        for hook in self.hooks:
            hook.on_train_end(self)

    def _learn_epoch(self, task: Task, keep: Callable[[], None], stop: Stop) -> None:
        """Take the steps of the current epoch that are not yet done."""
        self._begin = time.perf_counter() - self._seconds
        self.network.train()
        for hook in self.hooks:
            hook.on_epoch_begin(self)
        if self._order is None:
            self._replicas.spread()
            self._order = self.sampler.epoch_order()
            self._sums.zero_()
        else:  # resumed in its middle
            self._replicas.spread_modes()
        plan = self._plan()[self.done :]
        self._feed.begin([places for batches in plan for places in batches])
        for batches in plan:
            self._step(len(batches))
            task.advance(sum(map(len, batches)))
            self._seconds = time.perf_counter() - self._begin
            if stop.is_asked or self._pace.is_due:
                keep()
            _end_if_asked(stop)

    def _plan(self) -> list[list[NDArray[np.int64]]]:
        """Return for each step of the epoch its batches: places in the training set."""
        assert self._order is not None
        batches = np.array_split(self._order, self.batches)
        size = self.recipe.accumulate
        return [batches[begin : begin + size] for begin in range(0, len(batches), size)]

    def _step(self, count: int) -> None:
        """Learn from the next ``count`` batches."""
        rate = self.rate
        self.optimizer.set_rate(rate)
        batches = [self._hooked(self._feed.next()) for _ in range(count)]
        learned = self._learner.learn(batches)
        self.optimizer.step(learned.gradients, self.workers, self._learner.scaler)
        # Sums stay on the device: asking for each number would make a GPU wait.
        self._sums += torch.stack([learned.loss, learned.right])
        if self._average is not None:
            self._average.update(self._replicas.members)
        self.done += 1
        for hook in self.hooks:
            hook.on_step_end(self)

    def _hooked(self, batch: Batch) -> Batch:
        for hook in self.hooks:
            pictures, targets = hook.on_batch(self, batch.pictures, batch.targets)
            batch = Batch(pictures, targets, batch.seed)
        return batch

    @property
    def rate(self) -> float:
        """The learning rate of the next step."""
        recipe = self.recipe
        step = min(self.epoch * self.steps + self.done, self.epochs * self.steps - 1)
        return recipe.learning_rate * rate_factor(
            step, self.epochs * self.steps, recipe.warmup, schedule=recipe.schedule, decay=recipe.decay
        )

    def _end_epoch(self) -> dict[str, float]:
        """Measure the network, and return the epoch's row."""
        count = len(self.train_set)
        train_loss, train_accuracy = (float(total) / count for total in self._sums)
        if not np.isfinite(train_loss):
            raise broke_down(self.recipe, self.epoch + 1)
        self._replicas.gather()
        self.done = self.steps - 1
        rate = self.rate
        self.epoch += 1
        self._order, self.done, self._seconds = None, 0, 0.0
        valid_loss, valid_accuracy = self._validate()
        if not np.isfinite(valid_loss):
            # The last step of an epoch broke it; the training pictures were looked at before that.
            raise broke_down(self.recipe, self.epoch)
        return {
            "epoch": self.epoch,
            "train_loss": train_loss,
            "train_accuracy": train_accuracy,
            "valid_loss": valid_loss,
            "valid_accuracy": valid_accuracy,
            "learning_rate": rate,
            "seconds": time.perf_counter() - self._begin,
        }

    def _validate(self) -> tuple[float, float]:
        """Measure the network (or the average of its weights), and keep the weights if they are the best so far."""
        for hook in self.hooks:
            hook.on_validation_begin(self)
        with nullcontext() if self._average is None else self._average.in_place(self.network):
            logits = logits_of(self.network, self.valid_set, self.workers)
            labels = torch.from_numpy(self.valid_set.labels[self.valid_set.rows])
            found = self._best.judge(self.epoch, self.network, logits, labels)
        for hook in self.hooks:
            hook.on_validation_end(self)
        return found

    def _note(self, row: Mapping[str, float]) -> str:
        return _("epoch {epoch}/{epochs}, loss {loss:.3f}, validation {valid:.3f} ({accuracy:.1%} right)").format(
            epoch=self.epoch,
            epochs=self.epochs,
            loss=row["train_loss"],
            valid=row["valid_loss"],
            accuracy=row["valid_accuracy"],
        )

    def state(self) -> State:
        """Return all that the next step depends on. Between two steps; the tensors are the loop's own."""
        parts: dict[str, Mapping[str, Tensor]] = {
            "network": self.network.state_dict(),
            "best": self._best.weights,
            "optimizer": self.optimizer.tensors(),
            "sampler": self.sampler.tensors(),
            "average": {} if self._average is None else self._average.tensors(),
            "random": self._feed.random_state().tensors(),
            **{f"hook.{number}": hook.tensors() for number, hook in enumerate(self.hooks)},
        }
        if self._order is not None:
            parts["replicas"] = self._replicas.tensors()
            parts["epoch"] = {"order": torch.from_numpy(self._order), "sums": self._sums}
        facts = {
            "epochs": self.epochs,
            "done": self.done,
            "seconds": self._seconds,
            "pieces": self._learner.pieces,
            "scaler": self._learner.scaler.state_dict(),
            "best": self._best.facts(),
            "history": self.history,
        }
        return State(
            {f"{part}.{name}": tensor for part, tensors in parts.items() for name, tensor in tensors.items()}, facts
        )

    def restore(self, state: State) -> None:
        """Go on from what ``state`` returned.

        Raises:
            KeyError, IndexError, RuntimeError, ValueError, TypeError: the state is not of this network and recipe.
        """
        facts, tensors = state.facts, state.tensors
        if facts["epochs"] != self.epochs:
            raise ValueError(f"{facts['epochs']} epochs instead of {self.epochs}")
        history = [{str(name): float(value) for name, value in row.items()} for row in facts["history"]]
        if len(history) > self.epochs:
            raise ValueError(f"{len(history)} of {self.epochs} epochs")
        self.network.load_state_dict(_below("network.", tensors))
        self._best.restore(facts["best"], _below("best.", tensors), self.network)
        self.optimizer.restore(_below("optimizer.", tensors))
        for number, hook in enumerate(self.hooks):
            hook.restore(_below(f"hook.{number}.", tensors))
        self.sampler.restore(_below("sampler.", tensors))
        if self._average is not None:
            self._average.restore(_below("average.", tensors))
        self._learner.pieces = min(max(1, int(facts["pieces"])), self.recipe.batch_size)
        if facts["scaler"]:
            self._learner.scaler.load_state_dict(facts["scaler"])
        self.history, self.epoch = history, len(history)
        if "epoch.order" in tensors:
            self._replicas.restore(_below("replicas.", tensors))
            order = tensors["epoch.order"].numpy()
            places = len(self.train_set)
            if order.dtype != np.int64 or order.shape != (places,) or order.min() < 0 or order.max() >= places:
                raise ValueError(f"an epoch of {order.shape} pictures instead of {places}")
            self._order = order
            self._sums.copy_(tensors["epoch.sums"])
            self.done, self._seconds = int(facts["done"]), float(facts["seconds"])
            if not 0 <= self.done <= self.steps:
                raise ValueError(f"{self.done} of {self.steps} steps")
        RandomState.restore(_below("random.", tensors), self.device)


def _below(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _end_if_asked(stop: Stop) -> None:
    if stop.is_asked:
        raise KeyboardInterrupt
