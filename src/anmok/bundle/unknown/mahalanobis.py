"""Mahalanobis distance to the nearest class mean, one covariance for all classes, embeddings of length 1.

Lee, Lee, Lee and Shin, A Simple Unified Framework for Detecting Out-of-Distribution Samples and Adversarial Attacks,
NeurIPS 2018. Embeddings are brought to length 1 first (Mueller and Hein, Mahalanobis++, ICML 2025), and the covariance,
which a few hundred pictures cannot fill, is shrunk to a multiple of the identity (Ledoit and Wolf, A well-conditioned
estimator for large-dimensional covariance matrices, 2004).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from anmok.bundle.reference import Reference
from anmok.bundle.unknown.registry import Floats, Score, ScoreSpec, register_score, unit_rows
from anmok.i18n import marked as _

#: Variance that no direction falls below, so that pictures that are all the same do not make distances infinite.
SMALLEST_VARIANCE = 1e-12
#: Of the smaller side of all embeddings: beyond it the covariance of a stranger's bundle would take minutes.
LARGEST_SIDE = 4096


class Mahalanobis:
    """Distance in units of the spread within classes; the square root, so that it grows like a length.

    The shrunk covariance is ``(1 - a) S + a m I`` with S the covariance around class means and m its mean variance. Its
    inverse is kept as the directions in which S is not nothing, at most R of them, and one number for all others.
    """

    def __init__(self, reference: Reference) -> None:
        present = np.unique(reference.labels)
        if len(present) == 0:
            raise ValueError("no embeddings to compare with")
        if min(reference.embeddings.shape) > LARGEST_SIDE:
            raise ValueError(f"a covariance of {reference.embeddings.shape} embeddings; {LARGEST_SIDE} at most")
        vectors = unit_rows(reference.embeddings).astype(np.float64)
        self._means = np.stack([vectors[reference.labels == number].mean(axis=0) for number in present])
        within = vectors - self._means[np.searchsorted(present, reference.labels)]
        variances, directions = _principal(within)
        mean = max(float(variances.sum()) / within.shape[1], SMALLEST_VARIANCE)
        share = ledoit_wolf(within, variances)
        floor = max(share * mean, SMALLEST_VARIANCE)
        self._rest = 1 / floor
        # distance^2 = |z|^2 / floor - sum_j (z . u_j)^2 (1 / floor - 1 / (own variance))
        saved = self._rest - 1 / ((1 - share) * variances + floor)
        self._saved = directions * np.sqrt(np.maximum(saved, 0))
        self._projected = self._means @ self._saved

    def __call__(self, embeddings: Floats, logits: Floats) -> NDArray[np.float64]:
        """See ``Score``."""
        asked = unit_rows(embeddings).astype(np.float64)
        full = _squared_distances(asked, self._means) * self._rest
        squared = full - _squared_distances(asked @ self._saved, self._projected)
        result: NDArray[np.float64] = np.sqrt(np.maximum(squared.min(axis=1), 0))
        return result


def _squared_distances(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``(N, C)`` squared Euclidean distances of each row to each row."""
    lengths = np.einsum("nd,nd->n", first, first)[:, None] + np.einsum("cd,cd->c", second, second)
    return np.asarray(lengths - 2 * first @ second.T, dtype=np.float64)


def _principal(centred: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return variances ``(r,)`` and directions ``(D, r)`` of the covariance, by the smaller of its two matrices."""
    count, dim = centred.shape
    if count >= dim:
        variances, directions = np.linalg.eigh(centred.T @ centred / count)
    else:
        variances, rows = np.linalg.eigh(centred @ centred.T / count)
        lengths = np.sqrt(np.maximum(variances, SMALLEST_VARIANCE**2) * count)
        directions = centred.T @ rows / lengths
    kept = variances > max(float(variances.max()), 0.0) * 1e-10
    return np.maximum(variances[kept], 0), directions[:, kept]


def ledoit_wolf(centred: NDArray[np.float64], variances: NDArray[np.float64]) -> float:
    """Return the share of the identity, 0-1, that makes the expected squared error of the covariance least.

    Args:
        centred: ``(R, D)`` rows around their mean.
        variances: eigenvalues of ``centred.T @ centred / R`` that are not 0.
    """
    count, dim = centred.shape
    squares = float((variances**2).sum())
    far = (squares - float(variances.sum()) ** 2 / dim) / dim
    fourth = float((np.einsum("nd,nd->n", centred, centred) ** 2).mean())
    noise = (fourth - squares) / (count * dim)
    return 1.0 if far <= 0 else float(np.clip(noise / far, 0, 1))


def make_mahalanobis(reference: Reference, settings: Mapping[str, float]) -> Score:
    """Return the score; it has no settings."""
    return Mahalanobis(reference)


register_score(
    ScoreSpec(
        name="mahalanobis",
        title=_("Mahalanobis distance to the nearest class"),
        source="Lee, Lee, Lee, Shin: A Simple Unified Framework for Detecting Out-of-Distribution Samples ..., 2018",
        uses_embeddings=True,
        make=make_mahalanobis,
    )
)
