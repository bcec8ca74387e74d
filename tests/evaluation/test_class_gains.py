"""Which class would gain most."""

from __future__ import annotations

import numpy as np
import pytest

from anmok.evaluation.class_gains import class_gains
from anmok.evaluation.data_size import ClassGain
from anmok.evaluation.data_size_fit import SizeAnswers, data_size_curve
from anmok.report.learning_curve import sentences

SIZES = (60, 120, 240, 480, 960)


def answers(recalls: list[list[float]], per_class: int, *, seed: int = 0) -> tuple[list[np.ndarray], np.ndarray]:
    """Answers of three heads of each size (one of the last) with these recalls by class and size."""
    rng = np.random.default_rng(seed)
    y_true = np.repeat(np.arange(len(recalls)), per_class)
    difficulty = rng.random(len(y_true))
    hits = []
    for place in range(len(SIZES)):
        level = np.array([recall[place] for recall in recalls])[y_true]
        noise = rng.normal(scale=0.05, size=(3 if place < len(SIZES) - 1 else 1, len(y_true)))
        hits.append(difficulty + noise < level)
    return hits, y_true


def gains(hits: list[np.ndarray], y_true: np.ndarray, count: int) -> dict[str, ClassGain]:
    names = [f"class {number}" for number in range(count)]
    found = class_gains(SIZES, hits, y_true, classes=names, learned=[240] * count, next_doubling=0.7)
    assert [one.gain.value for one in found] == sorted((one.gain.value for one in found), reverse=True)
    return {one.label: one for one in found}


def test_the_one_class_that_still_grows_stands_out_and_the_others_do_not() -> None:
    recalls = [[0.9] * 5 for _class in range(7)] + [[0.2, 0.32, 0.44, 0.56, 0.68]]
    found = gains(*answers(recalls, 100), 8)
    assert [label for label, one in found.items() if one.stands_out] == ["class 7"]
    # 0.12 by doubling so far, of which the next one brings seven tenths.
    # And a part of that is taken for chance.
    assert 0.03 < found["class 7"].gain.value < 0.1
    assert found["class 7"].gain.low > 0
    assert found["class 7"].recall.value == pytest.approx(0.68, abs=0.1)


def test_classes_that_grow_alike_do_not_stand_out_however_few_pictures_each_has() -> None:
    alike = [[0.5, 0.57, 0.64, 0.71, 0.78]] * 40
    loud = 0
    for seed in range(10):
        found = gains(*answers(alike, 5, seed=seed), 40)
        loud += sum(one.stands_out for one in found.values())
        values = [one.gain.value for one in found.values()]
        # Drawn towards what all gain: with five pictures each, raw growth would differ by a third of all and more.
        assert max(values) - min(values) < 0.1
    assert loud <= 4


def test_a_class_can_gain_no_more_than_what_is_missing() -> None:
    recalls = [[0.2, 0.4, 0.6, 0.8, 0.999], [0.5] * 5, [0.5] * 5]
    for one in gains(*answers(recalls, 60), 3).values():
        assert one.gain.high <= 1 - one.recall.value + 1e-9


def test_the_curve_holds_points_forecasts_and_classes_of_the_same_answers() -> None:
    hits, y_true = answers([[0.5, 0.6, 0.7, 0.78, 0.83], [0.7, 0.8, 0.84, 0.88, 0.9]], 200)
    curve = data_size_curve(
        SizeAnswers(SIZES, tuple(hits), y_true, ("a", "b"), (480, 480)), model="m", split="test", seed=3, seconds=1.0
    )
    assert [point.pictures for point in curve.points] == list(SIZES)
    assert curve.now.accuracy.value == hits[-1].mean()
    assert curve.points[0].accuracies == tuple(hits[0].mean(axis=1))
    assert curve.points[0].recalls[0] == pytest.approx(hits[0][:, :200].mean())
    assert [(one.times, one.pictures) for one in curve.forecasts] == [(2, 1920), (5, 4800), (10, 9600)]
    assert curve.shape == "rising"
    assert {one.label for one in curve.per_class} == {"a", "b"}
    assert curve.curve[0].pictures == 60
    assert curve.curve[-1].pictures == 9600


@pytest.mark.parametrize(("pictures", "shape"), [(40, "unclear"), (400, "flat")])
def test_a_curve_is_called_flat_only_by_as_many_pictures_as_could_show_a_gain(pictures: int, shape: str) -> None:
    # One picture in forty is 2.5 points: a gain of one and a half cannot be seen among them.
    y_true = np.repeat([0, 1], pictures // 2)
    right = np.arange(pictures) % 10 != 0
    hits = (*(np.tile(right, (3, 1)) for _size in SIZES[:-1]), right[None])
    curve = data_size_curve(
        SizeAnswers(SIZES, hits, y_true, ("a", "b"), (480, 480)), model="m", split="test", seed=3, seconds=1.0
    )
    assert curve.gain.high < 0.015
    assert curve.shape == shape


def test_a_dozen_pictures_that_are_all_recognised_do_not_show_that_more_would_bring_nothing() -> None:
    y_true = np.repeat([0, 1], 6)
    hits = [np.ones((3, 12), dtype=bool)] * 4 + [np.ones((1, 12), dtype=bool)]
    curve = data_size_curve(
        SizeAnswers(SIZES, tuple(hits), y_true, ("a", "b"), (480, 480)), model="m", split="test", seed=3, seconds=1.0
    )
    told = " ".join(sentences(curve))
    assert curve.shape == "unclear"
    assert "All 12 test pictures are recognised already" in told
    assert "flat" not in told
    # A class that is always recognised is nothing to name as the weakest.
    assert "least" not in told


def test_how_many_of_the_weakest_class_are_recognised_is_said_in_pictures() -> None:
    hits, y_true = answers([[0.5, 0.6, 0.7, 0.78, 0.83]] * 2, 200)
    curve = data_size_curve(
        SizeAnswers(SIZES, tuple(hits), y_true, ("a", "b"), (480, 480)), model="m", split="test", seed=3, seconds=1.0
    )
    fewest, label = min((int(hits[-1][0, y_true == number].sum()), name) for number, name in enumerate("ab"))
    assert f"The least is recognised of {label}: {fewest} of 200 test pictures." in " ".join(sentences(curve))
