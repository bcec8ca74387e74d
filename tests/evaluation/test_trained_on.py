"""Recognising training pictures among the measured ones."""

from __future__ import annotations

import numpy as np
import pytest

from anmok.evaluation.trained_on import MOST, TrainingTrace


def embeddings(count: int, seed: int, dim: int = 64) -> np.ndarray:
    """Like a network's: mostly one common direction, all positive, a part of its own for each picture."""
    random = np.random.default_rng(seed)
    return (1 + 0.5 * random.random((count, dim))).astype(np.float32)


def share_of(kept: np.ndarray, measured: np.ndarray) -> float | None:
    trace = TrainingTrace(kept)
    for row in measured:
        trace.see(row)
    return trace.share()


def test_the_same_pictures_are_found_through_half_precision_and_another_decoder() -> None:
    seen = embeddings(300, 0)
    noise = np.random.default_rng(1).normal(scale=0.003, size=seen.shape).astype(np.float32)
    assert share_of(seen.astype(np.float16), seen + noise) == 1


def test_other_pictures_are_not_found_by_a_model_for_which_all_look_alike() -> None:
    alike, others = (1 + 0.02 * embeddings(n, seed, 8) for n, seed in ((300, 6), (3000, 7)))
    assert share_of(alike.astype(np.float32), others.astype(np.float32)) in (None, pytest.approx(0, abs=0.03))


def test_other_pictures_are_not_found() -> None:
    assert share_of(embeddings(300, 0), embeddings(700, 2)) == 0


def test_a_third_is_found_to_be_about_a_third_also_of_very_many() -> None:
    seen = embeddings(3 * MOST, 3)
    measured = np.concatenate([embeddings(100, 4), seen[np.random.default_rng(5).permutation(3 * MOST)[:MOST]]])
    assert share_of(seen, measured) == pytest.approx(1 / 3, abs=0.05)


@pytest.mark.parametrize(
    "kept",
    [np.ones((50, 8), np.float32), np.zeros((50, 8), np.float32), np.zeros((0, 8), np.float32), embeddings(5, 0, 8)],
    ids=["a collapsed model", "a dead model", "nothing kept", "too few kept"],
)
def test_where_embeddings_cannot_tell_pictures_apart_nothing_is_concluded(kept: np.ndarray) -> None:
    assert share_of(kept, np.ones((20, 8), np.float32)) is None
