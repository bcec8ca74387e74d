"""Points, targets and suppression: a box that is taught is the box that comes out, and doubles go."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.ops import batched_nms

from anmok.detection.augmentation import in_view, place
from anmok.detection.decoding import decode_boxes, points_of, suppress
from anmok.detection.fitting import CELL, fitted_size, on_canvas
from anmok.detection.losses import targets_of

CANVAS = (256, 192)


@settings(max_examples=50)
@given(st.integers(0, 150), st.integers(0, 200), st.integers(12, 180), st.integers(12, 240), st.integers(1, 4))
def test_what_points_are_taught_decodes_to_the_box(x: int, y: int, width: int, height: int, zoom: int) -> None:
    box = [float(x), float(y), float(min(x + width, 192)), float(min(y + height, 256))]
    if box[2] - box[0] < 12 or box[3] - box[1] < 12:
        return
    targets = targets_of([torch.tensor([box])], [torch.tensor([1])], CANVAS)
    assert targets.count > 0
    scores = np.zeros((targets.labels.shape[1], 3), dtype=np.float32)
    there = (targets.labels[0] >= 0).numpy()
    scores[there, 1] = 0.9
    found = decode_boxes(
        scores, targets.distances[0].numpy(), canvas=CANVAS, fitted=(192, 256), picture=(192 * zoom, 256 * zoom)
    )
    assert len(found.boxes) == 1
    assert found.labels.tolist() == [1]
    assert found.boxes[0] == pytest.approx(np.array(box) * zoom, abs=1e-3 * zoom)


def test_the_smaller_of_two_boxes_has_the_points_that_both_want() -> None:
    boxes = torch.tensor([[20.0, 20, 180, 180], [60, 60, 140, 140]])
    targets = targets_of([boxes], [torch.tensor([0, 1])], CANVAS)
    points, _strides = points_of(*CANVAS)
    middle = int(np.abs(points - 100).sum(axis=1).argmin())
    assert targets.labels[0, middle] == 1


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), st.integers(0, 40), st.floats(0.1, 0.9))
def test_suppression_is_that_of_torchvision(seed: int, count: int, most: float) -> None:
    random = np.random.default_rng(seed)
    low = random.uniform(0, 50, (count, 2))
    boxes = np.concatenate([low, low + random.uniform(5, 40, (count, 2))], axis=1)
    labels = random.integers(0, 3, count)
    scores = np.sort(random.random(count))[::-1].copy()
    wanted = batched_nms(torch.from_numpy(boxes), torch.from_numpy(scores), torch.from_numpy(labels), most)
    assert suppress(boxes, labels, most_overlap=most).tolist() == wanted.tolist()


@settings(max_examples=40)
@given(seed=st.integers(0, 2**32 - 1), width=st.integers(40, 200), height=st.integers(40, 200))
def test_a_changed_picture_takes_its_boxes_along(seed: int, width: int, height: int) -> None:
    random = np.random.default_rng(seed)
    x0, y0 = int(random.integers(0, width - 20)), int(random.integers(0, height - 20))
    x1, y1 = int(random.integers(x0 + 16, width)), int(random.integers(y0 + 16, height))
    picture = torch.zeros((3, height, width), dtype=torch.uint8)
    picture[:, y0:y1, x0:x1] = 255
    image, boxes, kept = place(picture, torch.tensor([[x0, y0, x1, y1]]).float(), (128, 160), random)
    assert image.shape == (3, 128, 160)
    if not len(kept):
        return
    # Colours change, so the white of the box is what is brighter than half of the brightest.
    left, top, right, bottom = boxes[0].tolist()
    bright = image.float().mean(dim=0)
    if right - left < 6 or bottom - top < 6:
        return
    inside = bright[int(np.ceil(top)) + 2 : int(bottom) - 2, int(np.ceil(left)) + 2 : int(right) - 2]
    if inside.numel():
        assert float(inside.min()) > 140
    # The box reaches as far as the white does, to two pixels.
    white = (bright > 140).nonzero()
    assert abs(float(white[:, 1].min()) - left) <= 2.5
    assert abs(float(white[:, 1].max()) + 1 - right) <= 2.5
    assert abs(float(white[:, 0].min()) - top) <= 2.5
    assert abs(float(white[:, 0].max()) + 1 - bottom) <= 2.5


def test_the_same_seed_changes_a_picture_in_the_same_way() -> None:
    picture = torch.randint(0, 255, (3, 50, 60), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    boxes = torch.tensor([[5.0, 5, 30, 40]])
    one, two, other = (place(picture, boxes, (64, 64), np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert torch.equal(one[0], two[0])
    assert torch.equal(one[1], two[1])
    assert not torch.equal(one[0], other[0])


def test_a_box_that_is_mostly_out_of_view_is_not_taught() -> None:
    boxes = torch.tensor([[-8.0, 0, 2, 10], [-5, 0, 5, 10], [60, 60, 70, 70], [70, 0, 90, 10], [10, 10, 20, 20]])
    clipped, kept = in_view(boxes, (64, 64))
    assert kept.tolist() == [1, 4]
    assert clipped.tolist() == [[0, 0, 5, 10], [10, 10, 20, 20]]


@given(st.integers(1, 9000), st.integers(1, 9000), st.sampled_from((64, 416, 640)))
def test_a_photo_of_any_shape_fits_a_canvas_of_whole_cells(width: int, height: int, side: int) -> None:
    fitted = fitted_size(width, height, side)
    assert max(fitted) == side
    assert min(fitted) >= 1
    canvas = on_canvas(np.zeros((fitted[1], fitted[0], 3), dtype=np.uint8))
    assert canvas.shape[0] % CELL == canvas.shape[1] % CELL == 0
    points, strides = points_of(canvas.shape[0], canvas.shape[1])
    assert len(points) == len(strides)
    assert (points < np.array([canvas.shape[1], canvas.shape[0]]) + strides[:, None]).all()
