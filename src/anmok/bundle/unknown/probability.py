"""How far the most probable class is from certain: the baseline that every other score must beat.

Hendrycks and Gimpel, A Baseline for Detecting Misclassified and Out-of-Distribution Examples, ICLR 2017.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from anmok.bundle.reference import Reference
from anmok.bundle.unknown.registry import Floats, Range, Score, ScoreSpec, register_score
from anmok.i18n import marked as _
from anmok.probabilities import softmax


class Doubt:
    """``1 - max(softmax(logits / T))``, 0 to 1 - 1 / K."""

    def __init__(self, temperature: float) -> None:
        self._temperature = temperature

    def __call__(self, embeddings: Floats, logits: Floats) -> NDArray[np.float64]:
        """See ``Score``."""
        result: NDArray[np.float64] = 1 - softmax(logits, self._temperature).max(axis=1).astype(np.float64)
        return result


def make_probability(reference: Reference, settings: Mapping[str, float]) -> Score:
    """Return the score at ``settings["temperature"]``, which is the bundle's own."""
    return Doubt(settings["temperature"])


register_score(
    ScoreSpec(
        name="probability",
        title=_("probability of the most probable class"),
        source="Hendrycks, Gimpel: A Baseline for Detecting Misclassified and Out-of-Distribution Examples, ICLR 2017",
        uses_embeddings=False,
        make=make_probability,
        settings={"temperature": Range(1.0, 0.01, 100.0)},
    )
)
