"""Policies by name, and what a person is told of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torchvision.transforms import v2

from anmok.errors import UnknownName
from anmok.i18n import _
from anmok.models.registry import suggest

Maker = Callable[[], v2.Transform]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One named policy.

    Attributes:
        name: what recipes and ``--policy`` call it.
        make: makes the transform.
        about: one sentence, English, marked for translation; show ``summary``.
    """

    name: str
    make: Maker
    about: str = ""

    @property
    def summary(self) -> str:
        """What it does, one sentence in the user's language; empty where nothing was said."""
        return _(self.about) if self.about else ""


_policies: dict[str, Policy] = {}


def register_policy(name: str, about: str = "") -> Callable[[Maker], Maker]:
    """Register a function without arguments that makes the policy; a taken name is refused.

    Args:
        name: lower case, words joined by ``-``.
        about: one sentence on what it does.
    """

    def add(make: Maker) -> Maker:
        if name in _policies:
            raise ValueError(f"an augmentation policy named {name!r} is already registered")
        _policies[name] = Policy(name=name, make=make, about=about)
        return make

    return add


def policy_names() -> tuple[str, ...]:
    """Return the names of all policies."""
    return tuple(sorted(_policies))


def all_policies() -> tuple[Policy, ...]:
    """Return all policies, sorted by name."""
    return tuple(_policies[name] for name in policy_names())


def get_policy(name: str) -> v2.Transform:
    """Return the policy of that name: a transform of uint8 ``(N, 3, S, S)``, in any memory layout.

    Each call returns a new one, so that two threads may each have their own.

    Raises:
        UnknownName: there is none of that name; the hint names those that are.
    """
    if name not in _policies:
        raise UnknownName(
            _("There is no augmentation policy named {name}.").format(name=repr(name)),
            hint=suggest(name, list(policy_names()), otherwise=_("Known policies: {names}.")),
        )
    return _policies[name].make()
