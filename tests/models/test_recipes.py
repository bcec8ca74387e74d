"""What every recipe promises, how recipes are found, and that a slip of the pen is answered with what was meant."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from anmok.config import Recipe, RecipeFile, SearchRange
from anmok.errors import SourceNotFound, UnknownName, UsageError
from anmok.i18n import use_language
from anmok.models.head_layers import parse_head_layers
from anmok.models.layer_count import parse_freeze
from anmok.models.networks import get_network
from anmok.models.recipes import (
    FOLDER,
    about,
    differences,
    get_recipe,
    get_recipe_file,
    mistakes,
    recipe_files,
    recipe_names,
    source_of,
)
from anmok.models.registry import get_model
from anmok.training.augmentation import policy_names

#: Of each published project the recipes that carry its settings.
PUBLISHED = {
    "horse or human, a student project": (
        *("horse-human-mobilenetv2", "horse-human-resnet50", "horse-human-vgg16", "horse-human-densenet121"),
    ),
    "a service that knows places on an island": ("places-cnn", "places-mobilenetv2"),
    "a course on image recognition": ("features-2d", "cifar10-cnn", "cats-dogs-cnn", "cats-dogs-mobilenet"),
    "a study of 100 sports": (
        *("sports-cnn-1", "sports-cnn-2", "sports-cnn-3", "sports-efficientnetb0", "sports-mobilenetv2"),
    ),
    "illustrations of a data camp": ("illustrations-cnn", "illustrations-mobilenetv2"),
}
#: What its source says of each; names of settings as in ``Recipe``. Where a source is silent, nothing stands here.
SAID = {
    "horse-human-mobilenetv2": {"image_size": 244, "copies": 1, "epochs": 10, "batch_size": 32, "seed": 12345},
    "horse-human-resnet50": {"image_size": 244, "copies": 1, "epochs": 10, "batch_size": 32, "seed": 12345},
    "horse-human-vgg16": {"image_size": 244, "copies": 1, "epochs": 10, "batch_size": 32, "seed": 12345},
    "horse-human-densenet121": {"image_size": 244, "copies": 1, "epochs": 10, "batch_size": 32, "seed": 12345},
    "cifar10-cnn": {"image_size": 32, "epochs": 10, "optimizer": "adam"},
    "cats-dogs-cnn": {"image_size": 128, "epochs": 10, "batch_size": 20, "augmentation": "cats-dogs"},
    "cats-dogs-mobilenet": {"image_size": 128, "epochs": 5, "batch_size": 32, "freeze": "first 20 layers"},
    "sports-cnn-1": {"image_size": 150, "epochs": 20, "batch_size": 100, "learning_rate": 1e-3},
    "sports-cnn-2": {"image_size": 150, "epochs": 20, "batch_size": 100, "learning_rate": 1e-3},
    "sports-cnn-3": {"image_size": 224, "epochs": 30, "batch_size": 100, "learning_rate": 1e-3},
    "sports-efficientnetb0": {
        **{"image_size": 224, "epochs": 30, "batch_size": 64, "patience": 10, "freeze": "all but 30 layers"},
        **{"head_layers": ("average-pool", "dropout 0.2"), "augmentation": "sports-efficientnetb0"},
    },
    "sports-mobilenetv2": {
        **{"image_size": 224, "epochs": 30, "batch_size": 100, "augmentation": "sports-mobilenetv2"},
        "head_layers": ("average-pool", "dense 128", "dropout 0.1", "dense 128", "dropout 0.1"),
    },
    "illustrations-cnn": {
        **{"image_size": 224, "epochs": 10, "batch_size": 128, "schedule": "inverse-time"},
        **{"decay": 1e-6, "keep": "best-accuracy", "augmentation": "illustrations"},
    },
}
FILES = {found.recipe.name: found for found in recipe_files()}


def check_settings(recipe: Recipe) -> None:
    """Whatever reads these settings would take them."""
    model = get_model(recipe.model)
    assert recipe.augmentation in policy_names()
    if recipe.head_layers:
        parse_head_layers(recipe.head_layers)
    if recipe.freeze:
        parse_freeze(recipe.freeze)
    if recipe.strategy == "frozen":
        # Each picture is turned into vectors once, and each changed view of it.
        assert (recipe.augmentation == "none") == (recipe.copies + recipe.views == 0)
    assert (recipe.strategy == "scratch") == (model.kind == "network")
    if model.kind == "network":
        kind = get_network(recipe.model)
        size = recipe.image_size or kind.default_size
        assert size >= kind.smallest_size
        assert size % kind.size_step == 0


@pytest.mark.parametrize("name", recipe_names())
def test_a_recipe_of_ours_can_be_followed_as_it_is_and_as_published(name: str) -> None:
    found = FILES[name]
    assert found.recipe.name == name
    check_settings(found.recipe)
    if found.as_published:
        published = found.published()
        assert published.name == f"{name}-as-published"
        assert {pair.setting for pair in differences(found.recipe, published)} == set(found.as_published)
        assert mistakes(found), "a mistake is named with its reason"
        check_settings(published)


@pytest.mark.parametrize("name", recipe_names())
def test_a_recipe_of_ours_says_at_the_top_what_it_is_and_whose(name: str) -> None:
    found = FILES[name]
    with use_language("en"):
        assert 30 < len(about(found)) <= 100
        assert source_of(found) in (*PUBLISHED, "Anmok")
    assert max(map(len, found.text.splitlines())) <= 120


@pytest.mark.parametrize("name", [name for name in recipe_names() if FILES[name].search])
def test_what_a_search_may_choose_could_be_followed(name: str) -> None:
    for setting, choice in FILES[name].search.items():
        for value in (choice.low, choice.high) if isinstance(choice, SearchRange) else choice:
            check_settings(dataclasses.replace(FILES[name].recipe, **{setting: value}))


@pytest.mark.parametrize("source", PUBLISHED)
def test_every_recipe_of_a_published_project_is_there_under_its_name(source: str) -> None:
    with use_language("en"):
        assert {name for name, found in FILES.items() if source_of(found) == source} == set(PUBLISHED[source])


@pytest.mark.parametrize("name", SAID)
def test_a_recipe_has_the_settings_that_its_source_names(name: str) -> None:
    recipe = FILES[name].recipe
    assert {setting: getattr(recipe, setting) for setting in SAID[name]} == SAID[name]
    published = FILES[name].published()
    assert (recipe.optimizer, recipe.preprocessing, published.learning_rate) == ("adam", "own", 1e-3)


@pytest.mark.parametrize(
    ("name", "setting", "mended", "mistaken"),
    [
        ("horse-human-resnet50", "preprocessing", "own", "mistake-0-1"),
        ("horse-human-resnet50", "keep", "best-loss", "last"),
        ("sports-efficientnetb0", "preprocessing", "own", "mistake-twice"),
        ("sports-cnn-1", "keep", "best-loss", "last"),
        ("sports-cnn-2", "patience", 5, 0),
        ("sports-cnn-3", "keep", "best-loss", "last"),
        ("illustrations-cnn", "class_weights", "balanced", "none"),
        ("illustrations-cnn", "learning_rate", 1e-4, 1e-3),
        ("illustrations-cnn", "warmup", 0.1, 0.0),
    ],
)
def test_a_mistake_is_mended_and_comes_back_only_if_asked_for(
    name: str, setting: str, mended: Any, mistaken: Any
) -> None:
    assert getattr(get_recipe(name), setting) == mended
    assert getattr(get_recipe(name, as_published=True), setting) == mistaken


def test_a_recipe_without_a_mistake_has_none_to_keep() -> None:
    with pytest.raises(UsageError, match="names no mistake"):
        get_recipe("cnn-small", as_published=True)


def test_a_file_of_the_user_s_own_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "내 방법.toml"
    path.write_text('name = "mine"\nmodel = "cnn-small"\nstrategy = "scratch"\n', encoding="utf-8")
    assert get_recipe(path).name == "mine"
    assert get_recipe(str(path)).name == "mine"
    monkeypatch.chdir(tmp_path)
    assert get_recipe("내 방법.toml").name == "mine"
    assert get_recipe("./내 방법.toml").name == "mine"
    found = get_recipe_file("내 방법.toml")
    with use_language("ko"):
        assert (about(found), source_of(found), mistakes(found)) == ("", "", "")


def test_the_comments_are_read_from_where_they_belong() -> None:
    recipe = Recipe(name="mine", model="cnn-small", strategy="scratch", head="linear")
    text = (
        "\ufeff# What it is.\n# Source: me\n#\n# More.\n"
        'name = "mine"  # Source: not me\n# Nor here.\n\n'
        '[as_published]\n# Why it is\n# wrong.\nkeep = "last"  # not told\n# And more.\n[search]\n# Something else.\n'
    )
    found = RecipeFile(recipe=recipe, as_published={"keep": "last"}, text=text)
    assert about(found) == "What it is."
    assert source_of(found) == "me"
    assert mistakes(found) == "Why it is wrong. And more."


def test_recipes_differ_in_what_differs_and_not_in_their_names() -> None:
    first = get_recipe("sports-cnn-2")
    second = dataclasses.replace(first, name="other", image_size=224, epochs=30)
    assert [(pair.setting, pair.first, pair.second) for pair in differences(first, second)] == [
        ("image_size", 150, 224),
        ("epochs", 20, 30),
    ]
    assert differences(first, dataclasses.replace(first, name="other")) == ()


def test_an_unknown_name_is_answered_with_similar_ones() -> None:
    with pytest.raises(UnknownName, match=r"no recipe named 'cnnsmall'.*Did you mean cnn-small"):
        get_recipe("cnnsmall")
    with pytest.raises(UnknownName, match=r"Known recipes: cats-dogs-cnn, .*sports-mobilenetv2"):
        get_recipe("qqq")


def test_a_file_that_is_not_there_or_not_valid_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceNotFound, match=r"no recipe file .*away\.toml"):
        get_recipe(tmp_path / "away.toml")
    with pytest.raises(SourceNotFound):
        get_recipe("folder/cnn-small")
    (tmp_path / "bad.toml").write_text("name = ", encoding="utf-8")
    with pytest.raises(UsageError, match=r"bad\.toml"):
        get_recipe(tmp_path / "bad.toml")


def test_a_recipe_file_stands_for_every_name() -> None:
    assert recipe_names() == tuple(sorted(FILES)) == tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))
