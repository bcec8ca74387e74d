"""Batch normalisation of vectors that can also take a batch of one, of which there is no deviation to divide by."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import batch_norm


class VectorBatchNorm(nn.BatchNorm1d):
    """PyTorch's ``BatchNorm1d``; a single vector is normalised by what was learned so far, and teaches nothing.

    PyTorch raises an error there. A set that does not divide evenly into batches leaves such a one now and then.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return float32 ``(N, D)`` for ``(N, D)``."""
        if self.training and len(input) == 1:
            return batch_norm(input, self.running_mean, self.running_var, self.weight, self.bias, False, 0.0, self.eps)
        normalised: Tensor = super().forward(input)
        return normalised
