"""Recipes are found by name or by file, and a slip of the pen is answered with what was meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from anmok.errors import SourceNotFound, UnknownName, UsageError
from anmok.models.recipes import FOLDER, get_recipe, recipe_names
from anmok.models.registry import get_model


@pytest.mark.parametrize("name", recipe_names())
def test_a_recipe_of_ours_is_named_as_its_file_and_names_a_model(name: str) -> None:
    recipe = get_recipe(name)
    assert recipe.name == name
    assert get_model(recipe.model)
    assert (FOLDER / f"{name}.toml").read_text(encoding="utf-8").startswith("# ")


def test_a_file_of_the_user_s_own_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "내 방법.toml"
    path.write_text('name = "mine"\nmodel = "cnn-small"\nstrategy = "scratch"\n', encoding="utf-8")
    assert get_recipe(path).name == "mine"
    assert get_recipe(str(path)).name == "mine"
    monkeypatch.chdir(tmp_path)
    assert get_recipe("내 방법.toml").name == "mine"
    assert get_recipe("./내 방법.toml").name == "mine"


def test_an_unknown_name_is_answered_with_similar_ones() -> None:
    with pytest.raises(UnknownName, match=r"no recipe named 'cnnsmall'.*Did you mean cnn-small\?"):
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
