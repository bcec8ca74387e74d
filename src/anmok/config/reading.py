"""Plain values into configuration dataclasses, strictly, and back."""

from __future__ import annotations

import dataclasses
import difflib
import math
import types
import typing
from collections.abc import Mapping
from typing import Any, Literal, TypeVar

from anmok.errors import UsageError
from anmok.i18n import _

ConfigT = TypeVar("ConfigT")


def from_mapping(kind: type[ConfigT], values: Mapping[str, Any], *, where: str) -> ConfigT:
    """Build the dataclass ``kind`` from plain values, strictly.

    Args:
        where: named in errors, for example the TOML file.

    Raises:
        UsageError: an unknown key, a missing one, or a value of the wrong type.
    """
    hints = typing.get_type_hints(kind)
    fields = {f.name: f for f in dataclasses.fields(kind)}  # type: ignore[arg-type]
    unknown = sorted(set(values) - set(fields))
    if unknown:
        meant = difflib.get_close_matches(unknown[0], fields, n=1)
        known = _("Known settings: {names}.").format(names=", ".join(fields))
        raise UsageError(
            _("{where}: the setting {name} is not known.").format(where=where, name=repr(unknown[0])),
            hint=" ".join([_("Did you mean {names}?").format(names=meant[0]), known] if meant else [known]),
        )
    ready = {name: _checked(value, hints[name], f"{where}: {name}") for name, value in values.items()}
    missing = [
        name
        for name, f in fields.items()
        if name not in ready and f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise UsageError(_("{where}: the setting {name} is missing.").format(where=where, name=repr(missing[0])))
    return kind(**ready)


def _checked(value: Any, hint: Any, where: str) -> Any:
    origin = typing.get_origin(hint)
    if dataclasses.is_dataclass(hint):
        if not isinstance(value, Mapping):
            raise UsageError(_("{where} is {value}; a table is wanted.").format(where=where, value=repr(value)))
        return from_mapping(typing.cast("type[Any]", hint), value, where=where)
    if origin is Literal:
        choices = typing.get_args(hint)
        if value not in choices:
            raise UsageError(
                _("{where} is {value}; one of {choices} is wanted.").format(
                    where=where, value=repr(value), choices=", ".join(map(str, choices))
                )
            )
        return value
    if origin is tuple and isinstance(value, list | tuple):
        return tuple(_checked(item, typing.get_args(hint)[0], where) for item in value)
    if origin in (typing.Union, types.UnionType) and value is None:
        return None
    kinds: dict[Any, tuple[type, ...]] = {int: (int,), float: (int, float), str: (str,), bool: (bool,)}
    wanted = kinds.get(hint)
    fits = wanted is not None and isinstance(value, wanted) and (hint is bool or not isinstance(value, bool))
    if not fits:
        raise UsageError(
            _("{where} is {value}; {kind} is wanted.").format(where=where, value=repr(value), kind=_kind_in_words(hint))
        )
    if hint is not float:
        return value
    number = _as_float(value)
    if not math.isfinite(number):
        raise UsageError(
            _("{where} is {value}; a finite number is wanted.").format(where=where, value=repr(value)[:40])
        )
    return number


def _kind_in_words(hint: Any) -> str:
    words = {int: _("a whole number"), float: _("a number"), str: _("a text"), bool: _("true or false")}
    if typing.get_origin(hint) is tuple:
        return _("a list")
    return words.get(hint, str(hint))


def _as_float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:  # a whole number with hundreds of digits
        return math.inf


def to_json(config: Any) -> dict[str, Any]:
    """Return a configuration dataclass as plain JSON values; ``from_mapping`` reads it back."""
    return dataclasses.asdict(config)
