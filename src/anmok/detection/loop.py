"""The training loop of detectors. Imports PyTorch.

What an epoch shows, in what order and how changed, follows from the seed and the number of the epoch alone, so a
training that was killed goes on as if nothing had happened, whatever the number of threads.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from anmok.detection.answers import answers_of
from anmok.detection.augmentation import place
from anmok.detection.examples import Example, canvases_of, epoch_batches
from anmok.detection.losses import Targets, loss_of, targets_of
from anmok.detection.matching import match_classes
from anmok.detection.measures import mean_average_precision, precision_and_recall
from anmok.detection.network import Detector
from anmok.detection.settings import DetectConfig
from anmok.errors import UsageError
from anmok.i18n import _
from anmok.progress import Task
from anmok.training.averaging import Average
from anmok.training.device import training_dtype
from anmok.training.pauses import Pace, stop_between_steps
from anmok.training.schedule import rate_factor
from anmok.training.state import State
from anmok.training.workers import Replicas, Workers

#: Parts of a batch that are learned from at the same time on a CPU.
PARTS = 2
#: The largest length of a step's gradient.
LONGEST_GRADIENT = 10.0
MINUTES = 5.0


class DetectorLoop:
    """One detector in training.

    Args:
        network: with its first weights, on its device.
        valid: chooses the epoch, by the mean average precision of the moving average of the weights.
        epochs: how many.
        minutes: between two checkpoints inside an epoch; 0: after every step.

    Attributes:
        epoch: epochs that are done. done: steps of the current one.
        history: a row for each epoch: losses, validation measures, rate, seconds.
        best_epoch: whose weights are kept, from 1.
    """

    def __init__(
        self,
        network: Detector,
        config: DetectConfig,
        train: Sequence[Example],
        valid: Sequence[Example],
        *,
        workers: Workers,
        epochs: int,
        minutes: float = MINUTES,
    ) -> None:
        self.network = network.to(memory_format=torch.channels_last)
        self.config, self.valid, self.workers, self.epochs = config, valid, workers, epochs
        self.examples = train
        self.device = next(network.parameters()).device
        self._pixels = [torch.from_numpy(np.ascontiguousarray(one.pixels.transpose(2, 0, 1))) for one in train]
        self._boxes = [torch.from_numpy(one.fitted_boxes).float() for one in train]
        self._labels = [torch.from_numpy(one.labels) for one in train]
        self._canvases = canvases_of(train, config.side)
        self.steps = len(epoch_batches(self._canvases, config.batch_size, (0,)))
        self._parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
        self._optimizer = _optimizer(network, config)
        self._replicas = Replicas(cast(Any, self.network), PARTS if self.device.type == "cpu" else 1)
        self._average = Average(cast(Any, self.network), config.ema)
        self._pace = Pace(minutes)
        self.epoch, self.done, self.best_epoch = 0, 0, 0
        self.history: list[dict[str, float]] = []
        self._best: dict[str, Tensor] = {}
        self._best_score = (-1.0, -1.0)
        self._sums, self._seconds = np.zeros(3), 0.0

    @property
    def pictures_left(self) -> int:
        """How many training pictures will still be shown."""
        shown = sum(map(len, self._batches()[: self.done])) if self.epoch < self.epochs else 0
        return (self.epochs - self.epoch) * len(self.examples) - shown

    def run(self, task: Task, keep: Callable[[], None]) -> None:
        """Train to the end; afterwards the network holds its best weights.

        Args:
            task: counts training pictures.
            keep: writes a checkpoint; called after each epoch, from time to time inside one, and before Ctrl-C ends
                the training.

        Raises:
            UsageError: the loss is no longer a number.
            KeyboardInterrupt: Ctrl-C, after the current step.
        """

        def kept() -> None:
            with self._pace.saving():
                keep()

        with stop_between_steps() as stop:
            while self.epoch < self.epochs:
                begin = time.perf_counter() - self._seconds
                self.network.train()
                self._replicas.spread_modes()
                for places in self._batches()[self.done :]:
                    self._step(places)
                    task.advance(len(places))
                    self._seconds = time.perf_counter() - begin
                    if stop.is_asked or self._pace.is_due:
                        kept()
                    if stop.is_asked:
                        raise KeyboardInterrupt
                row = self._end_epoch(begin)
                kept()
                task.note(
                    _("epoch {epoch}/{epochs}, loss {loss:.3f}, mAP50 {map50:.3f}").format(
                        epoch=self.epoch, epochs=self.epochs, loss=row["train_loss"], map50=row["map50"]
                    )
                )
                if stop.is_asked:
                    raise KeyboardInterrupt
        self.network.load_state_dict(self._best)
        self.network.eval()

    def _batches(self) -> list[list[int]]:
        return epoch_batches(self._canvases, self.config.batch_size, (self.config.seed, self.epoch))

    def _step(self, places: Sequence[int]) -> None:
        rate = self.config.learning_rate * rate_factor(
            self.epoch * self.steps + self.done, self.epochs * self.steps, self.config.warmup
        )
        for group in self._optimizer.param_groups:
            group["lr"] = rate * group["rate_factor"]
        count = min(len(self._replicas.members), len(places))
        parts = [part.tolist() for part in np.array_split(np.asarray(places), count)]
        shown = self.workers.map(self._show, parts)
        total = float(max(1, sum(targets.count for _pictures, targets in shown)))
        learned = self.workers.map(
            lambda one: self._learn(one[0], *one[1], total),
            list(zip(self._replicas.members, shown, strict=False)),
        )
        gradients = [gradient for _losses, gradient in learned]
        for place_, parameter in enumerate(self._parameters):
            found = [one for one in (gradient[place_] for gradient in gradients) if one is not None]
            parameter.grad = functools.reduce(torch.add, found) if found else None
        nn.utils.clip_grad_norm_(self._parameters, LONGEST_GRADIENT)
        self._optimizer.step()
        self._optimizer.zero_grad()
        self._average.update([cast(Any, self.network)])
        self._sums += sum(losses for losses, _gradient in learned) * len(places)
        self.done += 1

    def _show(self, places: Sequence[int]) -> tuple[Tensor, Targets]:
        """Return pictures uint8 ``(n, H, W, 3)``, changed by chance, and what is to be found in them."""
        canvas = self._canvases[places[0]]
        pictures, boxes, labels = [], [], []
        for number in places:
            random = np.random.default_rng((self.config.seed, self.epoch, number, 1))
            image, its, kept = place(self._pixels[number], self._boxes[number], canvas, random)
            pictures.append(image)
            boxes.append(its)
            labels.append(self._labels[number][kept])
        return torch.stack(pictures).permute(0, 2, 3, 1), targets_of(boxes, labels, canvas)

    def _learn(
        self, member: Any, pictures: Tensor, targets: Targets, count: float
    ) -> tuple[np.ndarray[Any, Any], list[Tensor | None]]:
        with self._low_precision():
            logits, distances, centres = member.raw(pictures.to(self.device))
        its = Targets(*(values.to(self.device) for values in (targets.labels, targets.distances, targets.centres)))
        losses = loss_of(logits, distances, centres, its, count)
        found = torch.autograd.grad(torch.stack(losses).sum(), self._parameters, allow_unused=True)
        return torch.stack(losses).detach().cpu().double().numpy(), list(found)

    def _low_precision(self) -> AbstractContextManager[object]:
        """Return the context of ``device.low_precision``, without PyTorch's cache of weights that were rounded.

        All threads share that cache, and each empties it when it is done. Of weights that are used at every level it
        then is chance whether their gradients are added up before or after rounding.
        """
        kind = training_dtype(self.device)
        if kind == torch.float32:
            return nullcontext()
        return torch.autocast(self.device.type, kind, cache_enabled=False)

    def _end_epoch(self, begin: float) -> dict[str, float]:
        losses = self._sums / len(self.examples)
        if not np.isfinite(losses).all():
            raise UsageError(
                _("Training of the detector broke down in epoch {epoch}: its loss is no longer a number.").format(
                    epoch=self.epoch + 1
                ),
                hint=_("Lower the learning rate ({rate}).").format(rate=self.config.learning_rate),
            )
        with self._average.in_place(cast(Any, self.network)):
            self.network.eval()
            found = answers_of(self._replicas.members, self.valid, self.workers)
            matches = match_classes([answered for answered, _loss in found], self.network.classes)
            # Without any box to find (its pictures could not be decoded) all epochs are as good, and the last is kept.
            map50, mean = map(float, np.nan_to_num(mean_average_precision(matches)))
            self.epoch += 1
            if (mean, map50) >= self._best_score:
                self._best_score, self.best_epoch = (mean, map50), self.epoch
                self._best = {name: tensor.detach().clone() for name, tensor in self.network.state_dict().items()}
        precision, recall = precision_and_recall(matches)
        row = {
            "epoch": float(self.epoch),
            "train_loss": float(losses.sum()),
            "class_loss": float(losses[0]),
            "box_loss": float(losses[1]),
            "centre_loss": float(losses[2]),
            "valid_loss": float(np.mean([loss for _answered, loss in found])),
            "map50": map50,
            "map": mean,
            "precision": precision,
            "recall": recall,
            "seconds": time.perf_counter() - begin,
        }
        self.history.append(row)
        self.done, self._sums, self._seconds = 0, np.zeros(3), 0.0
        return row

    def state(self) -> State:
        """Return all that the next step depends on."""
        optimizer = self._optimizer.state_dict()["state"]
        parts: dict[str, Mapping[str, Tensor]] = {
            "network": self.network.state_dict(),
            "best": self._best,
            "average": self._average.tensors(),
            "optimizer": {f"{place}.{name}": value for place, its in optimizer.items() for name, value in its.items()},
            "epoch": {"sums": torch.from_numpy(self._sums)},
        }
        tensors = {f"{part}.{name}": tensor for part, its in parts.items() for name, tensor in its.items()}
        facts = {
            "kind": "detector",
            "epochs": self.epochs,
            "done": self.done,
            "seconds": self._seconds,
            "best_epoch": self.best_epoch,
            "best_score": list(self._best_score),
            "history": self.history,
        }
        return State(tensors, facts)

    def restore(self, state: State) -> None:
        """Go on from what ``state`` returned.

        Raises:
            KeyError, IndexError, RuntimeError, ValueError, TypeError: the state is not of this training.
        """
        facts = state.facts
        if facts.get("kind") != "detector" or facts["epochs"] != self.epochs:
            raise ValueError(f"{facts.get('epochs')} epochs instead of {self.epochs}")
        if not 0 <= int(facts["done"]) <= self.steps or len(facts["history"]) > self.epochs:
            raise ValueError("more steps than there are")

        def below(prefix: str) -> dict[str, Tensor]:
            return {key.removeprefix(prefix): value for key, value in state.tensors.items() if key.startswith(prefix)}

        self.network.load_state_dict(below("network."))
        self._best = below("best.")
        self._average.restore(below("average."))
        its: dict[int, dict[str, Tensor]] = {}
        for key, tensor in below("optimizer.").items():
            number, name = key.split(".")
            its.setdefault(int(number), {})[name] = tensor
        self._optimizer.load_state_dict({**self._optimizer.state_dict(), "state": its})
        self._sums = below("epoch.")["sums"].numpy().copy()
        self.history = [{str(name): float(value) for name, value in row.items()} for row in facts["history"]]
        self.epoch, self.done, self._seconds = len(self.history), int(facts["done"]), float(facts["seconds"])
        self.best_epoch = int(facts["best_epoch"])
        self._best_score = (float(facts["best_score"][0]), float(facts["best_score"][1]))


def _optimizer(network: Detector, config: DetectConfig) -> torch.optim.Optimizer:
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            factor = config.backbone_rate if name.startswith("backbone.") else 1.0
            decay = config.weight_decay if parameter.ndim > 1 else 0.0
            groups.setdefault((factor, decay), []).append(parameter)
    return torch.optim.AdamW(
        [
            {"params": parameters, "rate_factor": factor, "weight_decay": decay}
            for (factor, decay), parameters in groups.items()
        ],
        lr=config.learning_rate,
        fused=True,
    )
