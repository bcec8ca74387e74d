"""The measures agree with COCO's own implementation, and their intervals are honest."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from anmok.detection.matching import Answered, match_classes, overlaps
from anmok.detection.measures import best_threshold, mean_average_precision, measure, precision_and_recall

CLASSES = 3


def _reference(pictures: list[Answered]) -> tuple[float, float]:
    """Return mAP at 0.5 and at ten overlaps, by pycocotools."""
    annotations, found = [], []
    for number, picture in enumerate(pictures, 1):
        for boxes, labels, scores, rows in (
            (picture.true_boxes, picture.true_labels, np.ones(len(picture.true_labels)), annotations),
            (picture.boxes, picture.labels, picture.scores, found),
        ):
            for (x0, y0, x1, y1), label, score in zip(boxes, labels, scores, strict=True):
                row = {"id": len(rows) + 1, "image_id": number, "category_id": int(label) + 1, "iscrowd": 0}
                size = {"bbox": [x0, y0, x1 - x0, y1 - y0], "area": (x1 - x0) * (y1 - y0)}
                rows.append({**row, **size, "score": float(score)})
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = {
            "info": {},
            "images": [{"id": number} for number in range(1, len(pictures) + 1)],
            "annotations": annotations,
            "categories": [{"id": number} for number in range(1, CLASSES + 1)],
        }
        truth.createIndex()
        results = COCO()
        results.dataset = {**truth.dataset, "annotations": found}
        results.createIndex()
        judged = COCOeval(truth, results, "bbox")
        judged.evaluate()
        judged.accumulate()
        judged.summarize()
    return float(judged.stats[1]), float(judged.stats[0])


def _boxes(random: np.random.Generator, count: int) -> np.ndarray:
    low = random.integers(0, 60, (count, 2)).astype(float)
    return np.concatenate([low, low + random.integers(4, 40, (count, 2))], axis=1)


def _picture(random: np.random.Generator, *, coarse: bool) -> Answered:
    true = _boxes(random, int(random.integers(0, 6)))
    labels = random.integers(0, CLASSES, len(true))
    # What is found: true boxes shifted, some twice, some of another class, and boxes out of nowhere.
    again = random.integers(0, max(len(true), 1), int(random.integers(0, 9)) if len(true) else 0)
    near = true[again] + random.integers(-5, 6, (len(again), 4)) / (1 if coarse else 7)
    near[:, 2:] = np.maximum(near[:, 2:], near[:, :2] + 1)
    far = _boxes(random, int(random.integers(0, 4)))
    found = np.concatenate([near, far])
    its = np.concatenate([labels[again], random.integers(0, CLASSES, len(far))])
    its = np.where(random.random(len(its)) < 0.15, random.integers(0, CLASSES, len(its)), its)
    scores = random.integers(0, 8, len(its)) / 8 if coarse else random.random(len(its))
    return Answered(true, labels, found, its, scores)


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32 - 1), pictures=st.integers(1, 8), coarse=st.booleans())
def test_the_means_are_those_of_pycocotools(seed: int, pictures: int, coarse: bool) -> None:
    random = np.random.default_rng(seed)
    answered = [_picture(random, coarse=coarse) for _ in range(pictures)]
    map50, mean = mean_average_precision(match_classes(answered, CLASSES))
    reference50, reference = _reference(answered)
    if reference50 == -1:
        assert np.isnan(map50)
        assert np.isnan(mean)
    else:
        assert map50 == pytest.approx(reference50, abs=1e-6)
        assert mean == pytest.approx(reference, abs=1e-6)


def test_more_than_a_hundred_boxes_of_a_class_in_a_picture_count_as_the_surest_hundred() -> None:
    random = np.random.default_rng(3)
    true = _boxes(random, 30)
    found = np.concatenate([_boxes(random, 150), true])
    labels = np.zeros(len(found), dtype=np.int64)
    answered = [Answered(true, np.zeros(30, dtype=np.int64), found, labels, random.random(len(found)))]
    assert mean_average_precision(match_classes(answered, CLASSES))[1] == pytest.approx(
        _reference(answered)[1], abs=1e-6
    )


def _perfect(pictures: int, wrong: int = 0) -> list[Answered]:
    answered = []
    for number in range(pictures):
        box = np.array([[10.0, 10.0, 50.0, 60.0]])
        label = np.array([number % 2])
        shift = 100.0 if number < wrong else 0.0
        answered.append(Answered(box, label, box + shift, label, np.array([0.9])))
    return answered


def test_a_perfect_result_on_few_pictures_is_not_certain() -> None:
    figures = measure(_perfect(20), ["a", "b"], threshold=0.5)
    for name in ("map50", "map", "precision", "recall"):
        interval = figures.figures[name]
        assert interval.value == 1
        assert interval.high == 1
        assert 0.7 < interval.low < 0.95


def test_precision_and_recall_count_boxes_from_the_threshold_on() -> None:
    picture = Answered(
        np.array([[0.0, 0.0, 10.0, 10.0], [20.0, 20.0, 40.0, 40.0]]),
        np.array([0, 0]),
        np.array([[0.0, 0.0, 10.0, 10.0], [60.0, 60.0, 70.0, 70.0], [20.0, 20.0, 40.0, 40.0]]),
        np.array([0, 0, 0]),
        np.array([0.9, 0.8, 0.3]),
    )
    figures = measure([picture], ["a"], threshold=0.5, shapes=[(100, 100)])
    assert figures.classes[0].precision.value == 0.5
    assert figures.classes[0].recall.value == 0.5
    assert [(size.true, size.hits) for size in figures.sizes] == [(2, 1)]
    assert measure([picture], ["a"], threshold=0.3).classes[0].recall.value == 1


def test_the_threshold_parts_hits_from_false_alarms() -> None:
    box = np.array([[0.0, 0.0, 10.0, 10.0]])
    away = box + 50
    pictures = [
        Answered(box, np.array([0]), np.concatenate([box, away]), np.array([0, 0]), np.array([sure, 0.2]))
        for sure in (0.6, 0.7, 0.9)
    ]
    assert 0.2 < best_threshold(match_classes(pictures, 1)) <= 0.6


def test_precision_and_recall_by_epoch_are_means_of_the_classes_that_are_there() -> None:
    answered = _perfect(4, wrong=1)
    # Of the first class one of two is found, and one box is reported where nothing is; a third class is nowhere.
    assert precision_and_recall(match_classes(answered, 3)) == (0.75, 0.75)
    nothing = Answered(np.zeros((0, 4)), np.zeros(0, int), np.zeros((0, 4)), np.zeros(0, int), np.zeros(0))
    assert precision_and_recall(match_classes([nothing], 2)) == (0.0, 0.0)


def test_intervals_widen_when_pictures_disagree() -> None:
    interval = measure(_perfect(40, wrong=10), ["a", "b"], threshold=0.5).figures["recall"]
    assert interval.value == pytest.approx(0.75)
    assert interval.low < 0.66
    assert interval.high > 0.84


@given(st.lists(st.tuples(*[st.floats(0, 100)] * 4), min_size=1, max_size=5))
def test_overlaps_lie_between_0_and_1_and_a_box_covers_itself(rows: list[tuple[float, ...]]) -> None:
    boxes = np.array([[min(a, c), min(b, d), max(a, c) + 1, max(b, d) + 1] for a, b, c, d in rows])
    table = overlaps(boxes, boxes)
    assert ((table >= 0) & (table <= 1 + 1e-12)).all()
    assert np.allclose(np.diag(table), 1)
