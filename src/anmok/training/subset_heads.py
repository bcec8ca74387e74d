"""Heads of parts of the training pictures, on vectors that are there: which test pictures each gets right."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from anmok.config import Recipe
from anmok.data.manifest import Manifest
from anmok.features.extraction import extract
from anmok.progress import Progress
from anmok.training.frozen import extractor_of
from anmok.training.heads import fit_at_strength, fit_logistic
from anmok.training.heads_layered import Power, through
from anmok.training.rows import groups_of
from anmok.training.views import views_of


def answers_by_subset(
    recipe: Recipe,
    manifest: Manifest,
    subsets: Sequence[Sequence[NDArray[np.int64]]],
    asked: NDArray[np.int64],
    *,
    threads: int,
    progress: Progress,
    advance: Callable[[], None],
) -> list[NDArray[np.bool_]]:
    """Fit the logistic head of a frozen recipe on each subset, and ask it.

    The strength is chosen by cross-validation for the first subset of each size and holds for the others of that size:
    it depends on how many pictures there are far more than on which.

    Args:
        subsets: for each size, rows of the manifest to learn from, of each draw.
        asked: (M,) rows to ask about.
        advance: called after each head.

    Returns:
        bool ``(draws, M)`` for each size: which answers are right.

    Raises:
        as ``extract``.
    """
    extractor = extractor_of(recipe, progress=progress)
    first = () if recipe.power == 1 else (Power(np.array(recipe.power, dtype=np.float32)),)
    seen = [
        through(first, np.asarray(extract(manifest, extractor, view=view, threads=threads, progress=progress)))
        for view in (None, *views_of(recipe))
    ]
    labels, groups, classes = manifest.label_indices(), np.array(groups_of(manifest)), len(manifest.classes)
    balanced = recipe.class_weights == "balanced"
    answers = []
    for draws in subsets:
        strength = 0.0
        hits = []
        for rows in draws:
            vectors = np.concatenate([view[rows] for view in seen])
            truth = np.tile(labels[rows], len(seen))
            if strength:
                head = fit_at_strength(vectors, truth, strength, classes=classes, balanced=balanced)
            else:
                names = [str(name) for name in groups[rows]] * len(seen)
                fit = fit_logistic(
                    vectors,
                    truth,
                    recipe.seed,
                    classes=classes,
                    groups=names,
                    asked=len(rows),
                    balanced=balanced,
                    threads=threads,
                )
                head, strength = fit.head, fit.strength
            hits.append(head.logits(seen[0][asked]).argmax(axis=1) == labels[asked])
            advance()
        answers.append(np.stack(hits))
    return answers
