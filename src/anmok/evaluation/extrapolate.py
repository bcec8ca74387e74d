"""From errors measured at a few training-set sizes to what more pictures would give, with honest intervals.

The error falls as a power law towards a floor, ``error(n) = L (u + (1 - u) (n / N)^-c)`` (Hestness et al., "Deep
Learning Scaling is Predictable, Empirically", arXiv:1712.00409, 2017; of the families that Viering and Loog, "The Shape
of Learning Curves: a Review", IEEE TPAMI 45, 2023, compare, it describes most curves best). A handful of points cannot
decide u and c, and the best fit alone would be far too sure. So every pair of a grid stays a candidate, weighted by
how well it explains the points (as Domhan, Springenberg and Hutter, "Speeding up Automatic Hyperparameter Optimization
of Deep Neural Networks by Extrapolation of Learning Curves", IJCAI 2015, weight theirs); L has a closed form. Around
its candidate the true curve may stray, the more the farther one goes from what was measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anmok.records import Interval

Floats = NDArray[np.float64]

#: Candidates: u, the share of the present error that no number of pictures removes, and c, the exponent.
FLOORS = np.linspace(0.0, 0.95, 20)
EXPONENTS = np.geomspace(0.15, 2.0, 16)
#: How far a true curve strays from its candidate: this part of the present error at e times as many pictures, growing
#: with the root of the logarithm. benchmarks/data_size.py tries the intervals that this gives.
STRAY = 0.07
#: Part of the binomial variance by which two heads differ that learned from different pictures, and how many
#: degrees of freedom that prior knowledge counts for, beside what the subsets show.
USUAL_LUCK, LUCK_COUNTS = 0.4, 4.0


@dataclass(frozen=True, eq=False)
class FittedCurve:
    """Errors at P sizes and what follows from them.

    Attributes:
        sizes: (P,) pictures learned from, rising; the last one is all of them.
        errors: (P,) mean error of the subsets of each size, 0-1.
        subsets: of each size but the last, which has one.
        measured: how many pictures were asked.
        luck: variance between heads of different training pictures, as part of the binomial variance.
    """

    sizes: Floats
    errors: Floats
    subsets: int
    measured: int
    luck: float

    def expect(self, sizes: ArrayLike) -> tuple[list[Interval], list[Interval]]:
        """Return the accuracies to expect at these sizes: on the same measured pictures, and on others of the kind.

        Args:
            sizes: (Q,) numbers of pictures.
        """
        at = np.asarray(sizes, dtype=np.float64)
        means, variances, weights = self._mixture(at)
        same, elsewhere = [], []
        for number in range(len(at)):
            mean, variance = means[:, number], variances[:, number]
            low, middle, high = mixture_quantiles(mean, variance, weights)
            same.append(_accuracy(middle, low, high))
            sampling = _binomial(np.clip(middle, 0, 1), self.measured)
            low, middle, high = mixture_quantiles(mean, variance + sampling, weights)
            elsewhere.append(_accuracy(middle, low, high))
        return same, elsewhere

    def gain(self, times: float) -> Interval:
        """Return how much accuracy so many times as many pictures bring, on average over draws of the pictures.

        Unlike two measurements, of which one may be lucky, it cannot fall but by what the true curve may stray.
        """
        level, precision, weights = self._levels(self._covariance(self.sizes))
        drop = 1 - _shapes(np.array([times]))[:, 0]
        stray = (STRAY * self.errors[-1]) ** 2 * np.log(times)
        low, middle, high = mixture_quantiles(level * drop, drop**2 / precision + stray + 1e-12, weights)
        return Interval(middle, low, high)

    def _levels(self, covariance: Floats) -> tuple[Floats, Floats, Floats]:
        """Return of each candidate its error at all pictures, by generalised least squares, with precision and weight.

        Args:
            covariance: (P, P) of the measured errors.
        """
        inverse, known = np.linalg.inv(covariance), _shapes(self.sizes / self.sizes[-1])
        precision = np.einsum("kp,pq,kq->k", known, inverse, known)
        level = known @ inverse @ self.errors / precision
        rest = self.errors - level[:, None] * known
        # The level is integrated out of the weight.
        logs = -0.5 * np.einsum("kp,pq,kq->k", rest, inverse, rest) - 0.5 * np.log(precision)
        weights = np.exp(logs - logs.max())
        return level, precision, weights / weights.sum()

    def _mixture(self, at: Floats) -> tuple[Floats, Floats, Floats]:
        """Return means and variances of the error ``(candidates, Q)`` and the candidates' weights."""
        count = len(self.sizes)
        everywhere = np.concatenate([self.sizes, at])
        shapes = _shapes(everywhere / self.sizes[-1])
        covariance = self._covariance(everywhere)
        level, precision, weights = self._levels(covariance[:count, :count])
        known = shapes[:, :count]
        rest = self.errors - level[:, None] * known
        pull = covariance[count:, :count] @ np.linalg.inv(covariance[:count, :count])
        means = level[:, None] * shapes[:, count:] + rest @ pull.T
        left = np.diag(covariance[count:, count:] - pull @ covariance[:count, count:])
        of_level = (shapes[:, count:] - known @ pull.T) ** 2 / precision[:, None]
        return means, np.maximum(left + of_level, 1e-12), weights

    def _covariance(self, sizes: Floats) -> Floats:
        """Return how errors at these sizes vary together: by the draw of training pictures, and by straying.

        Two heads of a and b training pictures, of which o are the same, correlate as o / sqrt(a b). The subsets of one
        seed are nested; those of two seeds share what chance gives; more pictures than now hold all that are there.
        """
        whole, number = self.sizes[-1], len(self.sizes)
        small, large = np.minimum.outer(sizes, sizes), np.maximum.outer(sizes, sizes)
        nested = np.sqrt(small / large)
        by_chance = np.where(large < whole, np.sqrt(small * large) / whole, nested)
        correlation = nested / self.subsets + (1 - 1 / self.subsets) * by_chance
        correlation = np.where(large >= whole, nested, correlation)
        asked = np.arange(len(sizes)) >= number
        # What is asked about is one head, also at a size of which several were averaged.
        correlation[np.diag_indices(len(sizes))] = np.where(asked, 1.0, np.diag(correlation))
        error = np.concatenate([self.errors, self.errors[-1] * (sizes[number:] / whole) ** -0.3])
        spread = np.sqrt(self.luck * _binomial(np.clip(error, 0, 1), self.measured))
        logs = np.log(sizes / whole)
        shared = np.where(np.sign(logs)[:, None] == np.sign(logs), np.minimum.outer(np.abs(logs), np.abs(logs)), 0.0)
        covariance: Floats = np.outer(spread, spread) * correlation + (STRAY * self.errors[-1]) ** 2 * shared
        return covariance + 1e-9 * np.eye(len(sizes))


