"""Vectors to places in a plane: principal components, and a layout that keeps neighbours together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: Components that the neighbour layout looks at: the rest is mostly noise and costs time.
COMPONENTS = 50
#: Neighbours that each picture is held to, where there are enough pictures.
PERPLEXITY = 30.0
#: Fewer pictures than these have no neighbourhoods to keep.
FEWEST = 8
#: Steps of the layout; it changes little after these, and scikit-learn's own default takes a third longer.
STEPS = 750
#: Places are kept with so many digits of the unit square: finer than any screen.
DIGITS = 4


def components(vectors: NDArray[np.float32], *, seed: int) -> tuple[NDArray[np.float32], tuple[float, float]]:
    """Return vectors on their first principal components.

    Vectors are scaled to length 1 first: what a network sees lies in their directions.

    Args:
        vectors: float32 ``(N, D)``.

    Returns:
        float32 ``(N, K)`` with K between 2 and 50, columns by spread, and the shares (0-1) of the whole spread that
        the first two hold. Columns beyond what the data has are 0.
    """
    from sklearn.decomposition import PCA
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    count = min(COMPONENTS, *vectors.shape)
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    if count < 2 or not float(unit.var(axis=0).sum()) > 0:
        return np.zeros((len(vectors), 2), dtype=np.float32), (0.0, 0.0)
    pca = PCA(count, svd_solver="randomized" if count < min(vectors.shape) else "full", random_state=seed)
    with threadpool_limits(1):
        placed = pca.fit_transform(unit)
    first, second = pca.explained_variance_ratio_[:2]
    return placed.astype(np.float32), (float(first), float(second))


def neighbour_layout(placed: NDArray[np.float32], *, seed: int) -> NDArray[np.float32]:
    """Return places in a plane at which pictures that look alike to the network lie together.

    t-SNE (L. van der Maaten, Accelerating t-SNE using tree-based algorithms, JMLR 15, 2014) as scikit-learn has it,
    begun from the principal components, so that far parts of the plane mean something too (D. Kobak and P. Berens, The
    art of using t-SNE for single-cell transcriptomics, Nature Communications 10, 2019). Takes N log N time and N times
    some neighbours of memory; gives the same on any number of threads.

    Args:
        placed: float32 ``(N, K)``, as ``components`` gives them.

    Returns:
        float32 ``(N, 2)``; the first two components where there are fewer than eight pictures or all are alike.
    """
    if len(placed) < FEWEST or not float(placed[:, 0].std()) > 0:
        return placed[:, :2]
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    begin = placed[:, :2] / placed[:, 0].std() * 1e-4
    perplexity = min(PERPLEXITY, (len(placed) - 1) / 3)
    layout = TSNE(2, perplexity=perplexity, init=begin, max_iter=STEPS, random_state=seed)
    # Thousands of short steps: threads that wait for one another gain a third on idle cores, and on busy ones took six
    # times as long.
    with threadpool_limits(1):
        made: NDArray[np.float32] = layout.fit_transform(placed).astype(np.float32)
    return made


def in_unit_square(places: NDArray[np.float32]) -> tuple[tuple[float, float], ...]:
    """Return places shifted and scaled into 0-1, both axes alike; one far-off picture is moved in, not the others.

    Args:
        places: float32 ``(N, 2)``.
    """
    if not len(places):
        return ()
    low, high = np.quantile(places, (0.002, 0.998), axis=0) if len(places) > 500 else (places.min(0), places.max(0))
    span = float((high - low).max())
    middle = (low + high) / 2
    scaled = (places - middle) / (span * 1.02 if span > 0 else 1.0) + 0.5
    clipped = np.clip(scaled, 0.0, 1.0).round(DIGITS)
    return tuple((float(x), float(y)) for x, y in clipped.astype(np.float64).round(DIGITS))
