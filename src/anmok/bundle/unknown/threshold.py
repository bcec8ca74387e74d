"""Sets the threshold of "none of these" on pictures of the known classes that the model has not learned from.

Only known pictures are looked at: what else will be shown to a model nobody knows beforehand, and a threshold that is
chosen on one kind of strangers fits the next kind worse.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from anmok.bundle.reference import Reference
from anmok.bundle.unknown.registry import Floats, ScoreSpec, get_score
from anmok.bundle.unknown.rule import UnknownRule
from anmok.records import TRAIN, VALID

#: The score that bundles are given; measured against the others in docs/unknown.md.
DEFAULT_SCORE = "neighbour-mean"
#: Share of pictures of the known classes that shall be answered with a class.
ACCEPTED = 0.95
#: Decimal digits of a threshold.
DIGITS = 5
#: Parts that remembered pictures are divided into, each scored by what is remembered of the others. Few, so that a part
#: is longer than a series of pictures that are nearly alike: of horse-or-human's test pictures 0.91 are then accepted,
#: with ten parts 0.65, with parts drawn by lot 0.05.
PARTS = 5


def set_rule(
    reference: Reference,
    embeddings: Floats,
    logits: Floats,
    *,
    embeddings_learned: bool,
    score: str = DEFAULT_SCORE,
    settings: Mapping[str, float] | None = None,
) -> UnknownRule | None:
    """Return the rule that accepts about 95 % of pictures of the known classes, or None where nothing can set it.

    Args:
        reference: what the bundle remembers, exactly as it is stored.
        embeddings, logits: ``(N, D)`` and ``(N, K)`` of validation pictures, as the bundle's graph gives them. None of
            them may be in ``reference``.
        embeddings_learned: the embeddings come from a network that has learned from the training pictures. Then those
            lie nearer to each other than new pictures do, and cannot help to set the threshold. Embeddings of a frozen
            network know them no better than any others: validation pictures are joined by the remembered ones, each
            scored without itself, so that the threshold owes less to chance and to series of nearly equal pictures.
        score, settings: which, and how; by default the score's own settings.
    """
    spec = get_score(score)
    chosen = {**spec.defaults, **(settings or {})}
    if spec.uses_embeddings and len(reference.labels) == 0:
        return None
    held_out = {VALID: spec.make(reference, chosen)(embeddings, logits)}
    if spec.uses_embeddings and not embeddings_learned:
        held_out[TRAIN] = crossed_scores(spec, chosen, reference)
    scores = np.concatenate(list(held_out.values()))
    scores = scores[np.isfinite(scores)]
    if len(scores) == 0:
        return None
    threshold = conformal_threshold(scores, ACCEPTED)
    if TRAIN in held_out and np.isfinite(held_out[TRAIN]).all():
        # Validation pictures that are drawn by lot from series of pictures have a neighbour in training that new
        # pictures will not have; the parts of the remembered ones have none.
        threshold = max(threshold, conformal_threshold(held_out[TRAIN], ACCEPTED))
    # Upwards, so that what it was set on stays accepted; digits beyond these differ from machine to machine.
    threshold = math.ceil(threshold * 10**DIGITS) / 10**DIGITS
    return UnknownRule(
        score=score,
        settings=chosen,
        threshold=threshold,
        accepts=float((scores <= threshold).mean()),
        pictures={split: len(values) for split, values in held_out.items()},
    )


def conformal_threshold(scores: NDArray[np.float64], accepted: float) -> float:
    """Return a threshold that the next picture of the same kind stays below with probability ``accepted`` or more.

    It is the ``ceil((n + 1) accepted)``-th smallest of n scores, which keeps the promise for any distribution, on
    average over all draws of the n pictures (Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World, 2005).
    Fewer than ``accepted / (1 - accepted)`` scores cannot promise so much; then it is the largest of them.
    """
    rank = math.ceil((len(scores) + 1) * accepted - 1e-9)
    return float(np.sort(scores)[min(rank, len(scores)) - 1])


def crossed_scores(spec: ScoreSpec, settings: Mapping[str, float], reference: Reference) -> NDArray[np.float64]:
    """Return ``(R,)`` scores of what is remembered, each by a score that was made without it; NaN where none can be.

    A part is a run of pictures of each class in the order of the reference, which is that of the manifest: names that
    follow each other are often of one series (frames of a film, a burst, one figure drawn in many poses).
    """
    part = np.empty(len(reference.labels), dtype=np.int64)
    for number in np.unique(reference.labels):
        rows = np.flatnonzero(reference.labels == number)
        part[rows] = np.arange(len(rows)) * PARTS // len(rows)
    scores = np.full(len(part), np.nan)
    for number in range(PARTS):
        own, others = part == number, part != number
        if own.any() and others.any():
            made = spec.make(Reference(reference.embeddings[others], reference.labels[others]), settings)
            # A score of embeddings does not look at logits.
            scores[own] = made(reference.embeddings[own], np.zeros((int(own.sum()), 1), np.float32))
    return scores
