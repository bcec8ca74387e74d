"""From the words of a command to a recipe: by name or file, by model and strategy, with settings changed."""

from __future__ import annotations

import dataclasses
import re
import tomllib
import typing
from collections.abc import Mapping, Sequence
from typing import Any

from anmok.config import AS_PUBLISHED_SUFFIX, Recipe, SearchRange, Strategy, from_mapping, read_range, to_json
from anmok.errors import UsageError
from anmok.i18n import _
from anmok.models.default_recipes import default_recipe
from anmok.models.recipes import get_recipe
from anmok.models.registry import get_model

#: What `partial:` takes behind it.
_PART = re.compile(r"(?:(?P<end>first|last)-)?(?P<count>\d{1,4})(?:-(?P<unit>layers?|blocks?))?")
#: Settings without any effect where a head is fitted to vectors in one go.
_OF_EPOCHS = ("epochs", "batch_size", "learning_rate")


def read_strategy(text: str) -> tuple[Strategy, str]:
    """Return strategy and ``freeze`` of a recipe from what was written on the command line.

    ``partial:3``: the last three blocks learn. ``partial:last-30-layers``: the last thirty layers learn.
    ``partial:first-200-layers``: the first two hundred stay as they are.

    Raises:
        UsageError: it is none of these.
    """
    name, _colon, part = text.partition(":")
    if name in ("frozen", "full", "scratch") and not _colon:
        return typing.cast("Strategy", name), ""
    found = _PART.fullmatch(part) if name == "partial" else None
    if found is None:
        raise UsageError(
            _("There is no strategy {text}.").format(text=repr(text)),
            hint=_(
                "Give frozen, full, scratch, or partial with what learns: partial:2 (the last two blocks), "
                "partial:last-30-layers, or with what stays as it is: partial:first-200-layers."
            ),
        )
    unit = "layers" if (found["unit"] or "").startswith("layer") else "blocks"
    count = int(found["count"])
    return "partial", f"first {count} {unit}" if found["end"] == "first" else f"all but {count} {unit}"


def read_settings(texts: Sequence[str]) -> dict[str, Any]:
    """Return settings from ``key=value`` texts; a value is written as in TOML, and words need no quotation marks.

    Raises:
        UsageError: a text without ``=``, an unknown setting, or one that was given twice.
    """
    hints = typing.get_type_hints(Recipe)
    settings: dict[str, Any] = {}
    for text in texts:
        key, equals, value = (part.strip() for part in text.partition("="))
        key = key.replace("-", "_")
        if not equals or not key or key in settings:
            message = (
                _("--set was given {setting} twice.") if equals and key else _("--set wants KEY=VALUE, not {text}.")
            )
            raise UsageError(
                message.format(setting=key, text=repr(text)),
                hint=_("Write each setting once, for example: --set weight_decay=0.01 --set optimizer=sgd"),
            )
        settings[key] = _value(value, wants_text=hints.get(key) is str)
    return settings


def read_ranges(recipe: Recipe, texts: Sequence[str]) -> dict[str, SearchRange | tuple[Any, ...]]:
    """Return what a search may vary from ``key=range`` texts, written as below ``[search]`` in a recipe file.

    Raises:
        UsageError: no valid TOML, or values that the recipe could not have.
    """
    ranges: dict[str, SearchRange | tuple[Any, ...]] = {}
    for text in texts:
        key, equals, value = (part.strip() for part in text.partition("="))
        try:
            read = tomllib.loads(f"value = {value}")["value"]
        except (tomllib.TOMLDecodeError, KeyError):
            read = None
        if not equals or read is None or key in ranges:
            message = _("--vary was given {key} twice.") if key in ranges else _("--vary wants KEY=RANGE, not {text}.")
            raise UsageError(
                message.format(key=key, text=repr(text)),
                hint=_(
                    "Write each once, for example: --vary 'learning_rate={{low=1e-4, high=1e-2, log=true}}' "
                    "--vary 'batch_size=[32, 64]'"
                ).format(),
            )
        name = key.replace("-", "_")
        ranges[name] = read_range(to_json(recipe), name, read, f"--vary {name}")
    return ranges


def _value(text: str, *, wants_text: bool) -> Any:
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except (tomllib.TOMLDecodeError, KeyError):
        return text
    return text if wants_text and not isinstance(value, str) else value


def choose_recipe(name: str = "", *, model: str = "", strategy: str = "", as_published: bool = False) -> Recipe:
    """Return the recipe of that name or file, or the one that trains ``model`` by ``strategy``.

    Args:
        strategy: as ``read_strategy`` takes it; empty: what suits the model.
        as_published: keep the mistakes of the recipe's source.

    Raises:
        UsageError: neither or both were named, or they do not fit each other.
        UnknownName, SourceNotFound: there is no such recipe or model.
    """
    if bool(name) == bool(model):
        raise UsageError(
            _("Name either a recipe or a model."),
            hint=_("For example: --recipe cnn-small, or --model mobilenetv2 --strategy frozen."),
        )
    if name and strategy:
        raise UsageError(
            _("--strategy goes with --model; the recipe {name} says itself how it trains.").format(name=name),
            hint=_("Give --model instead of --recipe, or change the recipe with --set strategy=…"),
        )
    if name:
        return get_recipe(name, as_published=as_published)
    if not strategy:
        return get_recipe(get_model(model).recipe)
    wanted, freeze = read_strategy(strategy)
    return default_recipe(model, wanted, freeze=freeze)


def changed(recipe: Recipe, settings: Mapping[str, Any]) -> Recipe:
    """Return the recipe with settings changed, checked as a recipe file is.

    Raises:
        UsageError: an unknown setting, a value of the wrong type or outside its range, settings that contradict each
            other, or ones that would have no effect.
    """
    if not settings:
        return recipe
    where = _("Recipe {name}, as changed").format(name=recipe.name)
    new = from_mapping(Recipe, {**to_json(recipe), **settings}, where=where)
    if recipe.name.endswith(AS_PUBLISHED_SUFFIX) and not new.name.endswith(AS_PUBLISHED_SUFFIX):
        # No other name hides from a table that the mistakes are in it.
        new = dataclasses.replace(new, name=new.name + AS_PUBLISHED_SUFFIX)
    idle = [name for name in _OF_EPOCHS if name in settings]
    if new.strategy == "frozen" and new.head == "logistic" and idle:
        raise UsageError(
            _("{setting} would change nothing: the recipe {name} fits its head to all vectors at once.").format(
                setting=idle[0], name=recipe.name
            ),
            hint=_("Leave it out, or take a head that learns by epochs: --set head=linear."),
        )
    return new
