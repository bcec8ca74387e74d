"""Labels and probabilities that hypothesis draws: ties, missing classes, one picture, constant and perfect scores."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

Drawn = tuple[NDArray[np.int64], NDArray[np.float64]]


@st.composite
def answers(draw: Callable, *, most_classes: int = 6, most_pictures: int = 40) -> Drawn:
    """Labels (N,) and probabilities (N, C) whose rows sum to 1 exactly; from few levels, so that scores tie."""
    classes = draw(st.integers(2, most_classes))
    pictures = draw(st.integers(1, most_pictures))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    kind = draw(st.sampled_from(["any", "ties", "constant", "perfect"]))
    y_true = random.integers(0, draw(st.integers(1, classes)), size=pictures)
    if kind == "any":
        scores = random.dirichlet(np.full(classes, 0.5), size=pictures)
    elif kind == "ties":
        scores = random.integers(0, 3, size=(pictures, classes)) + 0.25
    elif kind == "constant":
        scores = np.tile(random.integers(1, 5, size=classes).astype(float), (pictures, 1))
    else:
        scores = np.eye(classes)[y_true]
    return y_true, scores / scores.sum(axis=1, keepdims=True)
