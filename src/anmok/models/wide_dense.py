"""Dense layers of millions of weights: on a CPU their time is that of moving the weights, not of computing."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

#: From so many weights on a layer counts as wide.
WIDE = 1 << 20


class WideDense(nn.Linear):
    """A dense layer that spares its weights' way through memory; what it answers and learns is that of ``nn.Linear``.

    On a CPU it computes in float32 also where autocast asks for bfloat16: of few pictures, casting the weights forth
    and their gradient back costs more than it wins.

    Attributes:
        late: while it is a list, the backward pass leaves out the weights' gradient and puts here what makes it:
            inputs ``(N, I)`` and gradients of the outputs ``(N, O)``. ``training.late_gradients`` makes it of all parts
            of a batch at once, so that it is written once instead of once for each part.
    """

    late: list[tuple[Tensor, Tensor]] | None = None

    def forward(self, values: Tensor) -> Tensor:
        """Return outputs ``(N, O)`` of inputs ``(N, I)``."""
        if values.device.type != "cpu":
            return super().forward(values)
        with torch.autocast("cpu", enabled=False):
            values = values.float()
            if self.late is None or not torch.is_grad_enabled():
                return super().forward(values)
            found: Tensor = _LateGradient.apply(values, self.weight, self.bias, self.late)
            return found


class _LateGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, weight: Tensor, bias: Tensor, late: list[tuple[Tensor, Tensor]]) -> Tensor:
        ctx.save_for_backward(values, weight)
        ctx.late = late
        return linear(values, weight, bias)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, Tensor, None]:
        (gradient,) = gradients
        values, weight = ctx.saved_tensors
        ctx.late.append((values.detach(), gradient))
        return gradient @ weight, None, gradient.sum(dim=0), None
