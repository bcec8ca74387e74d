"""From logits to probabilities: a stable softmax, and the temperature that makes them honest."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

#: A probability of 0 says nothing about how far its logit lies below the others; it is taken for this.
SMALLEST = 1e-12
#: Spread of log(temperature) that is expected before any picture was seen.
PRIOR_SPREAD = 0.5
LOWEST, HIGHEST = 0.05, 20.0


def softmax(logits: NDArray[Any], temperature: float = 1.0) -> NDArray[np.float32]:
    """Return float32 ``(N, K)`` probabilities, rows sum to 1, for float logits ``(N, K)`` of any finite size."""
    scaled = logits.astype(np.float64) / temperature
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    result: NDArray[np.float32] = (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)
    return result


def fit_temperature(probabilities: NDArray[Any], labels: NDArray[np.int64]) -> float:
    """Return the temperature that makes probabilities fit how often they are right.

    Minimises the log loss of ``softmax(log(probabilities) / T)`` (Guo et al., On calibration of modern neural
    networks, 2017) with a log-normal prior around T = 1 (spread ``PRIOR_SPREAD``). The prior weighs as little as
    a few pictures, and keeps T near 1 where there are few or all of them are right, which alone would drive T to 0.

    Args:
        probabilities: ``(N, K)`` before any temperature, of pictures that the model was not fitted on.
        labels: ``(N,)`` their true class numbers.
    """
    from scipy.optimize import minimize_scalar

    if len(labels) == 0:
        return 1.0
    logits = np.log(np.clip(probabilities.astype(np.float64), SMALLEST, 1))
    rows = np.arange(len(labels))

    def cost(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        top = scaled.max(axis=1)
        losses = top + np.log(np.exp(scaled - top[:, None]).sum(axis=1)) - scaled[rows, labels]
        return float(losses.sum() + 0.5 * (log_temperature / PRIOR_SPREAD) ** 2)

    found = minimize_scalar(cost, bounds=(np.log(LOWEST), np.log(HIGHEST)), method="bounded")
    return round(float(np.exp(found.x)), 4)
