"""Each illness is caused by a real training of a small network, and named; healthy trainings are not called ill."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import pytest

from anmok.evaluation.diagnosis import Diagnosis, diagnose_training, find_illnesses
from anmok.evaluation.paired import pairs_of_mistakes
from anmok.evaluation.results import ModelResult, Validation
from evaluation.made import data, model
from training.made import CLASSES
from training.trained import ColourBlindToStripes, Rote, Trained, plain_recipe, train_small


@pytest.fixture(scope="module")
def trained() -> Mapping[str, Trained]:
    """All trainings of this module, some seconds together."""
    return {
        "healthy": train_small(plain_recipe()),
        "augmented": train_small(
            plain_recipe(seed=5, schedule="cosine", augmentation="flip-shift", label_smoothing=0.1, warmup=0.2)
        ),
        "short": train_small(plain_recipe(epochs=2, learning_rate=2e-4)),
        "flat": train_small(plain_recipe(epochs=9, learning_rate=2e-3), wrong_labels=0.8),
        "blind": train_small(plain_recipe(epochs=6), ColourBlindToStripes),
        "by heart": train_small(plain_recipe(epochs=40, learning_rate=2e-3), Rote, wrong_labels=0.3),
        "high": train_small(plain_recipe(epochs=5, learning_rate=3.0)),
        "higher": train_small(plain_recipe(epochs=5, learning_rate=0.3), Rote),
        "low": train_small(plain_recipe(epochs=5, learning_rate=1e-6)),
        "shuffled": train_small(plain_recipe(epochs=10, learning_rate=1e-3), Rote, wrong_labels=1.0),
        "rare": train_small(plain_recipe(epochs=5), each=60, kept=(60, 60, 1)),
        "strange": train_small(plain_recipe(), strange_test=True),
    }


def found(trained: Trained) -> dict[str, str]:
    return {one.illness: one.text for one in diagnose_training(trained.training)}


def result(name: str, trained: Trained) -> ModelResult:
    kept = min(trained.training.history, key=lambda row: row["valid_loss"])
    return model(
        name,
        trained.evaluation,
        history=trained.training.history,
        recipe=trained.training.recipe,
        validation=Validation(kept["valid_accuracy"], trained.training.valid_pictures),
    )


def all_found(*results: ModelResult) -> tuple[Diagnosis, ...]:
    return find_illnesses(results, data(CLASSES))


@pytest.mark.parametrize("name", ["healthy", "augmented", "strange"])
def test_a_healthy_training_has_no_illness(trained: Mapping[str, Trained], name: str) -> None:
    assert found(trained[name]) == {}


def test_overfitting_is_named_with_the_epoch_after_which_the_validation_loss_rose(
    trained: Mapping[str, Trained],
) -> None:
    history = trained["by heart"].training.history
    best = min(history, key=lambda row: row["valid_loss"])
    assert history[-1]["valid_loss"] > 1.1 * best["valid_loss"]
    (text,) = found(trained["by heart"]).values()
    assert f"overfitting after epoch {best['epoch']:.0f}:" in text
    assert f"validation loss rose ({best['valid_loss']:.2f} to {history[-1]['valid_loss']:.2f})" in text
    assert "so the later ones did no harm" in text


def test_a_recipe_that_keeps_the_last_epoch_is_told_that_this_did_harm(trained: Mapping[str, Trained]) -> None:
    ill = trained["by heart"]
    last = replace(ill.training, recipe={**ill.training.recipe, "keep": "last"})
    (diagnosis,) = diagnose_training(last)
    assert "keep = 'best-loss'" in diagnosis.text
    assert "100% right there" in diagnosis.text


def test_a_training_that_ended_too_early_is_told_to_go_on(trained: Mapping[str, Trained]) -> None:
    text = found(trained["short"])["underfitting"]
    assert "after 2 epochs" in text
    assert "Train it for more epochs" in text


def test_a_training_that_learns_no_more_is_told_that_more_epochs_will_not_help(trained: Mapping[str, Trained]) -> None:
    # The course of a training that has come to its end at too little: its last loss, again and again.
    ill = trained["flat"].training
    flat = replace(ill, history=[*ill.history, *({**ill.history[-1], "epoch": 10.0 + n} for n in range(9))])
    (diagnosis,) = diagnose_training(flat)
    assert diagnosis.illness == "underfitting"
    assert "more epochs will not help" in diagnosis.text


def test_a_network_that_cannot_see_what_the_classes_are_has_learnt_nothing(trained: Mapping[str, Trained]) -> None:
    assert "whoever merely guesses has 1.10" in found(trained["blind"])["nothing-learnt"]


def test_labels_that_do_not_belong_to_the_pictures_are_no_overfitting(trained: Mapping[str, Trained]) -> None:
    assert set(found(trained["shuffled"])) == {"nothing-learnt"}
    assert "labels and pictures belong together" in found(trained["shuffled"])["nothing-learnt"]


@pytest.mark.parametrize(("name", "rate"), [("high", "(3)"), ("higher", "(0.3)")])
def test_a_learning_rate_that_is_too_high_is_named(trained: Mapping[str, Trained], name: str, rate: str) -> None:
    assert set(found(trained[name])) == {"rate-too-high"}
    assert rate in found(trained[name])["rate-too-high"]


def test_a_learning_rate_that_is_too_low_is_named(trained: Mapping[str, Trained]) -> None:
    assert set(found(trained["low"])) == {"rate-too-low"}
    assert "(1e-06)" in found(trained["low"])["rate-too-low"]


def test_a_class_that_was_hardly_shown_is_named_as_not_learnt(trained: Mapping[str, Trained]) -> None:
    ills = {one.illness: one.text for one in all_found(result("rare", trained["rare"]))}
    assert "점" in ills["unlearnt-class"]
    assert "unlearnt-class" not in {one.illness for one in all_found(result("healthy", trained["healthy"]))}


def test_test_pictures_unlike_the_validation_pictures_are_named_with_both_figures(
    trained: Mapping[str, Trained],
) -> None:
    ills = {one.illness: one.text for one in all_found(result("strange", trained["strange"]))}
    assert "right on 100% of the validation pictures, but on 33% of the test pictures" in ills["test-differs"]
    assert ills["collapse"].startswith("strange has collapsed: it answers")
    assert "test-differs" not in {one.illness for one in all_found(result("healthy", trained["healthy"]))}


def test_a_difference_that_the_test_set_cannot_show_is_told_with_the_pictures_it_would_take(
    trained: Mapping[str, Trained],
) -> None:
    good = result("good", trained["healthy"])
    # A training that ended a little too early; which one misses but a few pictures depends on the machine's rounding.
    for epochs in (5, 8, 4, 6):
        near = result("near", train_small(plain_recipe(epochs=epochs)))
        (pair,) = pairs_of_mistakes([good, near])
        if pair.only_first > pair.only_second and not pair.told_apart:
            break
    (text,) = (one.text for one in all_found(good, near) if one.illness == "difference-too-small")
    assert "on 120 pictures it may be chance" in text
    assert pair.more_pictures is not None
    needed = 120 + pair.more_pictures
    assert f"about {math.ceil(needed / 10) * 10} test pictures" in text
    far = result("far", trained["strange"])
    assert "difference-too-small" not in {one.illness for one in all_found(good, far)}
