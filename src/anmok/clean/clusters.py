"""Kinds of pictures: vectors centred per class and reduced, clusters in them, and whether one of two lies apart."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anmok.i18n import _

#: Dimensions that clusters are looked for in; k-means sees little more in further ones.
DIMENSIONS = 5
#: Pictures that the silhouette is computed on at most: it compares all pairs.
SILHOUETTE_SAMPLE = 5000
#: Ashman's D of a uniform distribution that is cut in half, the flattest shape that still has only one peak; a normal
#: one gives 2.65. Two groups are apart only beyond it.
APART = 2 * 3**0.5
#: Below so many pictures, or such a share, there is no kind but single strangers.
KIND_PICTURES, KIND_SHARE = 10, 0.05


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Clusters:
    """Pictures divided into kinds.

    Attributes:
        points: float64 ``(N, d)``, what was clustered.
        labels: int64 ``(N,)``, 0 is the largest kind, then the next.
        centres: float64 ``(k, d)``.
        silhouette: -1 to 1, higher is better (Rousseeuw 1987), on at most ``SILHOUETTE_SAMPLE`` pictures; None where
            there are not two kinds.
        davies_bouldin: 0 and more, lower is better (Davies and Bouldin 1979); None likewise.
    """

    points: NDArray[np.float64]
    labels: NDArray[np.int64]
    centres: NDArray[np.float64]
    silhouette: float | None
    davies_bouldin: float | None

    def sizes(self) -> NDArray[np.int64]:
        """Return int64 ``(k,)``."""
        return np.bincount(self.labels, minlength=len(self.centres)).astype(np.int64)


def indices_note() -> str:
    """Return what has to be said beside the two indices, in the user's language."""
    return _(
        "Silhouette and Davies-Bouldin tell how well the clusters are separated, not whether they are what you want "
        "removed: a division by background can score better than the one by kind. Look at the pictures."
    )


def centred(vectors: NDArray[np.float64], *groupings: NDArray[np.int64], rounds: int = 3) -> NDArray[np.float64]:
    """Take away the mean of each group of each grouping in turn, so that what is left does not tell the group.

    Args:
        groupings: int ``(N,)`` each, from 0: the classes, the splits.
        rounds: of backfitting, for groupings that depend on each other.
    """
    rest: NDArray[np.float64] = vectors - vectors.mean(axis=0)
    useful = [grouping for grouping in groupings if len(grouping) and grouping.max() > 0]
    for _round in range(rounds if len(useful) > 1 else 1):
        for grouping in useful:
            sums = np.zeros((int(grouping.max()) + 1, rest.shape[1]))
            np.add.at(sums, grouping, rest)
            counts = np.bincount(grouping, minlength=len(sums))
            rest = rest - (sums / np.maximum(counts, 1)[:, None])[grouping]
    return rest


def reduced(vectors: NDArray[np.float64], dimensions: int, *, seed: int) -> NDArray[np.float64]:
    """Return the first principal components, float64 ``(N, d)`` with ``d <= dimensions``."""
    from sklearn.decomposition import PCA

    count = min(dimensions, *vectors.shape)
    if not np.ptp(vectors, axis=0).any():
        return np.zeros((len(vectors), count))
    points: NDArray[np.float64] = PCA(count, random_state=seed, svd_solver="randomized").fit_transform(vectors)
    return points


def find_clusters(points: NDArray[np.float64], count: int, *, seed: int) -> Clusters:
    """Divide points by k-means++ (Arthur and Vassilvitskii 2007); fewer where there are not so many different ones."""
    from sklearn.cluster import KMeans

    # Equal vectors differ in their last digits after a reduction.
    scale = float(np.abs(points).max(initial=0)) or 1.0
    count = max(1, min(count, len(np.unique(np.round(points / scale, 9), axis=0))))
    if count == 1:
        labels = np.zeros(len(points), dtype=np.int64)
        return Clusters(
            points=points, labels=labels, centres=points.mean(axis=0)[None], silhouette=None, davies_bouldin=None
        )
    model = KMeans(count, init="k-means++", n_init=10, random_state=seed).fit(points)
    order = np.argsort(-np.bincount(model.labels_, minlength=count), kind="stable")
    labels = np.argsort(order)[model.labels_].astype(np.int64)
    silhouette, davies_bouldin = _indices(points, labels, seed)
    return Clusters(
        points=points,
        labels=labels,
        centres=np.asarray(model.cluster_centers_[order], dtype=np.float64),
        silhouette=silhouette,
        davies_bouldin=davies_bouldin,
    )


def separation(points: NDArray[np.float64], is_minor: NDArray[np.bool_], *, seed: int) -> float:
    """Return Ashman's D of two groups along the line that parts them best (Ashman, Bird and Zepf 1994).

    The line is Fisher's; each half of the points is seen along the line that the other half gave, because the line
    that was fitted on a point flatters it. 0 where a group is too small to say.
    """
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    # Every other one of each group, so that both halves hold both.
    half = np.zeros(len(points), dtype=bool)
    rng = np.random.default_rng(seed)
    for group in (is_minor, ~is_minor):
        half[rng.permutation(np.flatnonzero(group))[::2]] = True
    if min(np.bincount(is_minor * 2 + half, minlength=4)) < 2:
        return 0.0
    along = np.zeros(len(points))
    for part in (half, ~half):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # groups of a single place have no spread to divide by
            model: Any = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto").fit(points[~part], is_minor[~part])
        seen, fitted = model.decision_function(points[part]), model.decision_function(points[~part])
        along[part] = seen / (fitted.std() or 1.0)
    minor, major = along[is_minor], along[~is_minor]
    spread = float(np.sqrt(minor.var() + major.var()))
    gap = abs(float(minor.mean() - major.mean())) * 2**0.5
    return gap / spread if spread > 0 and np.isfinite(gap) else 0.0


def is_apart(clusters: Clusters, *, seed: int) -> tuple[bool, float]:
    """Tell whether the smallest of the kinds is one of its own, and Ashman's D of it against the rest.

    It is where it is large enough to be a kind, smaller than the rest, and farther apart than the halves of any
    distribution with a single peak would be (``APART``).
    """
    if len(clusters.centres) < 2:
        return False, 0.0
    is_minor = clusters.labels == len(clusters.centres) - 1
    enough = is_minor.sum() >= max(KIND_PICTURES, KIND_SHARE * len(is_minor))
    distance = separation(clusters.points, is_minor, seed=seed)
    return bool(enough and distance > APART), distance


def _indices(points: NDArray[np.float64], labels: NDArray[np.int64], seed: int) -> tuple[float | None, float | None]:
    from sklearn.metrics import davies_bouldin_score, silhouette_score

    if not 2 <= len(np.unique(labels)) < len(points):
        return None, None
    rows = np.arange(len(points))
    if len(rows) > SILHOUETTE_SAMPLE:
        rows = np.random.default_rng(seed).choice(len(points), SILHOUETTE_SAMPLE, replace=False)
    silhouette = float(silhouette_score(points[rows], labels[rows])) if len(np.unique(labels[rows])) > 1 else None
    return silhouette, float(davies_bouldin_score(points, labels))
