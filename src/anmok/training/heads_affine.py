"""The head that is one affine map of an extractor's vectors: kept in a checkpoint, appended to a graph by one Gemm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anmok.features.extractor_outputs import VectorOutput
from anmok.training.heads_layered import Dense


@dataclass(frozen=True, slots=True)
class AffineHead:
    """``logits = vectors @ weight.T + bias``; probabilities are their softmax.

    Attributes:
        weight: float32 ``(K, D)``.
        bias: float32 ``(K,)``.
    """

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]

    def __post_init__(self) -> None:
        if self.weight.ndim != 2 or self.bias.shape != self.weight.shape[:1]:
            raise ValueError(f"weight {self.weight.shape} and bias {self.bias.shape} are not (K, D) and (K,)")

    @property
    def output(self) -> VectorOutput:
        """Which vectors of the extractor it takes."""
        return "embedding"

    @property
    def steps(self) -> tuple[Dense]:
        """The head as the one step that it is."""
        return (Dense(self.weight, self.bias),)

    def logits(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return float32 ``(N, K)`` for float32 vectors ``(N, D)``."""
        return vectors @ self.weight.T + self.bias

    def probabilities(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return float32 ``(N, K)``, rows sum to 1."""
        logits = self.logits(vectors)
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        result: NDArray[np.float32] = powers / powers.sum(axis=1, keepdims=True)
        return result
