"""A recipe written as TOML reads back as the same recipe."""

from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anmok.config import Recipe, load_recipe
from anmok.config.recipe_text import recipe_text
from anmok.models.recipes import get_recipe, recipe_names


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.text(st.characters(codec="utf-8"), min_size=1, max_size=20).filter(str.strip),
    rate=st.floats(1e-9, 1e9),
    layers=st.lists(st.text(st.characters(codec="utf-8"), max_size=9), min_size=1, max_size=4).map(tuple),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_recipe_reads_back_as_itself(
    tmp_path: Path, name: str, rate: float, layers: tuple[str, ...], seed: int
) -> None:
    recipe = Recipe(name=name, model=name, head="layers", head_layers=layers, learning_rate=rate, seed=seed)
    path = tmp_path / "recipe.toml"
    path.write_text(recipe_text(recipe, remarks=("the best of 3",)), encoding="utf-8", newline="\n")
    assert load_recipe(path) == recipe


def test_all_our_recipes_read_back_as_themselves(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    for name in recipe_names():
        path.write_text(recipe_text(get_recipe(name)), encoding="utf-8")
        assert load_recipe(path) == get_recipe(name)
