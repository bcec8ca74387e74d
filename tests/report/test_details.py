"""What the section about one model says of its training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from anmok.report.details import kept_epoch
from report.comparisons import comparison

#: Loss and accuracy of validation pictures: the least loss is the second epoch's, the best accuracy the third's.
HISTORY = tuple(
    {"epoch": float(number), "valid_loss": loss, "valid_accuracy": accuracy}
    for number, (loss, accuracy) in enumerate([(0.9, 0.5), (0.4, 0.7), (0.5, 0.8), (0.6, 0.8)], 1)
)


@pytest.mark.parametrize(
    ("recipe", "told"),
    [
        ({"keep": "best-loss"}, "Epoch 2 of 4 was kept: validation loss 0.400, 70.0% right."),
        ({"keep": "best-accuracy"}, "Epoch 3 of 4 was kept: validation loss 0.500, 80.0% right."),
        ({"keep": "last"}, "Epoch 4 of 4 was kept: validation loss 0.600, 80.0% right."),
        ({"keep": "best-loss", "class_weights": "balanced"}, ""),
        ({}, ""),
    ],
)
def test_the_epoch_that_was_kept_is_said_where_the_history_tells_it(recipe: Mapping[str, str], told: str) -> None:
    model = replace(comparison().models[0], recipe=dict(recipe), history=HISTORY)
    assert kept_epoch(model) == told
    assert kept_epoch(replace(model, history=())) == ""
