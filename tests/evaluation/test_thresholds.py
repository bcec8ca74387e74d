"""Thresholds for a wanted precision: against brute force, and how often they keep their word."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anmok import metrics
from anmok.evaluation.stored import from_json, to_json
from anmok.evaluation.thresholds import (
    Answers,
    Thresholds,
    accept,
    choose_thresholds,
    fewest_answers,
    find_threshold,
)

PAIRS = st.lists(st.tuples(st.integers(0, 20).map(lambda n: n / 20), st.booleans()), max_size=120)


@given(PAIRS, st.sampled_from([0.3, 0.5, 0.8]), st.booleans())
def test_no_lower_threshold_reaches_the_precision(
    pairs: list[tuple[float, bool]], precision: float, lower_limit: bool
) -> None:
    stated = np.array([one for one, _right in pairs])
    right = np.array([right for _one, right in pairs], dtype=bool)
    threshold = find_threshold(stated, right, precision=precision, lower_limit=lower_limit)

    def reaches(value: float) -> bool:
        accepted = stated >= value
        hits, count = right[accepted].sum(), accepted.sum()
        if count == 0:
            return False
        return bool((metrics.rate_interval(hits, count)[0] if lower_limit else hits / count) >= precision)

    reaching = [value for value in set(stated) if reaches(value)]
    if threshold is None:
        assert not reaching
    else:
        assert reaches(threshold)
        assert (stated >= threshold).sum() == (stated >= min(reaching)).sum()
        assert threshold == 0 or threshold not in stated


def calibrated(random: np.random.Generator, pictures: int, classes: int = 3) -> Answers:
    probabilities = random.dirichlet(np.full(classes, 0.25), size=pictures)
    labels = (random.random((pictures, 1)) > probabilities.cumsum(axis=1)[:, :-1]).sum(axis=1)
    return Answers(labels, probabilities)


def test_the_true_precision_falls_short_of_the_wanted_one_in_at_most_5_of_100_choices() -> None:
    random = np.random.default_rng(0)
    later = calibrated(random, 30_000)
    short = {True: 0, False: 0}
    for _round in range(200):
        known = calibrated(random, 300)
        stated, right = known.probabilities.max(1), known.probabilities.argmax(1) == known.y_true
        for lower_limit in short:
            threshold = find_threshold(stated, right, precision=0.9, lower_limit=lower_limit)
            figure = None if threshold is None else accept(later, threshold, None).precision
            short[lower_limit] += figure is not None and figure.value < 0.9
    assert short[True] <= 10
    # What the option says of the measured precision itself.
    assert short[False] > 60


def test_few_answers_have_no_threshold_however_right_they_are() -> None:
    for precision in (0.5, 0.8, 0.95, 0.99):
        enough = fewest_answers(precision)
        sure = np.full(enough, 0.99)
        assert find_threshold(sure, np.ones(enough, bool), precision=precision) == 0
        assert find_threshold(sure[1:], np.ones(enough - 1, bool), precision=precision) is None
    assert fewest_answers(0.95) == 73


def test_each_class_has_its_own_threshold_and_is_measured_on_the_test_pictures() -> None:
    random = np.random.default_rng(1)
    known, test = calibrated(random, 1500), calibrated(random, 400)
    # Answers "b" are half as good as they say.
    spoilt = np.where((known.probabilities.argmax(1) == 1) & (random.random(1500) < 0.5), 2, known.y_true)
    found = choose_thresholds(("a", "b", "c"), Answers(spoilt, known.probabilities), test, precision=0.9)
    assert found.pictures == 1500
    assert [one.label for one in found.per_class] == ["a", "b", "c"]
    a, b, _c = found.per_class
    assert b.threshold is None
    assert b.test is None
    assert a.threshold is not None
    assert a.chosen_on is not None
    assert a.test is not None
    assert a.chosen_on.precision is not None
    assert a.chosen_on.precision.low >= 0.9
    accepted = (test.probabilities.argmax(1) == 0) & (test.probabilities.max(1) >= a.threshold)
    assert a.test.answers == accepted.sum()
    assert a.test.precision is not None
    assert a.test.recall is not None
    assert a.test.precision.value == (test.y_true[accepted] == 0).mean()
    assert a.test.recall.value == (test.y_true[accepted] == 0).sum() / (test.y_true == 0).sum()


def test_a_higher_precision_accepts_no_more_answers() -> None:
    random = np.random.default_rng(2)
    known = calibrated(random, 2000)
    counts = []
    for precision in (0.7, 0.8, 0.9, 0.95):
        found = choose_thresholds(("a", "b", "c"), known, known, precision=precision).overall
        assert found.test is not None
        counts.append(found.test.answers)
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > counts[-1] > 0


def test_a_class_without_answers_and_pictures_has_no_figures_and_a_share_above_1_is_refused() -> None:
    known = Answers(np.zeros(100, np.int64), np.tile([0.9, 0.1, 0.0], (100, 1)))
    empty = Answers(np.zeros(0, np.int64), np.zeros((0, 3)))
    found = choose_thresholds(("a", "b", "c"), known, empty, precision=0.9)
    assert found.per_class[1].threshold is None
    assert found.per_class[0].test is not None
    assert found.per_class[0].test.precision is None
    assert from_json(Thresholds, to_json(found), where="here") == found
    with pytest.raises(ValueError, match="above 0 and below 1"):
        choose_thresholds(("a", "b", "c"), known, empty, precision=1.0)
