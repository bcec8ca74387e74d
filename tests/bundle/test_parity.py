from __future__ import annotations

import numpy as np
import pytest

from anmok.bundle.parity import compare_answers
from anmok.errors import ParityError
from anmok.probabilities import softmax

LABELS = ("cat", "dog", "fox")


def answers(pictures: int = 1000, seed: int = 0) -> np.ndarray:
    return softmax(np.random.default_rng(seed).normal(size=(pictures, 3)) * 3)


def paths(pictures: int) -> list[str]:
    return [f"{i}.jpg" for i in range(pictures)]


def test_equal_answers_pass_with_their_figures() -> None:
    trained = answers()
    parity = compare_answers(trained, trained + np.float32(1e-5), labels=LABELS, paths=paths(1000))
    assert parity.same_class == 1.0
    assert parity.max_difference == pytest.approx(1e-5, rel=0.05)
    assert parity.pictures == 1000


def test_probabilities_that_differ_too_much_are_refused_though_the_class_is_the_same() -> None:
    trained = answers(10)
    got = trained.copy()
    got[4] = [0.998, 0.001, 0.001]
    trained[4] = [0.9965, 0.002, 0.0015]
    with pytest.raises(ParityError, match=r"100\.0% of 10 pictures.*0\.0015.*First: 4\.jpg: cat 0\.99. became cat"):
        compare_answers(trained, got, labels=LABELS, paths=paths(10))


def test_another_class_on_more_than_a_thousandth_is_refused_though_probabilities_are_near() -> None:
    trained = np.tile(np.float32([0.4002, 0.3998, 0.2]), (1000, 1))
    got = trained.copy()
    got[:2] = [0.3998, 0.4002, 0.2]
    with pytest.raises(ParityError, match=r"99\.8%"):
        compare_answers(trained, got, labels=LABELS, paths=paths(1000))
    got[1] = trained[1]
    assert compare_answers(trained, got, labels=LABELS, paths=paths(1000)).same_class == 0.999


def test_classes_that_the_model_holds_equal_may_change_places() -> None:
    trained = np.float32([[0.5, 0.5, 0]])
    got = np.float32([[0.4999999, 0.5000001, 0]])
    assert compare_answers(trained, got, labels=LABELS, paths=["a.jpg"]).same_class == 1


def test_swapped_labels_are_refused_and_the_first_pictures_named() -> None:
    trained = answers()
    with pytest.raises(ParityError, match=r"became") as caught:
        compare_answers(trained, trained[:, [1, 0, 2]], labels=LABELS, paths=paths(1000))
    assert str(caught.value).count("became") == 3


def test_answers_that_are_no_numbers_are_refused() -> None:
    trained = answers(5)
    for broken in (np.full_like(trained, np.nan), np.where(np.eye(5, 3) > 0, np.nan, trained)):
        with pytest.raises(ParityError):
            compare_answers(trained, broken, labels=LABELS, paths=paths(5))


def test_nothing_to_compare_is_no_parity() -> None:
    empty = np.zeros((0, 3), np.float32)
    with pytest.raises(ParityError):
        compare_answers(empty, empty, labels=LABELS, paths=[])


def test_another_number_of_classes_is_refused() -> None:
    with pytest.raises(ParityError, match=r"\(5, 3\)"):
        compare_answers(answers(5), answers(5)[:, :2], labels=LABELS, paths=paths(5))
