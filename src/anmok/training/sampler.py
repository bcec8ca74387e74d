"""In which order an epoch shows its pictures: each once, or each class equally often."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from anmok.config import Recipe


class Sampler(Protocol):
    """Gives the order of each epoch; all chance comes from torch's generator."""

    def epoch_order(self) -> NDArray[np.int64]:
        """Return int64 ``(N,)``, places in the training set, N as many as it has pictures."""

    def tensors(self) -> Mapping[str, Tensor]:
        """Return what must be remembered between epochs; it goes into the checkpoint."""

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Take back what ``tensors`` returned.

        Raises:
            KeyError, ValueError: it is not of this sampler and these pictures.
        """


class Shuffle:
    """Each picture once an epoch, in an order of chance.

    Args:
        labels: int64 ``(N,)`` of the training set.
    """

    def __init__(self, labels: NDArray[np.int64]) -> None:
        self._count = len(labels)

    def epoch_order(self) -> NDArray[np.int64]:
        """See ``Sampler``."""
        order: NDArray[np.int64] = torch.randperm(self._count).numpy()
        return order

    def tensors(self) -> Mapping[str, Tensor]:
        """Nothing: the generator's state is all."""
        return {}

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """See ``Sampler``."""
        if tensors:
            raise ValueError(f"a shuffle remembers nothing, and {sorted(tensors)} came")


class Balanced:
    """Each class equally often an epoch (but for one picture, where the numbers do not divide).

    The pictures of each class lie in a shuffled deck of their own, which the epochs draw from one after another. An
    empty deck is shuffled anew, so pictures of a small class come several times an epoch. Of a large class an epoch
    takes a part, and the next epoch goes on where it stopped: after some epochs each of its pictures has had its turn,
    which drawing with replacement (``WeightedRandomSampler`` of PyTorch) does not give.

    Args:
        labels: int64 ``(N,)`` of the training set; classes without a picture are left out.
    """

    def __init__(self, labels: NDArray[np.int64]) -> None:
        self._places = [np.flatnonzero(labels == label) for label in np.unique(labels)]
        # Decks begin empty: the first epoch shuffles them, so making a sampler draws no random number.
        self._decks = [places.copy() for places in self._places]
        self._drawn = np.array([len(places) for places in self._places], dtype=np.int64)
        self._count = len(labels)

    def epoch_order(self) -> NDArray[np.int64]:
        """See ``Sampler``."""
        classes = len(self._places)
        quotas = np.full(classes, self._count // classes, dtype=np.int64)
        quotas[torch.randperm(classes).numpy()[: self._count % classes]] += 1
        drawn = np.concatenate([self._draw(number, int(quota)) for number, quota in enumerate(quotas)])
        order: NDArray[np.int64] = drawn[torch.randperm(len(drawn)).numpy()]
        return order

    def _draw(self, number: int, quota: int) -> NDArray[np.int64]:
        parts = []
        while quota:
            if self._drawn[number] == len(self._decks[number]):
                places = self._places[number]
                self._decks[number] = places[torch.randperm(len(places)).numpy()]
                self._drawn[number] = 0
            begin = int(self._drawn[number])
            part = self._decks[number][begin : begin + quota]
            self._drawn[number] += len(part)
            quota -= len(part)
            parts.append(part)
        return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)

    def tensors(self) -> Mapping[str, Tensor]:
        """Return the decks, one behind another, and how many of each are drawn."""
        return {"decks": torch.from_numpy(np.concatenate(self._decks)), "drawn": torch.from_numpy(self._drawn.copy())}

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """See ``Sampler``."""
        decks, drawn = tensors["decks"].numpy(), tensors["drawn"].numpy()
        sizes = [len(places) for places in self._places]
        if len(decks) != sum(sizes) or drawn.shape != (len(sizes),):
            raise ValueError(f"decks of {len(decks)} pictures and {len(drawn)} classes are not of these pictures")
        parts = np.split(decks, np.cumsum(sizes)[:-1])
        sound = all(np.array_equal(np.sort(part), places) for part, places in zip(parts, self._places, strict=True))
        if not sound or (drawn < 0).any() or (drawn > sizes).any():
            raise ValueError("the decks are not of these pictures")
        self._decks, self._drawn = [part.copy() for part in parts], drawn.astype(np.int64)


def get_sampler(recipe: Recipe, labels: NDArray[np.int64]) -> Sampler:
    """Return the sampler that ``recipe`` names for training pictures with these labels ``(N,)``."""
    return Balanced(labels) if recipe.sampler == "balanced" else Shuffle(labels)
