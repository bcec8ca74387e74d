"""Recipes as TOML files: the recipe, what the published project did otherwise, and what a search may vary.

name = "sports-cnn-1"
learning_rate = 1e-3

[as_published]             # a mistake of the source, mended above; `--as-published` takes it back in
keep = "last"

[search]                   # what `anmok tune` varies: a range, or a list of choices
learning_rate = { low = 1e-4, high = 1e-2, log = true }
label_smoothing = [0.0, 0.1]
"""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from anmok.config.reading import from_mapping
from anmok.config.recipe import Recipe
from anmok.errors import UsageError
from anmok.i18n import _
from anmok.storage import explained

#: Added to the name of a recipe that keeps its source's mistakes, so that no table mixes the two up.
AS_PUBLISHED_SUFFIX = "-as-published"


@dataclass(frozen=True, kw_only=True)
class SearchRange:
    """Numbers from ``low`` to ``high``, evenly or (``log``) by orders of magnitude; whole ones where both are whole."""

    low: int | float
    high: int | float
    log: bool = False


@dataclass(frozen=True, kw_only=True)
class RecipeFile:
    """One TOML file.

    Attributes:
        recipe: with the mistakes mended.
        as_published: settings as the source had them, where they differ.
        search: for each setting that a search may vary a range or its choices.
        text: the whole file, comments included.
    """

    recipe: Recipe
    as_published: Mapping[str, Any] = field(default_factory=dict)
    search: Mapping[str, SearchRange | tuple[Any, ...]] = field(default_factory=dict)
    text: str = ""

    def published(self) -> Recipe:
        """Return the recipe as its source had it, mistakes included, under a name that says so.

        Raises:
            UsageError: the file names no mistake.
        """
        if not self.as_published:
            raise UsageError(
                _("The recipe {name} names no mistake of its source, so there is nothing to keep.").format(
                    name=self.recipe.name
                ),
                hint=_("Leave out --as-published."),
            )
        return dataclasses.replace(self.recipe, name=self.recipe.name + AS_PUBLISHED_SUFFIX, **dict(self.as_published))


def load_recipe(path: Path) -> Recipe:
    """Read one recipe from a TOML file."""
    return load_recipe_file(path).recipe


def load_recipe_file(path: Path) -> RecipeFile:
    """Read a TOML file with all its tables.

    Raises:
        UsageError: not TOML, an unknown setting, or a value of the wrong type; the message names the file.
    """
    with explained(path):
        data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
        values = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(_("{path} is not valid TOML: {reason}.").format(path=path, reason=error)) from error
    as_published = _table(values, "as_published", path)
    search = _table(values, "search", path)
    recipe = from_mapping(Recipe, values, where=str(path))
    if as_published:
        changed = from_mapping(Recipe, {**values, **as_published}, where=f"{path}: [as_published]")
        as_published = {name: getattr(changed, name) for name in as_published}
    ranges = {name: read_range(values, name, value, f"{path}: [search] {name}") for name, value in search.items()}
    return RecipeFile(recipe=recipe, as_published=as_published, search=ranges, text=text)


def _table(values: dict[str, Any], name: str, path: Path) -> dict[str, Any]:
    table = values.pop(name, {})
    if not isinstance(table, dict):
        raise UsageError(_("{where} is {value}; a table is wanted.").format(where=f"{path}: {name}", value=repr(table)))
    return table


def read_range(values: Mapping[str, Any], name: str, value: Any, where: str) -> SearchRange | tuple[Any, ...]:
    """Return what a search may choose from; each end and each choice must be a value that the recipe could have.

    Args:
        values: the recipe's other settings. name: of the setting.
        value: a list of choices, or a mapping with ``low``, ``high`` and perhaps ``log``.
        where: named in errors.

    Raises:
        UsageError: it is neither, or not fit for the setting.
    """
    if isinstance(value, dict):
        chosen = _ends(value, where)
        choices: tuple[Any, ...] = (chosen.low, chosen.high)
    elif isinstance(value, list) and value:
        choices = tuple(value)
    else:
        raise UsageError(
            _("{where} is {value}; a list of choices or {{ low = …, high = … }} is wanted.").format(
                where=where, value=repr(value)
            )
        )
    ready = [getattr(from_mapping(Recipe, {**values, name: choice}, where=where), name) for choice in choices]
    return chosen if isinstance(value, dict) else tuple(ready)


def _ends(value: Mapping[str, Any], where: str) -> SearchRange:
    low, high, log = value.get("low"), value.get("high"), value.get("log", False)
    numbers = all(isinstance(end, int | float) and not isinstance(end, bool) for end in (low, high))
    if not numbers or not isinstance(log, bool) or set(value) - {"low", "high", "log"}:
        raise UsageError(
            _("{where} is {value}; {{ low = …, high = …, log = true }} with two numbers is wanted.").format(
                where=where, value=repr(dict(value))
            )
        )
    assert isinstance(low, int | float)
    assert isinstance(high, int | float)
    if not low < high or (log and low <= 0):
        raise UsageError(
            _("{where} goes from {low} to {high}; low must be less than high, and with log more than 0.").format(
                where=where, low=low, high=high
            )
        )
    return SearchRange(low=low, high=high, log=log)
