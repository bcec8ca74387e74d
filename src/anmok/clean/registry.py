"""The checks by name, and what a check gives back. A new check is a file with one decorator, named in ``members``."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from anmok.clean.evidence import Evidence
from anmok.clean.members import MODULES
from anmok.errors import UnknownName
from anmok.i18n import _
from anmok.models.registry import NAME, suggest
from anmok.records import Action

#: What a check looks at, from cheap to dear: what the manifest knows already, small pictures, vectors of a network.
Needs = Literal["facts", "thumbs", "vectors"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CheckResult:
    """What one check says about N pictures, in the order of the manifest's rows.

    Attributes:
        scores: float64 ``(N,)``, 0 (certainly wrong) to 1 (certainly right).
        flags: bool ``(N,)``, True where the check proposes to act.
        others: int64 ``(N,)``, the row of the other picture for duplicates, else -1.
        suggested: ``(N,)`` names: the class that a label should be, or the group to join; ``""`` where nothing is
            suggested. Empty for checks that suggest nothing.
        actions: ``(N,)``, where they differ from the check's usual one; empty: the usual one for all.
        values: by flagged row, what the sentence about it says (numbers and words, fit for JSON).
        thresholds: by name, what was learnt from this set, in the unit of the measure.
        about: further facts for the report, fit for JSON (clusters and their indices, ...).
    """

    scores: NDArray[np.float64]
    flags: NDArray[np.bool_]
    others: NDArray[np.int64]
    suggested: tuple[str, ...] = ()
    actions: tuple[Action, ...] = ()
    values: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    thresholds: Mapping[str, float] = field(default_factory=dict)
    about: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        count = len(self.scores)
        for name in ("flags", "others"):
            if len(getattr(self, name)) != count:
                raise ValueError(f"{name} has {len(getattr(self, name))} rows, scores {count}")
        for name in ("suggested", "actions"):
            if len(getattr(self, name)) not in (0, count):
                raise ValueError(f"{name} has {len(getattr(self, name))} rows; {count}, or none, are wanted")
        if count and not (np.isfinite(self.scores).all() and self.scores.min() >= 0 and self.scores.max() <= 1):
            raise ValueError("scores must lie between 0 and 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One registered check.

    Attributes:
        name: lower case, as in findings and on the command line.
        title: what people call it, marked for translation; show it through ``_``.
        about: one sentence on what it looks for and how, marked for translation.
        needs: the dearest thing that it looks at.
        action: what it usually proposes.
        find: looks at the evidence.
        reason: makes the sentence about one flagged picture from its ``values``, in the language of the moment.
    """

    name: str
    title: str
    about: str
    needs: Needs
    action: Action
    find: Callable[[Evidence], CheckResult]
    reason: Callable[[Mapping[str, Any]], str]

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise ValueError(f"check name {self.name!r} is not made of a-z, 0-9, '.', '_' and '-'")


_checks: dict[str, Check] = {}


def register_check(
    *, name: str, title: str, about: str, needs: Needs, action: Action, reason: Callable[[Mapping[str, Any]], str]
) -> Callable[[Callable[[Evidence], CheckResult]], Callable[[Evidence], CheckResult]]:
    """Register the function below as a check; a taken name is refused."""

    def add(find: Callable[[Evidence], CheckResult]) -> Callable[[Evidence], CheckResult]:
        if name in _checks:
            raise ValueError(f"a check named {name!r} is already registered")
        _checks[name] = Check(name=name, title=title, about=about, needs=needs, action=action, find=find, reason=reason)
        return find

    return add


def all_checks() -> tuple[Check, ...]:
    """Return every registered check: those of ``members.MODULES`` in its order, then those of others."""
    modules = [importlib.import_module(f"anmok.clean.{name}").__name__ for name in MODULES]
    # Whoever imports one of the modules by itself must not change the order.
    places = {name: place for place, name in enumerate(modules)}
    return tuple(sorted(_checks.values(), key=lambda check: places.get(check.find.__module__, len(places))))


def get_check(name: str) -> Check:
    """Return one check.

    Raises:
        UnknownName: there is none of that name; the hint names similar ones.
    """
    names = [check.name for check in all_checks()]
    if name in names:
        return _checks[name]
    raise UnknownName(
        _("There is no check named {name}.").format(name=repr(name)),
        hint=suggest(name, names, otherwise=_("Known checks: {names}.")),
    )
