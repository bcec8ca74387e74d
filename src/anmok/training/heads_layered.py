"""Heads of several layers on vectors, as plain arrays: what a trained one answers needs no PyTorch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from anmok.features.extractor_outputs import VectorOutput
from anmok.probabilities import softmax

#: Vectors that go through a head at a time.
AT_ONCE = 256


class Vectors(Protocol):
    """An array ``(N, D)`` of which rows are read when asked for: NumPy's own, or ``features.cache_maps.Maps``."""

    @property
    def shape(self) -> tuple[int, ...]:
        """``(N, D)``."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: NDArray[np.int64], /) -> NDArray[np.float32]: ...


@dataclass(frozen=True, slots=True)
class Dense:
    """``values @ weight.T + bias``.

    Attributes:
        weight: float32 ``(outputs, inputs)``.
        bias: float32 ``(outputs,)``.
    """

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]

    def apply(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return float32 ``(N, ...)`` for ``(N, D)``."""
        return values @ self.weight.T + self.bias


@dataclass(frozen=True, slots=True)
class Scale:
    """``values * factor + shift``: batch normalisation with the statistics that it learned.

    Attributes:
        factor, shift: float32 ``(D,)``.
    """

    factor: NDArray[np.float32]
    shift: NDArray[np.float32]

    def apply(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return float32 ``(N, ...)`` for ``(N, D)``."""
        return values * self.factor + self.shift


@dataclass(frozen=True, slots=True)
class Relu:
    """What is negative becomes 0."""

    def apply(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return float32 ``(N, ...)`` for ``(N, D)``."""
        return np.maximum(values, np.float32(0))


@dataclass(frozen=True, slots=True)
class Power:
    """``sign(v) * |v| ** exponent`` of each number: a few large ones rule less (``Recipe.power``).

    Attributes:
        exponent: float32 ``()``, more than 0 to 1.
    """

    exponent: NDArray[np.float32]

    def apply(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return float32 ``(N, ...)`` for ``(N, D)``."""
        result: NDArray[np.float32] = np.sign(values) * np.abs(values) ** np.float32(self.exponent)
        return result


Step = Dense | Scale | Relu | Power
#: What checkpoints call the steps.
STEP_NAMES: dict[str, type[Dense] | type[Scale] | type[Relu] | type[Power]] = {
    "dense": Dense,
    "scale": Scale,
    "relu": Relu,
    "power": Power,
}


@dataclass(frozen=True, slots=True)
class LayeredHead:
    """Vectors go through the steps one after another; what comes out are logits ``(N, K)``.

    Attributes:
        output: which vectors of the extractor it takes.
        steps: the last one is a ``Dense`` with K outputs.
    """

    output: VectorOutput
    steps: tuple[Step, ...]

    def __post_init__(self) -> None:
        if not self.steps or not isinstance(self.steps[-1], Dense):
            raise ValueError("a head ends with a dense step")

    def logits(self, vectors: Vectors) -> NDArray[np.float32]:
        """Return float32 ``(N, K)`` for float32 vectors ``(N, D)``."""
        parts = np.array_split(np.arange(len(vectors)), max(1, -(-len(vectors) // AT_ONCE)))
        return np.concatenate([through(self.steps, vectors[rows]) for rows in parts])

    def probabilities(self, vectors: Vectors) -> NDArray[np.float32]:
        """Return float32 ``(N, K)``, rows sum to 1."""
        return softmax(self.logits(vectors)).astype(np.float32)


def through(steps: Sequence[Step], values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return what the steps make of ``values`` ``(N, D)``."""
    for step in steps:
        values = step.apply(values)
    return values
