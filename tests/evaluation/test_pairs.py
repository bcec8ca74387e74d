"""Every two models of a comparison on the same pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binomtest

from anmok import metrics
from anmok.evaluation.comparison import rank
from anmok.evaluation.measure import measure
from anmok.evaluation.paired import compare_pairs, pairs_of_mistakes, round_up
from anmok.evaluation.results import ModelResult
from anmok.training.predictions import Predictions
from evaluation.made import model

CLASSES = ("cafe", "cave")


def answered(
    name: str, wrong: Sequence[int], *, pictures: int = 200, shift: int = 0
) -> tuple[ModelResult, Predictions]:
    """A model that is wrong on these pictures, with its answers; ``shift`` renames the pictures."""
    y_true = np.arange(pictures) % 2
    y_pred = y_true.copy()
    y_pred[list(wrong)] ^= 1
    sure = 0.6 + 0.39 * np.random.default_rng(len(name)).random(pictures)
    probabilities = np.stack([1 - sure, sure], axis=1).astype(np.float32)
    probabilities[y_pred == 0] = probabilities[y_pred == 0][:, ::-1]
    paths = tuple(f"test/{number + shift:04d}.jpg" for number in range(pictures))
    evaluation = measure(CLASSES, y_true, probabilities, paths, "test", resamples=200)
    answers = Predictions(paths, paths, ("test",) * pictures, y_true.astype(np.int64), probabilities)
    return model(name, evaluation), answers


def compared(*made: tuple[ModelResult, Predictions]) -> tuple:
    names = [result.name for result in rank([result for result, _answers in made])]
    return compare_pairs(names, {result.name: answers for result, answers in made})


def test_the_pictures_of_a_pair_are_counted_and_tested_by_mcnemars_exact_test() -> None:
    (pair,) = compared(answered("a", range(10, 20)), answered("b", range(14, 40)))
    assert (pair.first, pair.second, pair.pictures) == ("a", "b", 200)
    assert (pair.only_first, pair.only_second, pair.both_wrong) == (20, 4, 6)
    difference = pair.differences["accuracy"]
    assert difference.value == pytest.approx(0.08)
    assert difference.p == difference.p_holm == pytest.approx(binomtest(20, 24).pvalue)
    assert pair.told_apart
    assert pair.more_pictures == 0
    assert set(pair.differences) == {"accuracy", *metrics.PAIRED}


def test_the_answers_and_the_stored_mistakes_tell_the_same_of_accuracy() -> None:
    made = [answered("a", range(10)), answered("b", range(5, 18)), answered("c", range(30, 90))]
    by_mistakes = pairs_of_mistakes(rank([result for result, _answers in made]))
    by_answers = compared(*made)
    assert len(by_answers) == 3
    for old, new in zip(by_mistakes, by_answers, strict=True):
        assert replace(new, differences={"accuracy": new.differences["accuracy"]}) == old


def test_p_values_are_corrected_over_the_pairs_of_each_metric() -> None:
    pairs = compared(answered("a", range(10)), answered("b", range(16)), answered("c", range(4, 20)))
    for metric in ("accuracy", *metrics.PAIRED):
        raw = [pair.differences[metric].p for pair in pairs]
        assert [pair.differences[metric].p_holm for pair in pairs] == pytest.approx(list(metrics.holm(raw)))
    # Six pictures to none are p = 0.03 alone, and too little for the least of three pairs.
    (first,) = (pair for pair in pairs if (pair.first, pair.second) == ("a", "b"))
    assert first.differences["accuracy"].p < 0.05 < first.differences["accuracy"].p_holm
    assert not first.told_apart


def test_more_pictures_are_those_of_connors_formula_with_two_digits_that_count() -> None:
    (pair,) = compared(answered("a", range(10)), answered("b", range(8, 22)))
    assert (pair.only_first, pair.only_second) == (12, 8)
    missing = metrics.pictures_needed(12, 8, 200) - 200
    assert pair.more_pictures == round_up(int(missing))
    assert missing <= pair.more_pictures < 1.1 * missing
    assert [round_up(number) for number in (1, 99, 101, 1001, 1890, 19_000)] == [1, 99, 110, 1100, 1900, 19_000]


def test_with_so_many_pictures_more_the_two_are_told_apart_four_times_out_of_five() -> None:
    (pair,) = compared(answered("a", range(10)), answered("b", range(5, 21)))
    assert pair.more_pictures
    random = np.random.default_rng(0)
    shares = (pair.only_first / 200, pair.only_second / 200)
    draws = random.multinomial(200 + pair.more_pictures, (*shares, 1 - sum(shares)), size=1000)
    found = np.mean([metrics.mcnemar(int(a), int(b)) < 0.05 for a, b, _rest in draws])
    # The exact test asks for a little more than the formula's normal one; rounding up gives a little more.
    assert 0.74 <= found <= 0.9


def test_where_no_difference_is_seen_more_than_can_be_had_would_be_needed() -> None:
    (equal,) = compared(answered("a", range(10)), answered("b", range(5, 15)))
    assert equal.more_pictures is None
    (tiny,) = compared(answered("a", range(1000), pictures=9000), answered("b", range(500, 1501), pictures=9000))
    assert tiny.only_first - tiny.only_second == 1
    assert tiny.more_pictures is None


def test_models_are_compared_on_the_pictures_that_all_of_them_could_read() -> None:
    whole, short = answered("a", range(10)), answered("b", range(4), shift=6)
    (pair,) = compared(whole, short)
    assert pair.pictures == 194
    # b is wrong on its pictures 6 to 9, on which a is wrong as well (0 to 9).
    counts = {(pair.first, pair.only_first), (pair.second, pair.only_second)}
    assert counts == {("b", 0), ("a", 0)}
    assert pair.both_wrong == 4


def test_a_picture_that_changed_its_class_in_between_is_not_one_of_both() -> None:
    (pair,) = compared(answered("a", range(10)), answered("b", range(10, 30)))
    result, answers = answered("b", range(10, 30))
    labels = answers.labels.copy()
    labels[100:] ^= 1
    (fewer,) = compared(answered("a", range(10)), (result, replace(answers, labels=labels)))
    assert (pair.pictures, fewer.pictures) == (200, 100)


def test_models_without_a_picture_in_common_make_no_pair() -> None:
    assert compared(answered("a", range(10)), answered("b", range(4), shift=1000)) == ()
    assert compared(answered("a", range(10))) == ()
