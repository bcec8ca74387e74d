"""Reads JSON from strangers: every key once, known, of the right type and size; anything else is a ``ValueError``.

The messages are parts of sentences for people: ``image_size is 'big'; wanted: a whole number``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn, cast

from anmok.i18n import _

MAX_TEXT = 10_000
MAX_LIST = 1000

Scalar = str | int | float | bool
#: What a recipe's setting may be.
Setting = Scalar | tuple[Scalar, ...]


def parse_object(text: bytes) -> Mapping[str, Any]:
    """Parse UTF-8 JSON whose top is an object; NaN, infinity and keys given twice are refused."""
    try:
        values = json.loads(text.decode("utf-8"), parse_constant=_no_constant, object_pairs_hook=_unique)
    except RecursionError as error:
        raise ValueError(_("it is nested too deeply")) from error
    return as_mapping(values, "bundle.json")


def _no_constant(name: str) -> NoReturn:
    raise ValueError(_("{name} is no number").format(name=name))


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ValueError(_("a key stands in it twice"))
    return values


class Fields:
    """The keys of one JSON object: each is wanted once, of one type, and none may be left over."""

    def __init__(self, values: Mapping[str, Any], prefix: str) -> None:
        self._values = dict(values)
        self._prefix = prefix

    def _take(self, name: str) -> Any:
        if name not in self._values:
            raise ValueError(_("{name} is missing").format(name=_safe(self._prefix + name)))
        return self._values.pop(name)

    def is_null(self, name: str) -> bool:
        """Tell whether the value is null, and take it if so."""
        if name in self._values and self._values[name] is None:
            del self._values[name]
            return True
        return False

    def has(self, name: str) -> bool:
        """Tell whether the key is there: one that an older Anmok did not write yet."""
        return name in self._values

    def text(self, name: str) -> str:
        """Take a text."""
        return as_text(self._take(name), self._prefix + name)

    def integer(self, name: str) -> int:
        """Take a whole number that a float64 holds exactly."""
        return as_integer(self._take(name), self._prefix + name)

    def number(self, name: str) -> float:
        """Take a finite number."""
        return as_number(self._take(name), self._prefix + name)

    def sequence(self, name: str) -> list[Any]:
        """Take a list."""
        return as_sequence(self._take(name), self._prefix + name)

    def mapping(self, name: str) -> Mapping[str, Any]:
        """Take an object."""
        return as_mapping(self._take(name), self._prefix + name)

    def end(self) -> None:
        """Make sure that every key was taken."""
        if self._values:
            raise ValueError(_("{name} is not known").format(name=repr(self._prefix + min(self._values))))


def is_text(value: Any) -> bool:
    """Tell whether a value is a text of a sensible length that can be printed and stored."""
    # A lone surrogate is a str in Python, but no Unicode text: it could be neither printed nor stored.
    return isinstance(value, str) and len(value) <= MAX_TEXT and not any("\ud800" <= c <= "\udfff" for c in value)


def as_text(value: Any, where: str) -> str:
    """Return the value if it is a text."""
    check(is_text(value), where, value, _("a short text of valid Unicode"))
    return cast("str", value)


def as_integer(value: Any, where: str) -> int:
    """Return the value if it is a whole number that a float64 holds exactly."""
    fits = isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53
    check(fits, where, value, _("a whole number"))
    return cast("int", value)


def as_number(value: Any, where: str) -> float:
    """Return the value if it is a finite number."""
    fits = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 2**53
    check(fits, where, value, _("a finite number"))
    return float(value)


def as_scalar(value: Any, where: str) -> Scalar:
    """Return the value if it is a text, a truth value or a number."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return as_text(value, where)
    if isinstance(value, int):
        return as_integer(value, where)
    return as_number(value, where)


def as_setting(value: Any, where: str) -> Setting:
    """Return the value if it is what ``as_scalar`` takes, or a list of those, which becomes a tuple."""
    if not isinstance(value, list):
        return as_scalar(value, where)
    check(len(value) <= MAX_LIST, where, value, _("a list of at most {most} entries").format(most=MAX_LIST))
    return tuple(as_scalar(entry, f"{where}[{number}]") for number, entry in enumerate(value))


def as_sequence(value: Any, where: str) -> list[Any]:
    """Return the value if it is a list."""
    check(isinstance(value, list), where, value, _("a list"))
    return cast("list[Any]", value)


def as_mapping(value: Any, where: str) -> Mapping[str, Any]:
    """Return the value if it is an object."""
    check(isinstance(value, dict), where, value, _("an object"))
    return cast("Mapping[str, Any]", value)


def check(fits: bool, where: str, value: object, wanted: str) -> None:
    """Raise ``ValueError`` with what came, where, and what was wanted, unless it fits."""
    if not fits:
        # Nothing of a stranger's may reach a terminal as it is, and a deep list could not even be shown.
        shown = ascii(value) if isinstance(value, str | int | float | None) else type(value).__name__
        shown = shown if len(shown) <= 80 else f"{shown[:77]}..."
        raise ValueError(
            _("{where} is {value}; wanted: {wanted}").format(where=_safe(where), value=shown, wanted=wanted)
        )


def _safe(name: str) -> str:
    return name if name.isprintable() else ascii(name)
