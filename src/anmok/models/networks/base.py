"""What every network is, and the networks by name. To add one: a class with ``@register_network("name")``.

A network takes pictures as they are decoded, uint8 ``(N, S, S, 3)``, scales them itself, and gives
``logits`` float32 ``(N, K)``, ``embedding`` float32 ``(N, D)`` and ``feature_map`` float32 ``(N, C, h, w)``.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeVar

from torch import nn

from anmok.config import Recipe
from anmok.errors import UnknownName
from anmok.i18n import _

#: Modules of this package; importing one registers its networks.
MODULES = ("small", "tiny", "course", "sports", "illustrations", "places")


class Network(nn.Module):
    """Base of all networks.

    Args:
        classes: K.
        image_size: S, side of the squares that it is built for, pixels; 0 takes ``default_size``. A network that
            ends in a mean over all places takes other sizes too; one that flattens its map takes this one alone.

    Attributes:
        default_size: side of the square where a recipe names none, pixels.
        smallest_size: the smallest side that gives a feature map of at least 2x2, pixels.
        size_step: the side is a multiple of this, so that every halving comes out even.
    """

    default_size: ClassVar[int]
    smallest_size: ClassVar[int]
    size_step: ClassVar[int] = 1

    def __init__(self, classes: int, *, image_size: int = 0) -> None:
        super().__init__()
        self.classes = classes
        self.image_size = image_size or self.default_size

    def rate_factors(self, recipe: Recipe) -> Mapping[str, float]:
        """Return by what the learning rate of each parameter is multiplied, by name; 1 of those that are not named."""
        return {}

    def facts(self) -> dict[str, Any]:
        """Return JSON values that it takes, beside classes and size, to build one of this form; of a backbone."""
        return {}


NetworkT = TypeVar("NetworkT", bound=type[Network])
_networks: dict[str, type[Network]] = {}


def register_network(name: str) -> Callable[[NetworkT], NetworkT]:
    """Register a network class under a name; a taken name is refused."""

    def add(kind: NetworkT) -> NetworkT:
        if name in _networks:
            raise ValueError(f"a network named {name!r} is already registered")
        _networks[name] = kind
        return kind

    return add


def network_names() -> tuple[str, ...]:
    """Return the names of all networks."""
    _load()
    return tuple(sorted(_networks))


def get_network(name: str) -> type[Network]:
    """Return the class of that name; call it with the number of classes and ``image_size``."""
    _load()
    if name not in _networks:
        raise UnknownName(
            _("There is no network named {name}.").format(name=repr(name)),
            hint=_("Known networks: {names}.").format(names=", ".join(network_names())),
        )
    return _networks[name]


def _load() -> None:
    for module in MODULES:
        importlib.import_module(f"anmok.models.networks.{module}")
