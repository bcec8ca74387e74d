"""Recipes by name: the TOML files in ``anmok/recipes``, or a file of the user's own."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anmok
from anmok.config import AS_PUBLISHED_SUFFIX, Recipe, RecipeFile, load_recipe_file
from anmok.errors import SourceNotFound, UnknownName
from anmok.i18n import _
from anmok.models.default_recipes import default_recipe_file, default_recipe_names
from anmok.models.registry import suggest

FOLDER = Path(anmok.__file__).parent / "recipes"
#: What the comment at the top of a recipe says before it names the project whose setting it is.
SOURCE = "Source: "


def recipe_names() -> tuple[str, ...]:
    """Return the names of the recipes that come with Anmok."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


def recipe_files() -> tuple[RecipeFile, ...]:
    """Return the recipes that come with Anmok, by name."""
    return tuple(load_recipe_file(FOLDER / f"{name}.toml") for name in recipe_names())


def get_recipe(name_or_path: str | Path, *, as_published: bool = False) -> Recipe:
    """Return a recipe.

    >>> recipe = get_recipe("mobilenetv2")
    >>> recipe.model, recipe.strategy, recipe.head
    ('mobilenetv2', 'frozen', 'logistic')

    Args:
        name_or_path: one of ``recipe_names()``, perhaps with ``-as-published`` behind it; a backbone, perhaps with
            ``-partial`` or ``-full`` behind it; or a TOML file (what ends in ``.toml`` or holds a ``/``).
        as_published: with the mistakes of its source, under a name that says so.

    Raises:
        UnknownName: there is no recipe of that name; the hint names similar ones.
        SourceNotFound: there is no such file.
        UsageError: the file is not valid; or ``as_published``, and it names no mistake.
    """
    text = str(name_or_path)
    if text.endswith(AS_PUBLISHED_SUFFIX) and text not in recipe_names():
        name_or_path, as_published = text.removesuffix(AS_PUBLISHED_SUFFIX), True
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
    if (made := default_recipe_file(text)) is not None:
        return made
    raise UnknownName(
        _("There is no recipe named {name}.").format(name=repr(text)),
        hint=suggest(
            text,
            list(dict.fromkeys((*recipe_names(), *default_recipe_names()))),
            otherwise=_("Known recipes: {names}; or name a .toml file."),
        ),
    )


def about(found: RecipeFile) -> str:
    """Return what the recipe is, one line, in the user's language where the recipe is ours: its first comment."""
    return _translated(next(iter(_comments(found.text)), ""))


def source_of(found: RecipeFile) -> str:
    """Return whose setting it is, from the comment ``# Source: ...`` at the top; empty where there is none."""
    marked = (line.removeprefix(SOURCE) for line in _comments(found.text) if line.startswith(SOURCE))
    return _translated(next(marked, ""))


def mistakes(found: RecipeFile) -> str:
    """Return what the comments of ``[as_published]`` tell of the source's mistakes, one paragraph; or nothing."""
    _before, marker, rest = found.text.partition("\n[as_published]")
    if not marker:
        return ""
    lines = itertools.takewhile(lambda line: not line.startswith("["), rest.splitlines()[1:])
    return " ".join(line.removeprefix("#").strip() for line in lines if line.startswith("#"))


@dataclass(frozen=True, slots=True)
class Difference:
    """A setting in which two recipes differ, with the value in each."""

    setting: str
    first: Any
    second: Any


def differences(first: Recipe, second: Recipe) -> tuple[Difference, ...]:
    """Return the settings in which two recipes differ, the name left out, in the order of ``Recipe``."""
    names = [field.name for field in dataclasses.fields(Recipe) if field.name != "name"]
    pairs = [Difference(name, getattr(first, name), getattr(second, name)) for name in names]
    return tuple(pair for pair in pairs if pair.first != pair.second)


def _comments(text: str) -> Iterator[str]:
    """Yield the comments at the top of a file, without their marks."""
    for line in text.lstrip("\ufeff").splitlines():
        if not line.startswith("#"):
            return
        yield line.removeprefix("#").strip()


def _translated(text: str) -> str:
    # gettext answers the empty text with the header of its catalogue.
    return _(text) if text else ""
