"""How large a mean loss may be where mistakes are too rare for resampling to see it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from anmok.metrics.counts import Ints
from anmok.metrics.intervals import rate_interval
from anmok.metrics.scores import picture_brier_score, picture_log_loss

#: Probabilities that are worked on at once (16 MB); bounds the memory.
_AT_ONCE = 2**21


def upper_losses(y_true: Ints, probabilities: NDArray[np.floating[Any]]) -> dict[str, float]:
    """Return upper 95 % limits of the mean log loss and Brier score, by name.

    A few mistakes make most of a mean loss, and a sample may hold none of them. So the mean is put together anew: the
    mean loss of right answers, and with the upper limit of the share of wrong ones (``rate_interval``) the mean loss of
    these. That one is taken from the wrong answers that were seen and from one more, whose loss is what the
    probabilities themselves say of it: the mean over all classes that were not answered, each as heavy as its
    probability.

    Args:
        y_true: ``(N,)``, N >= 1. probabilities: ``(N, C)``, C >= 2.
    """
    right = probabilities.argmax(axis=1) == np.asarray(y_true)
    wrong = len(right) - int(right.sum())
    share = float(rate_interval(wrong, len(right))[1])
    stated = _stated_losses(probabilities)
    limits = {}
    for name, of in {"log_loss": picture_log_loss, "brier_score": picture_brier_score}.items():
        losses = of(y_true, probabilities)
        loss_right = float(losses[right].mean()) if right.any() else 0.0
        loss_wrong = (float(losses[~right].sum()) + stated[name]) / (wrong + 1)
        limits[name] = (1 - share) * loss_right + share * loss_wrong
    return limits


def _stated_losses(probabilities: NDArray[np.floating[Any]]) -> dict[str, float]:
    """Return the mean losses of wrong answers as the probabilities state them; all alike where they state none."""
    classes = probabilities.shape[1]
    epsilon = np.finfo(probabilities.dtype).eps
    total = np.zeros(3)
    for part in np.array_split(probabilities, max(1, probabilities.size // _AT_ONCE)):
        stated = part.astype(np.float64)
        weights = stated + 1e-12  # so that there are weights where all answers are certain
        weights[np.arange(len(stated)), stated.argmax(axis=1)] = 0
        squares = np.einsum("nc,nc->n", stated, stated)[:, np.newaxis] - 2 * stated + 1
        log_losses = -np.log(np.clip(stated, epsilon, 1 - epsilon))
        total += [weights.sum(), (weights * log_losses).sum(), (weights * squares).sum()]
    halved = 2 if classes == 2 else 1
    return {"log_loss": float(total[1] / total[0]), "brier_score": float(total[2] / total[0] / halved)}
