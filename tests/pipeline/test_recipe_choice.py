"""The words of a command become a recipe: strategies, settings, ranges."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anmok.config import SearchRange
from anmok.errors import UsageError
from anmok.models.recipes import get_recipe, recipe_files
from anmok.pipeline.recipe_choice import changed, choose_recipe, read_ranges, read_settings, read_strategy

RECIPE = get_recipe("cnn-small")


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("frozen", ("frozen", "")),
        ("full", ("full", "")),
        ("scratch", ("scratch", "")),
        ("partial:3", ("partial", "all but 3 blocks")),
        ("partial:last-2-blocks", ("partial", "all but 2 blocks")),
        ("partial:last-30-layers", ("partial", "all but 30 layers")),
        ("partial:first-200-layers", ("partial", "first 200 layers")),
        ("partial:first-1-block", ("partial", "first 1 blocks")),
    ],
)
def test_strategies_are_read(text: str, read: tuple[str, str]) -> None:
    assert read_strategy(text) == read


@given(st.text(max_size=30))
def test_any_other_text_is_refused_with_examples(text: str) -> None:
    if text in ("frozen", "full", "scratch") or text.startswith("partial:"):
        return
    with pytest.raises(UsageError) as refused:
        read_strategy(text)
    assert "partial:last-30-layers" in refused.value.hint


def test_settings_are_typed_as_in_a_recipe_file() -> None:
    given_settings = read_settings(
        ["learning-rate = 1e-2", "epochs=7", "optimizer=sgd", "name=12", 'head_layers=["average-pool", "dense 8"]']
    )
    assert given_settings == {
        "learning_rate": 0.01,
        "epochs": 7,
        "optimizer": "sgd",
        "name": "12",
        "head_layers": ["average-pool", "dense 8"],
    }
    recipe = changed(get_recipe("cnn-small"), {"learning_rate": 0.01, "optimizer": "sgd", "weight_decay": 1})
    assert (recipe.learning_rate, recipe.optimizer, recipe.weight_decay) == (0.01, "sgd", 1.0)
    assert recipe.batch_size == get_recipe("cnn-small").batch_size


@pytest.mark.parametrize("texts", [["epochs"], ["=3"], ["epochs=1", "epochs=2"]])
def test_a_setting_is_written_once_and_with_a_value(texts: list[str]) -> None:
    with pytest.raises(UsageError, match=r"^--set wa"):
        read_settings(texts)


@given(st.text(max_size=40))
def test_no_text_of_a_setting_raises_anything_else(text: str) -> None:
    with contextlib.suppress(UsageError):
        changed(RECIPE, read_settings([text]))


def test_a_setting_that_is_no_pair_or_comes_twice_is_told_apart() -> None:
    with pytest.raises(UsageError, match="--set wants KEY=VALUE, not 'epochs'"):
        read_settings(["epochs"])
    with pytest.raises(UsageError, match="--set was given epochs twice"):
        read_settings(["epochs=1", "epochs=2"])


def test_ranges_are_those_of_a_recipe_file() -> None:
    recipe = get_recipe("cnn-small")
    ranges = read_ranges(recipe, ["learning-rate={low=1e-4, high=1e-2, log=true}", "batch_size=[16, 32]"])
    assert ranges == {"learning_rate": SearchRange(low=1e-4, high=1e-2, log=True), "batch_size": (16, 32)}
    for text, told in [
        ("batch_size=[16, 'many']", "a whole number is wanted"),
        ("learning_rate={low=1, high=0.1}", "low must be less than high"),
        ("learning_rate=0.1", "a list of choices"),
        ("learning_rate", "--vary wants KEY=RANGE"),
        ("speed=[1, 2]", "not known"),
    ]:
        with pytest.raises(UsageError, match=told):
            read_ranges(recipe, [text])


def test_a_recipe_as_published_has_a_name_that_commands_take() -> None:
    flawed = [file for file in recipe_files() if file.as_published]
    assert flawed
    for file in flawed:
        recipe = get_recipe(f"{file.recipe.name}-as-published")
        assert recipe == file.published() == choose_recipe(file.recipe.name, as_published=True)
        assert recipe != file.recipe
    with pytest.raises(UsageError, match="no mistake"):
        get_recipe("cnn-small-as-published")


def test_another_name_does_not_hide_that_a_recipe_is_as_published() -> None:
    recipe = choose_recipe("sports-cnn-1", as_published=True)
    assert changed(recipe, {"name": "good"}).name == "good-as-published"
    assert changed(recipe, {"epochs": 2}).name == recipe.name


def test_a_model_and_a_strategy_make_a_recipe() -> None:
    recipe = choose_recipe(model="mobilenetv2", strategy="partial:last-30-layers")
    assert (recipe.model, recipe.strategy, recipe.freeze) == ("mobilenetv2", "partial", "all but 30 layers")
    assert choose_recipe(model="cnn-small") == get_recipe("cnn-small")
    with pytest.raises(UsageError, match="--strategy goes with --model; the recipe cnn-small"):
        choose_recipe("cnn-small", strategy="full")
    with pytest.raises(UsageError, match="cannot be trained by"):
        choose_recipe(model="cnn-small", strategy="frozen")
