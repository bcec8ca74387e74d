"""Which bundle answers under which name, as a person writes it: ``best.anmok`` or ``birds=birds.anmok``. Light."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from anmok.errors import UsageError
from anmok.i18n import _

#: The name of the bundle that was given none.
MAIN = "main"
#: Names stand in addresses (/m/NAME/) and in names of files.
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


@dataclass(frozen=True, slots=True)
class BundleChoice:
    """A bundle's file and the name under which it answers."""

    name: str
    path: Path


def check_name(name: str) -> str:
    """Return a name under which a bundle can answer.

    Raises:
        UsageError: it has other letters, or too many.
    """
    if not NAME.fullmatch(name):
        raise UsageError(
            _("{name} is no name for a bundle.").format(name=repr(name)),
            hint=_("Up to 40 small letters, digits and hyphens are wanted, such as birds or jeju-2026."),
        )
    return name


def parse_choice(text: str, *, find: Callable[[Path], Path] = Path) -> BundleChoice:
    """Read ``FILE`` or ``NAME=FILE``; a file of that very name goes before a name.

    Args:
        find: turns the path that was written into that of the bundle.

    Raises:
        UsageError: the name is none.
    """
    name, equals, path = text.partition("=")
    if not equals or Path(text).exists():
        return BundleChoice(MAIN, find(Path(text)))
    return BundleChoice(check_name(name), find(Path(path)))


def check_choices(choices: Sequence[BundleChoice]) -> tuple[BundleChoice, ...]:
    """Return bundles whose names differ; the first is the one that the home page asks.

    Raises:
        UsageError: two have the same name.
    """
    names = [choice.name for choice in choices]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UsageError(
            _("Two bundles are named {name}.").format(name=twice),
            hint=_("Give each a name of its own: --bundle best.anmok --bundle birds=birds.anmok"),
        )
    return tuple(choices)


def to_environment(choices: Sequence[BundleChoice]) -> str:
    """Return bundles as one variable of the environment: ``NAME=FILE``, one a line."""
    return "\n".join(f"{choice.name}={choice.path.resolve()}" for choice in choices)


def from_environment(text: str) -> tuple[BundleChoice, ...]:
    """Return what ``to_environment`` wrote, or what a person set: a line may be a file alone.

    Raises:
        UsageError: a name is none, or two are the same.
    """
    return check_choices([parse_choice(line) for line in text.splitlines() if line.strip()])
