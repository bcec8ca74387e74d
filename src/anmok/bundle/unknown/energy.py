"""Negative free energy of the logits: low where any class speaks up, high where all are silent.

Liu, Wang, Owens and Li, Energy-based Out-of-distribution Detection, NeurIPS 2020.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from anmok.bundle.reference import Reference
from anmok.bundle.unknown.registry import Floats, Range, Score, ScoreSpec, register_score
from anmok.i18n import marked as _


class Energy:
    """``-T log(sum(exp(logits / T)))``."""

    def __init__(self, temperature: float) -> None:
        self._temperature = temperature

    def __call__(self, embeddings: Floats, logits: Floats) -> NDArray[np.float64]:
        """See ``Score``."""
        scaled = np.asarray(logits, dtype=np.float64) / self._temperature
        top = scaled.max(axis=1)
        result: NDArray[np.float64] = -self._temperature * (top + np.log(np.exp(scaled - top[:, None]).sum(axis=1)))
        return result


def make_energy(reference: Reference, settings: Mapping[str, float]) -> Score:
    """Return the score at ``settings["temperature"]``."""
    return Energy(settings["temperature"])


register_score(
    ScoreSpec(
        name="energy",
        title=_("energy of the logits"),
        source="Liu, Wang, Owens, Li: Energy-based Out-of-distribution Detection, NeurIPS 2020",
        uses_embeddings=False,
        make=make_energy,
        settings={"temperature": Range(1.0, 0.01, 1000.0)},
    )
)
