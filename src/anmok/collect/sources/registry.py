"""The sources by name."""

from __future__ import annotations

import difflib
from importlib import import_module
from typing import TypeVar

from anmok.collect.sources.base import Source
from anmok.collect.sources.members import MODULES
from anmok.errors import UnknownName
from anmok.i18n import _

SourceT = TypeVar("SourceT", bound=type[Source])

_sources: dict[str, type[Source]] = {}


def register_source(source: SourceT) -> SourceT:
    """Take a source up under its name.

    Raises:
        ValueError: there is another one of that name.
    """
    if _sources.setdefault(source.name, source) is not source:
        raise ValueError(f"there are two sources named {source.name!r}")
    return source


def all_sources() -> tuple[type[Source], ...]:
    """Return all sources in the order of ``members.MODULES``."""
    for module in MODULES:
        import_module(f"anmok.collect.sources.{module}")
    return tuple(_sources.values())


def get_source(name: str) -> type[Source]:
    """Return the source ``name``.

    Raises:
        UnknownName: there is none.
    """
    names = {source.name: source for source in all_sources()}
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1)
        hint = _("Did you mean {names}?").format(names=near[0]) if near else ""
        raise UnknownName(
            _("There is no source {name}; there are {names}.").format(name=repr(name), names=", ".join(names)),
            hint=hint,
        )
    return names[name]