def fit_curve(sizes: Sequence[int], hits: Sequence[NDArray[np.bool_]]) -> FittedCurve:
    """Fit the curve of answers at P sizes.

    Args:
        sizes: of the training sets, rising, at least three.
        hits: at each size bool ``(S, M)``: which of the M measured pictures each of the S heads got right. The last
            size has one head, of all pictures; the others are of nested random subsets of those.

    Raises:
        ValueError: the arrays do not fit each other.
    """
    counts = [len(part) for part in hits]
    if len(sizes) < 3 or len(hits) != len(sizes) or sorted(set(sizes)) != list(sizes):
        raise ValueError(
            f"sizes {list(sizes)} for {len(hits)} arrays of answers; three rising sizes or more are wanted"
        )
    if counts[-1] != 1 or len(set(counts[:-1])) != 1 or len({part.shape[1:] for part in hits}) != 1:
        raise ValueError(f"{counts} heads; as many of each size, and one of the last, are wanted")
    measured = hits[0].shape[1]
    errors = np.array([1 - part.mean() for part in hits])
    places = np.array(sizes, dtype=np.float64)
    total, freedom = USUAL_LUCK * LUCK_COUNTS, LUCK_COUNTS
    if counts[0] > 1:
        for part, error, share in zip(hits[:-1], errors, places / places[-1], strict=False):
            # Subsets of a small pool are more alike than independent ones by the share that they take of it.
            variance = part.mean(axis=1).var(ddof=1) / (1 - share)
            total += (counts[0] - 1) * float(variance / _binomial(error, measured))
            freedom += counts[0] - 1
    return FittedCurve(places, errors, counts[0], measured, total / freedom)


def mixture_quantiles(
    means: Floats, variances: Floats, weights: Floats, shares: Sequence[float] = (0.025, 0.5, 0.975)
) -> list[float]:
    """Return quantiles of a mixture of normal distributions, each array ``(K,)``, to a thousandth of its spread."""
    from scipy.special import ndtr

    counts = weights > 1e-5 * weights.max()
    means, variances, weights = means[counts], variances[counts], weights[counts] / weights[counts].sum()
    spread = np.sqrt(variances)
    places = np.linspace((means - 5 * spread).min(), (means + 5 * spread).max(), 601)
    below = weights @ ndtr((places - means[:, None]) / spread[:, None])
    return [float(place) for place in np.interp(shares, below, places)]


def _shapes(ratios: Floats) -> Floats:
    """Return each candidate's errors at ``ratios`` ``(P,)`` of the present size, 1 at 1: ``(candidates, P)``."""
    floors, exponents = (grid.ravel()[:, None] for grid in np.meshgrid(FLOORS, EXPONENTS, indexing="ij"))
    shapes: Floats = floors + (1 - floors) * ratios**-exponents
    return shapes


def _binomial(error: ArrayLike, measured: int) -> Floats:
    """Return the variance of an error rate on so many pictures; never quite 0, as no rate is ever quite known."""
    rate = np.asarray(error, dtype=np.float64)
    return np.maximum(rate * (1 - rate), 0.5 / measured) / measured


def _accuracy(error: float, low: float, high: float) -> Interval:
    return Interval(*(float(np.clip(1 - value, 0, 1)) for value in (error, high, low)))
