"""Settings are read strictly: what is wrong is named, with what would have been right."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anmok.config import (
    CompareConfig,
    Limits,
    Recipe,
    SearchRange,
    SplitConfig,
    from_mapping,
    load_recipe,
    load_recipe_file,
    to_json,
)
from anmok.errors import StorageError, UsageError

whole = st.integers(-(2**63), 2**63 - 1)
real = st.floats(allow_nan=False, allow_infinity=False)
text = st.text(max_size=20)
shares = st.floats(0, 1, exclude_min=True, exclude_max=True)
limits = st.builds(Limits, max_bytes=whole, max_pixels=whole, max_files=whole)
splits = st.builds(SplitConfig, test=shares, valid=shares, seed=whole)
natural = st.integers(1, 1000)
any_share = st.floats(0, 1)


def _recipe(strategy: str, head: str, **settings: Any) -> Recipe:
    layers = ("average-pool", "dense 8") if head == "layers" else ()
    freeze = "all but 2 blocks" if strategy == "partial" else ""
    return Recipe(strategy=strategy, head=head, head_layers=layers, freeze=freeze, **settings)  # type: ignore[arg-type]


recipes = st.builds(
    _recipe,
    name=st.text(min_size=1, max_size=20).filter(str.strip),
    model=text,
    strategy=st.sampled_from(("frozen", "scratch", "partial", "full")),
    head=st.sampled_from(("logistic", "linear", "layers")),
    resize=st.sampled_from(("squash", "crop", "pad")),
    optimizer=st.sampled_from(("adamw", "adam", "sgd", "rmsprop")),
    schedule=st.sampled_from(("cosine", "constant", "inverse-time")),
    keep=st.sampled_from(("best-loss", "best-accuracy", "last")),
    class_weights=st.sampled_from(("none", "balanced")),
    augmentation=text,
    **dict.fromkeys(("image_size", "epochs", "batch_size", "patience", "seed", "copies", "accumulate"), natural),
    **dict.fromkeys(("learning_rate", "weight_decay", "decay"), st.floats(1e-300, 1e6)),
    mixup=st.floats(1e-3, 1000),
    **dict.fromkeys(("warmup", "label_smoothing", "layer_decay", "backbone_rate"), any_share),
)
compares = st.builds(
    CompareConfig,
    models=st.lists(text, max_size=4).map(tuple),
    split=splits,
    limits=limits,
    leaks=st.sampled_from(("refuse", "repair", "allow")),
    drop_small_classes=st.booleans(),
    threads=whole,
)
KINDS = (Limits, SplitConfig, Recipe, CompareConfig)
values = st.recursive(
    st.none() | st.booleans() | whole | st.floats() | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=6,
)


@given(st.one_of(limits, splits, recipes, compares))
def test_every_configuration_comes_back_from_its_json(config: Any) -> None:
    assert from_mapping(type(config), json.loads(json.dumps(to_json(config))), where="x") == config


@given(st.data(), st.sampled_from(KINDS))
def test_any_values_give_a_configuration_or_a_usage_error(data: st.DataObject, kind: type[Any]) -> None:
    names = st.sampled_from([field.name for field in dataclasses.fields(kind)]) | text
    mapping = data.draw(st.dictionaries(names, values, max_size=5))
    try:
        config = from_mapping(kind, mapping, where="x.toml")
    except UsageError:
        return
    # What was accepted is what was given, not something like it.
    for name, value in mapping.items():
        kept = json.loads(json.dumps(to_json(config)[name]))
        if not isinstance(value, dict):
            assert kept == value or value != value


def test_nothing_given_gives_the_defaults() -> None:
    assert from_mapping(CompareConfig, {}, where="x") == CompareConfig()


def test_an_unknown_setting_is_named_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"^my\.toml: the setting 'epoch' is not known") as caught:
        from_mapping(Recipe, {"name": "a", "model": "b", "epoch": 3}, where="my.toml")
    assert caught.value.hint.startswith("Did you mean epochs? Known settings: name, model, ")


BEYOND = {
    "seed": 2**32,
    "image_size": 4097,
    "copies": 10**6,
    "views": 10**400,
    "epochs": 10**9,
    "batch_size": 10**9,
    "learning_rate": 1e300,
    "weight_decay": 1e300,
    "mixup": 1e300,
    "cutmix": 1e-300,
}


@pytest.mark.parametrize(("name", "value"), BEYOND.items(), ids=BEYOND)
def test_a_number_that_nothing_could_follow_is_refused_before_the_training_and_not_after_it(
    name: str, value: float
) -> None:
    with pytest.raises(UsageError, match=rf"^The recipe a has {name} = .* wanted\.$"):
        from_mapping(Recipe, {"name": "a", "model": "b", name: value}, where="my.toml")


@pytest.mark.parametrize("name", ["", " ", "n" * 201, "a\udcff"], ids=["none", "blank", "long", "no text"])
def test_a_name_that_no_table_could_show_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="1 to 200 letters"):
        Recipe(name=name, model="b")


def test_a_missing_setting_is_named() -> None:
    with pytest.raises(UsageError, match=r"^my\.toml: the setting 'model' is missing"):
        from_mapping(Recipe, {"name": "a"}, where="my.toml")


WRONG = {
    "a text for a number": ("epochs", "3"),
    "a fraction for a whole number": ("epochs", 3.5),
    "yes for a whole number": ("epochs", True),
    "yes for a number": ("learning_rate", True),
    "a number for a text": ("name", 3),
    "a list for a text": ("name", ["a"]),
    "another choice": ("resize", "stretch"),
    "a list for a choice": ("resize", ["crop"]),
    "nothing": ("seed", None),
}


@pytest.mark.parametrize(("name", "value"), WRONG.values(), ids=WRONG)
def test_a_value_of_the_wrong_kind_is_named_with_what_is_wanted(name: str, value: object) -> None:
    with pytest.raises(UsageError, match=rf"^my\.toml: {name} is .* wanted\.$"):
        from_mapping(Recipe, {"name": "a", "model": "b", name: value}, where="my.toml")


def test_what_is_wanted_is_said_in_words_and_not_as_a_type_of_python() -> None:
    values = {"epochs": "many", "learning_rate": "fast", "name": 3, "head_layers": "dense"}
    told = []
    for name, value in values.items():
        with pytest.raises(UsageError) as caught:
            from_mapping(Recipe, {"name": "a", "model": "b", name: value}, where="x")
        told.append(caught.value.message.rpartition("; ")[2])
    assert told == [
        "a whole number is wanted.",
        "a number is wanted.",
        "a text is wanted.",
        "a list is wanted.",
    ]


def test_a_whole_number_is_good_where_a_number_is_wanted() -> None:
    rate = from_mapping(Recipe, {"name": "a", "model": "b", "learning_rate": 1}, where="x").learning_rate
    assert isinstance(rate, float)


def test_inner_tables_are_checked_as_strictly() -> None:
    with pytest.raises(UsageError, match=r"^x: split: the setting 'tset' is not known"):
        from_mapping(CompareConfig, {"split": {"tset": 0.1}}, where="x")
    with pytest.raises(UsageError, match=r"^x: limits is 3; a table is wanted"):
        from_mapping(CompareConfig, {"limits": 3}, where="x")
    with pytest.raises(UsageError, match=r"^x: models is 7; a text is wanted"):
        from_mapping(CompareConfig, {"models": ["a", 7]}, where="x")
    with pytest.raises(UsageError, match=r"^x: models is 'a'"):
        from_mapping(CompareConfig, {"models": "a"}, where="x")


@pytest.mark.parametrize("share", [0, 1, -0.1, 1.5, float("nan")])
def test_a_share_outside_of_0_to_1_is_refused(share: float) -> None:
    with pytest.raises(UsageError, match="between 0 and 1 is wanted"):
        SplitConfig(test=share)
    with pytest.raises(UsageError, match=r"between 0 and 1|finite number"):
        from_mapping(SplitConfig, {"valid": share}, where="x")


def test_a_recipe_is_read_from_toml(tmp_path: Path) -> None:
    path = tmp_path / "내 것.toml"
    path.write_text('name = "제주"\nmodel = "mobilenetv2"\nepochs = 3\nlearning_rate = 1e-2\n', encoding="utf-8")
    recipe = load_recipe(path)
    assert (recipe.name, recipe.epochs, recipe.learning_rate) == ("제주", 3, 0.01)


@pytest.mark.parametrize("content", [b"name = ", b"\xff\xfe", b'name = "a"\nname = "b"'])
def test_a_file_that_is_no_toml_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"a\.toml is not valid TOML"):
        load_recipe(path)


def test_a_recipe_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"no\.toml: No such file"):
        load_recipe(tmp_path / "no.toml")


def test_a_number_beyond_all_floats_is_refused() -> None:
    with pytest.raises(UsageError, match="learning_rate"):
        from_mapping(Recipe, {"name": "a", "model": "b", "learning_rate": 10**400}, where="my.toml")


OUTSIDE = {
    "batch_size": 0,
    "epochs": -1,
    "learning_rate": 0,
    "warmup": 1.5,
    "ema": 1.0,
    "mixup": -0.1,
    "copies": -1,
    "power": 0,
}


@pytest.mark.parametrize(("name", "value"), OUTSIDE.items(), ids=OUTSIDE)
def test_a_number_outside_its_range_is_refused_with_the_range(name: str, value: float) -> None:
    with pytest.raises(UsageError, match=rf"has {name} = .*; .* is wanted"):
        from_mapping(Recipe, {"name": "a", "model": "b", name: value}, where="my.toml")


def test_layers_of_a_head_and_frozen_parts_stand_only_where_they_mean_something() -> None:
    for values in (
        {"head": "layers"},
        {"head_layers": ["dense 3"]},
        {"strategy": "partial"},
        {"freeze": "first 3 blocks"},
        {"power": 0.5, "strategy": "full", "head": "linear"},
    ):
        with pytest.raises(UsageError):
            from_mapping(Recipe, {"name": "a", "model": "b", **values}, where="my.toml")


def test_a_recipe_file_holds_what_was_published_and_what_may_be_searched(tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    path.write_text(
        'name = "a"\nmodel = "b"\nkeep = "best-loss" # mended\n[as_published]\nkeep = "last"\n'
        "[search]\nlearning_rate = {low = 1e-4, high = 1, log = true}\nlabel_smoothing = [0, 0.1]\n",
        encoding="utf-8",
    )
    file = load_recipe_file(path)
    assert (file.recipe.keep, file.published().keep, file.published().name) == ("best-loss", "last", "a-as-published")
    assert file.search == {"learning_rate": SearchRange(low=1e-4, high=1, log=True), "label_smoothing": (0.0, 0.1)}
    assert "# mended" in file.text


WRONG_TABLES = {
    "an unknown setting published": "[as_published]\nkept = 1",
    "an unknown setting searched": "[search]\nrate = [1, 2]",
    "a choice that the recipe could not have": "[search]\nbatch_size = [0, 8]",
    "a range that is upside down": "[search]\nlearning_rate = {low = 1, high = 0.1}",
    "a range by orders of magnitude from nothing": "[search]\nweight_decay = {low = 0, high = 0.1, log = true}",
    "no choice": "[search]\nbatch_size = []",
    "a number for a range": "[search]\nbatch_size = 3",
    "a number for a table": "search = 3",
}


@pytest.mark.parametrize("lines", WRONG_TABLES.values(), ids=WRONG_TABLES)
def test_wrong_tables_of_a_recipe_file_name_the_file(tmp_path: Path, lines: str) -> None:
    path = tmp_path / "my.toml"
    path.write_text(f'name = "a"\nmodel = "b"\n{lines}\n', encoding="utf-8")
    with pytest.raises(UsageError):
        load_recipe_file(path)


def test_a_recipe_without_a_mistake_has_none_to_keep(tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    path.write_text('name = "a"\nmodel = "b"\n', encoding="utf-8")
    with pytest.raises(UsageError, match="names no mistake"):
        load_recipe_file(path).published()
