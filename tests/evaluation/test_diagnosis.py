"""Each illness is caused, and named; healthy results are not called ill."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from anmok import metrics
from anmok.bundle.unknown.rule import UnknownRule
from anmok.evaluation.diagnosis import diagnose
from anmok.evaluation.diagnosis.pictures import ENOUGH_PICTURES, TINY
from anmok.evaluation.measure_unknown import measure_unknown
from anmok.evaluation.results import DataSummary, Evaluation, ModelResult
from anmok.evaluation.unknown import UnknownResult
from evaluation.made import answered, answers, data, model

CLASSES = ("cafe", "cave", "tea")
GOOD = [[280, 12, 8], [10, 285, 5], [4, 9, 287]]


def said(evaluation: Evaluation, summary: DataSummary | None = None, **changes: object) -> str:
    result = model("net", evaluation, **changes)
    return "\n".join(diagnose([result], summary or data(evaluation.classes)))


def history(*rows: tuple[float, float, float]) -> Sequence[dict[str, float]]:
    names = ("valid_loss", "train_accuracy", "valid_accuracy")
    return tuple(
        {"epoch": float(n), "train_loss": 0.1} | dict(zip(names, row, strict=True)) for n, row in enumerate(rows)
    )


def test_healthy_results_raise_no_warning() -> None:
    rows = history((0.9, 0.6, 0.55), (0.4, 0.93, 0.9), (0.5, 0.99, 0.88))
    assert said(answered(CLASSES, GOOD), data(CLASSES, quarantined=5), history=rows) == ""


@pytest.mark.parametrize("classes", [2, 10, 100])
def test_a_model_that_is_right_on_nine_of_ten_is_healthy_at_any_number_of_classes(classes: int) -> None:
    random = np.random.default_rng(classes)
    names = tuple(f"class {n}" for n in range(classes))
    y_true = np.repeat(np.arange(classes), max(10, 500 // classes))
    y_pred = np.where(random.random(len(y_true)) < 0.9, y_true, random.integers(classes, size=len(y_true)))
    assert said(answers(names, y_true.tolist(), y_pred.tolist())) == ""


def test_a_tiny_test_set_is_named_with_its_uncertainty_and_how_many_would_do() -> None:
    text = said(answered(CLASSES, [[17, 2, 1], [2, 17, 1], [3, 1, 16]]))
    assert "with 60 pictures, the accuracy may be off by 11 points" in text
    assert "400 test pictures" in text


def test_a_tiny_test_set_is_named_also_where_all_answers_are_right() -> None:
    assert "off by 10 points" in said(answered(CLASSES, [[12, 0, 0], [0, 12, 0], [0, 0, 12]]))


def test_so_many_pictures_as_the_warning_asks_for_are_enough_for_any_accuracy() -> None:
    rights = np.arange(ENOUGH_PICTURES + 1)
    low, high = metrics.rate_interval(rights, ENOUGH_PICTURES)
    assert (np.maximum(rights / ENOUGH_PICTURES - low, high - rights / ENOUGH_PICTURES) < TINY).all()
    assert "is small" not in said(answered(("a", "b"), [[100, 100], [100, 100]]))


def test_classes_with_fewer_than_ten_test_pictures_are_named_with_their_number() -> None:
    text = said(answered(CLASSES, [[290, 10, 0], [10, 290, 0], [0, 2, 7]]))
    assert "1 class has fewer than 10 test pictures: tea (9)" in text
    assert "fewer than" not in said(answered(CLASSES, [[290, 10, 0], [10, 290, 0], [0, 2, 8]]))


def test_of_a_hundred_small_classes_only_a_few_are_named() -> None:
    names = tuple(f"sport {n}" for n in range(100))
    text = said(answers(names, list(range(100)) * 5, list(range(100)) * 5))
    assert "100 classes have fewer than 10 test pictures: sport 0 (5), " in text
    assert "and 95 more" in text


def test_a_collapsed_model_is_named_with_the_class_that_it_always_answers() -> None:
    text = said(answered(CLASSES, [[298, 1, 1], [295, 4, 1], [297, 0, 3]]))
    assert "net has collapsed: it answers cafe for 99% of the pictures, but only 33% are of that class" in text


def test_answering_mostly_with_one_class_is_fine_where_that_is_the_truth() -> None:
    assert said(answered(("usual", "rare"), [[930, 10], [10, 50]])) == ""


def test_a_class_that_is_never_answered_is_named() -> None:
    text = said(answered(CLASSES, [[280, 20, 0], [20, 280, 0], [150, 150, 0]]))
    assert "net never answers with 1 of the classes: tea" in text
    assert "collapsed" not in text


def test_a_class_of_four_pictures_that_is_never_answered_is_no_finding() -> None:
    assert "never answers" not in said(answered(CLASSES, [[280, 20, 0], [20, 280, 0], [2, 2, 0]]))


def test_a_model_that_is_no_better_than_guessing_is_told_so_with_both_figures() -> None:
    text = said(answered(("usual", "rare"), [[680, 120], [80, 120]]))
    assert "no better than always answering usual" in text
    assert "right on 80.0% of the pictures, the model is on 80.0%" in text
    assert "guess" not in said(answered(("usual", "rare"), [[690, 110], [80, 120]]))


def test_overfitting_is_read_from_the_epoch_that_is_kept() -> None:
    kept_fits = history((0.9, 0.6, 0.55), (0.5, 0.85, 0.82), (1.4, 1.0, 0.75))
    assert "by heart" not in said(answered(CLASSES, GOOD), history=kept_fits)
    kept_overfits = history((0.9, 0.7, 0.55), (0.8, 0.99, 0.7))
    text = said(answered(CLASSES, GOOD), history=kept_overfits)
    assert "learnt its training pictures by heart: 99% right there, 70% on validation pictures" in text


def test_a_gap_that_a_small_validation_set_makes_by_chance_is_no_overfitting() -> None:
    rows = history((0.5, 0.92, 0.75))
    few = data(CLASSES, valid={"cafe": 4, "cave": 4, "tea": 4})
    assert "by heart" not in said(answered(CLASSES, GOOD), few, history=rows)
    assert "by heart" in said(answered(CLASSES, GOOD), data(CLASSES), history=rows)


def test_a_training_whose_loss_is_no_number_any_more_is_named() -> None:
    rows = history((0.5, 0.8, 0.8), (math.nan, 0.3, 0.3))
    assert "went astray" in said(answered(CLASSES, GOOD), history=rows)


def test_a_history_without_accuracies_is_no_trouble() -> None:
    assert said(answered(CLASSES, GOOD), history=({"epoch": 1.0, "train_loss": 0.3},)) == ""


def test_very_unequal_classes_are_named_from_ten_to_one_on() -> None:
    unequal = data(CLASSES, train={"cafe": 1001, "cave": 300, "tea": 100})
    assert "cafe has 1001 training pictures, tea has 100" in said(answered(CLASSES, GOOD), unequal)
    assert said(answered(CLASSES, GOOD), data(CLASSES, train={"cafe": 1000, "cave": 300, "tea": 100})) == ""


def test_a_large_share_in_quarantine_is_named_and_a_small_one_is_not() -> None:
    assert "40 of 670 files (6%) could not be used" in said(answered(CLASSES, GOOD), data(CLASSES, quarantined=40))
    assert said(answered(CLASSES, GOOD), data(CLASSES, quarantined=20)) == ""


def test_unreadable_test_pictures_are_named_once_for_all_models() -> None:
    evaluation = answered(CLASSES, GOOD, unreadable=["test/tea/broken.jpg"])
    models: list[ModelResult] = [model("one", evaluation), model("two", evaluation)]
    text = "\n".join(diagnose(models, data(CLASSES)))
    assert text.count("broken.jpg") == 1
    assert "1 test picture could not be read and is not measured (one, two)" in text


def test_each_model_has_its_own_warnings_and_the_test_set_is_judged_once() -> None:
    small = [[8, 1, 1], [1, 8, 1], [0, 2, 8]]
    good, dead = model("good", answered(CLASSES, small)), model("dead", answered(CLASSES, [[10, 0, 0]] * 3))
    text = "\n".join(diagnose([good, dead], data(CLASSES)))
    assert text.count("test set is small") == 1
    assert "dead has collapsed" in text
    assert "good has collapsed" not in text


def test_names_with_braces_and_percent_signs_are_printed_as_they_are() -> None:
    odd = ("{0}", "%s", "{label}")
    assert "answers {label} for" in said(answered(odd, [[1, 0, 299], [0, 1, 299], [0, 0, 300]]))


def refusing(accepted: int, pictures: int, *, calibrated: int = 400) -> UnknownResult:
    """What is measured of a model that accepts so many of its test pictures."""
    rule = UnknownRule(
        score="energy", settings={"temperature": 1.0}, threshold=0.5, accepts=0.95, pictures={"valid": calibrated}
    )
    scores = np.repeat([0.0, 1.0], [accepted, pictures - accepted])
    return measure_unknown(rule, scores, 1 - scores / 2, np.ones(pictures, dtype=bool))


def test_test_pictures_that_are_refused_far_too_often_are_named() -> None:
    text = said(answered(CLASSES, GOOD), unknown=refusing(194, 256))
    assert 'net answers "none of these" for 24% of the test pictures, and for 5% of the calibration' in text


@pytest.mark.parametrize(
    ("accepted", "pictures", "calibrated"), [(243, 256, 400), (233, 256, 400), (17, 20, 40), (256, 256, 400)]
)
def test_refusals_that_may_be_chance_or_are_few_are_healthy(accepted: int, pictures: int, calibrated: int) -> None:
    assert said(answered(CLASSES, GOOD), unknown=refusing(accepted, pictures, calibrated=calibrated)) == ""


def test_a_threshold_that_few_pictures_set_is_told_with_their_number() -> None:
    text = said(answered(CLASSES, GOOD), unknown=refusing(243, 256, calibrated=39))
    assert 'net answers "none of these" by a threshold that was set on 39 calibration pictures' in text
    assert "too few" in text


def test_refusals_are_said_of_the_best_model_alone() -> None:
    models = [model(name, answered(CLASSES, GOOD), unknown=refusing(100, 256)) for name in ("good", "better")]
    text = "\n".join(diagnose(models, data(CLASSES)))
    assert text.count("none of these") == 1
    assert "good answers" in text
