"""What one step learns: the gradients of its batches, in parts that threads work on at the same time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from anmok.config import Recipe
from anmok.errors import UsageError
from anmok.i18n import _
from anmok.models.dropout import SeededDropout, seed_dropout
from anmok.training.batches import Batch
from anmok.training.device import loss_scaler, low_precision
from anmok.training.late_gradients import LateGradients
from anmok.training.measuring import release
from anmok.training.memory import is_out_of_memory
from anmok.training.optimizers import ShardedOptimizer
from anmok.training.workers import Replicas, Workers

#: Parts of a batch that are learned from at the same time on a CPU, whatever the number of cores: what is learned
#: must not depend on the machine's size. A GPU takes the batch whole.
PARTS = 4
#: More than two parts are made only where each has so many pixels: of small pictures threads cost more than they win.
#: From 32 of CIFAR-10's pictures a small network learns fastest in two parts, with four or one a third slower.
PIXELS_OF_A_PART = 32 * 64 * 64
#: Pictures that a part has at least: of fewer, batch normalisation knows too little.
SMALLEST_PART = 8


def parts_for(batch_size: int, image_size: int, device: torch.device) -> int:
    """Return in how many parts a batch is learned from.

    Args:
        image_size: side of the square pictures, pixels.
    """
    if device.type != "cpu":
        return 1
    of_many = batch_size // max(SMALLEST_PART, -(-PIXELS_OF_A_PART // image_size**2))
    return min(PARTS, max(1, min(2, batch_size // SMALLEST_PART), of_many))


@dataclass(frozen=True, slots=True)
class Learned:
    """What a step found out.

    Attributes:
        gradients: of each part, what ``ShardedOptimizer.flat`` returned; their sum is that of the mean loss.
        loss: sum of plain cross-entropies (without smoothing or weights), nats; on the network's device.
        right: number of pictures whose likeliest class is the one with the largest share in the target.
    """

    gradients: list[list[Tensor | None]]
    loss: Tensor
    right: Tensor


def broke_down(recipe: Recipe, epoch: int) -> UsageError:
    """Return what there is to say when a loss is no number any more in ``epoch`` (from 1)."""
    return UsageError(
        _("Training of {name} broke down in epoch {epoch}: its loss is no longer a number.").format(
            name=recipe.name, epoch=epoch
        ),
        hint=_("Lower the recipe's learning_rate ({rate}).").format(rate=recipe.learning_rate),
    )


class Learner:
    """Computes gradients.

    When memory runs out, each batch is worked through in pieces, one after another, until it fits: the gradients are
    those of the whole batch, only batch normalisation sees fewer pictures at a time.

    Args:
        say: is told a sentence when memory ran out.

    Attributes:
        pieces: in how many pieces each batch is worked through.
    """

    def __init__(
        self,
        replicas: Replicas,
        recipe: Recipe,
        optimizer: ShardedOptimizer,
        workers: Workers,
        *,
        class_weights: Tensor | None,
        say: Callable[[str], None],
    ) -> None:
        self.pieces = 1
        self.scaler = loss_scaler(optimizer.parameters[0].device)
        self._replicas, self._recipe, self._optimizer, self._workers = replicas, recipe, optimizer, workers
        self._class_weights, self._say = class_weights, say
        self._device = optimizer.parameters[0].device
        self._late = LateGradients(replicas.members, optimizer.parameters)
        self._draws = any(isinstance(module, SeededDropout) for module in replicas.members[0].modules())
        self._forward: list[Callable[[Tensor], tuple[Tensor, Tensor, Tensor]]] = list(replicas.members)
        self._compiled = False

    def compile(self) -> None:
        """Let PyTorch compile the network for training; ``device.is_worth_compiling`` says when it pays."""
        self._forward = [torch.compile(member) for member in self._replicas.members]
        self._compiled = True

    def learn(self, batches: Sequence[Batch]) -> Learned:
        """Return what the batches of one step of the optimiser teach."""
        largest = max(len(batch.pictures) for batch in batches)
        while True:
            try:
                return self._learn(batches)
            except (RuntimeError, MemoryError) as error:
                compiled, self._compiled = self._compiled, False
                if not is_out_of_memory(error) and not compiled:
                    raise
                if not compiled and self.pieces * 4 > largest:
                    raise self._too_large() from error
                reason = str(error).partition("\n")[0]
            # Outside the except block: the error holds the tensors of the attempt.
            release()
            if compiled:
                self._forward = list(self._replicas.members)
                self._say(
                    _("{name}: training goes on without compiling the network. ({reason})").format(
                        name=self._recipe.name, reason=reason
                    )
                )
                continue
            self.pieces *= 2
            self._say(
                _(
                    "{name}: memory ran out, so each batch is now worked through in {pieces} pieces, one after "
                    "another. The recipe stays as it is; training goes on, somewhat slower."
                ).format(name=self._recipe.name, pieces=self.pieces)
            )

    def _learn(self, batches: Sequence[Batch]) -> Learned:
        count = sum(len(batch.pictures) for batch in batches)
        gradients: list[list[Tensor | None]] = []
        loss, right = torch.zeros((), device=self._device), torch.zeros((), device=self._device)
        for batch in batches:
            for piece in batch.pieces(self.pieces):
                answers, found = zip(*self._learn_from_parts(piece, count), strict=True)
                # One set of gradients is kept however many pieces there are.
                gradients = [_sum(gradients[number : number + 1], one) for number, one in enumerate(found)] + gradients[
                    len(found) :
                ]
                logits = torch.cat(answers)
                loss += cross_entropy(logits, piece.targets, reduction="sum")
                right += (logits.argmax(dim=1) == piece.targets.argmax(dim=1)).sum()
        return Learned(gradients, loss, right)

    def _learn_from_parts(self, batch: Batch, count: int) -> list[tuple[Tensor, list[Tensor | None]]]:
        """Return logits and gradients of each part; ``count`` is the number of pictures of the whole step."""

        def learn(numbered: tuple[int, Batch]) -> tuple[Tensor, list[Tensor | None]]:
            number, part = numbered
            if self._draws:
                seed_dropout(self._replicas.members[number], part.seed)
            with low_precision(self._device):
                logits = self._forward[number](part.pictures)[0]
            logits = logits.float()
            loss = self.scaler.scale(self._loss(logits, part.targets) / count)
            gradients = torch.autograd.grad(loss, self._optimizer.parameters, allow_unused=True)
            return logits.detach(), self._optimizer.flat(gradients)

        # Pieces of a batch have fewer parts rather than parts of one picture, which batch normalisation cannot take.
        parts = max(1, min(len(self._replicas.members), len(batch.pictures) // 2))
        with self._late.left_out():
            learned = self._workers.map(learn, enumerate(batch.pieces(parts)))
            for place, gradient in self._late.make(self._workers).items():
                learned[0][1][place] = gradient
        return learned

    def _loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the sum of what the recipe takes for losses, smoothed and weighted."""
        smoothing = self._recipe.label_smoothing
        if self._class_weights is None:
            return cross_entropy(logits, targets, label_smoothing=smoothing, reduction="sum")
        # A weight for each picture: PyTorch's own would also weigh what smoothing takes from the label, so that every
        # picture would pull towards the dear classes.
        losses = cross_entropy(logits, targets, label_smoothing=smoothing, reduction="none")
        return (losses * (targets @ self._class_weights)).sum()

    def _too_large(self) -> UsageError:
        return UsageError(
            _("{name}: there is not enough memory to learn from even a few pictures at a time.").format(
                name=self._recipe.name
            ),
            hint=_("Close other programs, or choose a smaller image_size ({size}) or model ({model}).").format(
                size=self._recipe.image_size or _("the model's own"), model=self._recipe.model
            ),
        )


def _sum(before: Sequence[list[Tensor | None]], now: list[Tensor | None]) -> list[Tensor | None]:
    """Return ``now`` plus the one list in ``before``, if any, in its memory."""
    for tensors in before:
        for total, one in zip(tensors, now, strict=True):
            if total is not None and one is not None:
                total.add_(one)
        return tensors
    return now
