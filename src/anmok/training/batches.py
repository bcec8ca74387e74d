"""The batches of an epoch in the order in which they are learned; the next is made while the last is learned from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from anmok.config import Recipe
from anmok.training.augmentation import get_policy
from anmok.training.measuring import PictureSet
from anmok.training.mixing import Mixing
from anmok.training.workers import Workers


@dataclass(frozen=True, slots=True)
class Batch:
    """What one batch shows.

    Attributes:
        pictures: uint8 ``(N, S, S, 3)``, augmented and mixed.
        targets: float32 ``(N, K)``, rows sum to 1.
        seed: of the random numbers that networks draw while they learn from it, 0 to 2**62 - 1.
    """

    pictures: Tensor
    targets: Tensor
    seed: int

    def pieces(self, count: int) -> list[Batch]:
        """Return the batch in ``count`` pieces of nearly equal size, with a seed each."""
        pairs = zip(self.pictures.tensor_split(count), self.targets.tensor_split(count), strict=True)
        # Knuth's factor: so pieces of pieces have other seeds than the next piece.
        seeds = [(self.seed * 6364136223846793005 + number + 1) % 2**62 for number in range(count)]
        return [Batch(*pair, seed) for pair, seed in zip(pairs, seeds, strict=True) if len(pair[0])]


class RandomState:
    """The state of PyTorch's generators at one moment, on the CPU and the GPU that is used."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._cpu = torch.get_rng_state()
        self._cuda = torch.cuda.get_rng_state(device) if device.type == "cuda" else None

    def tensors(self) -> Mapping[str, Tensor]:
        """Return uint8 vectors by name."""
        return {"cpu": self._cpu} if self._cuda is None else {"cpu": self._cpu, "cuda": self._cuda}

    @staticmethod
    def restore(tensors: Mapping[str, Tensor], device: torch.device) -> None:
        """Give the generators back the state that ``tensors`` returned."""
        torch.set_rng_state(tensors["cpu"])
        if device.type == "cuda" and "cuda" in tensors:
            torch.cuda.set_rng_state(tensors["cuda"], device)


class Feed:
    """Makes batches, one ahead of those that are asked for, in a thread of ``workers``.

    All chance of an epoch is drawn here and in the order of the batches, so it depends neither on threads nor on how
    far ahead a batch is made.
    """

    def __init__(
        self, pictures: PictureSet, recipe: Recipe, classes: int, device: torch.device, workers: Workers
    ) -> None:
        self.pictures, self._device, self._workers = pictures, device, workers
        self._augment = get_policy(recipe.augmentation)
        self._mix = Mixing(recipe.mixup, recipe.cutmix, classes)
        self._places: list[NDArray[np.int64]] = []
        self._ahead: Future[tuple[RandomState, Batch]] | None = None

    def begin(self, places: Sequence[NDArray[np.int64]]) -> None:
        """Let ``next`` return batches of these places in the training set, one after another."""
        self._places = list(reversed(places))
        self._ahead = None

    def next(self) -> Batch:
        """Return the next batch."""
        _before, batch = self._begun().result()
        self._ahead = None
        if self._places:
            self._begun()
        return batch

    def random_state(self) -> RandomState:
        """Return the random numbers as they are when the next batch has not been made."""
        return RandomState(self._device) if self._ahead is None else self._ahead.result()[0]

    def _begun(self) -> Future[tuple[RandomState, Batch]]:
        if self._ahead is None:
            self._ahead = self._workers.begin(self._make(self._places.pop()))
        return self._ahead

    def _make(self, places: NDArray[np.int64]) -> Callable[[], tuple[RandomState, Batch]]:
        def make() -> tuple[RandomState, Batch]:
            before = RandomState(self._device)
            pictures, labels = self.pictures.batch(places, self._device)
            pictures = self._augment(pictures.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
            pictures, targets = self._mix(pictures, labels)
            return before, Batch(pictures, targets, int(torch.randint(2**62, ())))

        return make
