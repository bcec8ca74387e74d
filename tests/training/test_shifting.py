"""Shifts by whole pixels: every pixel of the result is one of the picture's own, from as far away as was drawn."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from anmok.training.augmentation import MirrorShift


@settings(max_examples=40, deadline=None)
@given(height=st.integers(1, 40), width=st.integers(1, 40), seed=st.integers(0, 2**31))
def test_a_shifted_picture_is_the_picture_moved_and_perhaps_mirrored(height: int, width: int, seed: int) -> None:
    torch.manual_seed(seed)
    policy = MirrorShift(shift=1 / 8)
    pictures = torch.randint(0, 256, (3, 3, height, width), dtype=torch.uint8)
    params = policy.make_params([pictures])
    moved = policy.transform(pictures, params)
    for picture, after, rows, columns in zip(pictures, moved, params["rows"], params["columns"], strict=True):
        assert torch.equal(after, picture[:, rows][:, :, columns])
        for places, side in ((rows, height), (columns, width)):
            steps = places.diff()
            # Forwards or, mirrored, backwards; standing still only at an edge.
            assert set(steps.tolist()) <= {0, 1} or set(steps.tolist()) <= {0, -1}
            assert {int(place) for place in places[1:][steps == 0]} <= {0, side - 1}
            assert int((steps == 0).sum()) <= round(side / 8)


def test_half_of_the_pictures_are_mirrored_and_all_shifts_come() -> None:
    torch.manual_seed(0)
    columns = MirrorShift().make_params([torch.zeros(400, 3, 32, 32)])["columns"]
    mirrored = columns[:, 16] > columns[:, 17]
    assert 160 < int(mirrored.sum()) < 240
    assert {int(row[16]) for row in columns[~mirrored]} == {14, 15, 16, 17, 18}
