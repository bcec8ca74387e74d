"""Recipes by name: the TOML files in ``anmok/recipes``, or a file of the user's own."""

from __future__ import annotations

from pathlib import Path

import anmok
from anmok.config import Recipe, RecipeFile, load_recipe_file
from anmok.errors import SourceNotFound, UnknownName
from anmok.i18n import _
from anmok.models.registry import suggest

FOLDER = Path(anmok.__file__).parent / "recipes"


def recipe_names() -> tuple[str, ...]:
    """Return the names of the recipes that come with Anmok."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


def recipe_files() -> tuple[RecipeFile, ...]:
    """Return the recipes that come with Anmok, by name."""
    return tuple(load_recipe_file(FOLDER / f"{name}.toml") for name in recipe_names())


def get_recipe(name_or_path: str | Path, *, as_published: bool = False) -> Recipe:
    """Return a recipe.

    Args:
        name_or_path: one of ``recipe_names()``, or a TOML file (what ends in ``.toml`` or holds a ``/``).
        as_published: with the mistakes of its source, under a name that says so.

    Raises:
        UnknownName: there is no recipe of that name; the hint names similar ones.
        SourceNotFound: there is no such file.
        UsageError: the file is not valid; or ``as_published``, and it names no mistake.
    """
    found = get_recipe_file(name_or_path)
    return found.published() if as_published else found.recipe


def get_recipe_file(name_or_path: str | Path) -> RecipeFile:
    """Return a recipe with its comments, its source's mistakes and what a search may vary; raises as ``get_recipe``."""
    text = str(name_or_path)
    path = Path(name_or_path)
    if isinstance(name_or_path, Path) or path.suffix.lower() == ".toml" or path.name != text:
        if not path.is_file():
            raise SourceNotFound(_("There is no recipe file {path}.").format(path=path))
        return load_recipe_file(path)
    if text in recipe_names():
        return load_recipe_file(FOLDER / f"{text}.toml")
    raise UnknownName(
        _("There is no recipe named {name}.").format(name=repr(text)),
        hint=suggest(text, list(recipe_names()), otherwise=_("Known recipes: {names}; or name a .toml file.")),
    )
