"""Which part of a backbone stays as it is: ``freeze`` of a recipe, counted in layers or in blocks.

    freeze = "all but 2 blocks"

*Blocks* are the parts that timm divides a network into: the stem first, then its stages (of a vision transformer its
blocks). *Layers* are counted as Keras counts them for its application of the same architecture without its top
(``keras.applications.MobileNetV2(include_top=False).layers``): convolution, padding, batch normalisation, activation,
addition are one each, the input too. ``keras_layers.json`` holds the numbers (``scripts/keras_layers`` makes it). Of
networks that Keras has not, each module with weights of its own is a layer. Light: imports neither PyTorch nor timm.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any, Literal

from anmok.errors import UsageError
from anmok.i18n import _

if TYPE_CHECKING:
    from torch import nn

_FREEZE = re.compile(r"\s*(first|all\s+but)\s+([0-9]{1,6})\s+(layer|block)s?\s*")


@dataclass(frozen=True, slots=True)
class Freeze:
    """What a recipe's ``freeze`` says.

    Attributes:
        side: ``first``: so many are frozen; ``all but``: so many at the end are not.
        count: at least 0.
        unit: what is counted.
    """

    side: Literal["first", "all but"]
    count: int
    unit: Literal["layer", "block"]

    def frozen_of(self, total: int, name: str) -> int:
        """Return how many of ``total`` layers or blocks are frozen, from the first on.

        Raises:
            UsageError: the network ``name`` has fewer.
        """
        if self.count > total:
            unit = _("layers") if self.unit == "layer" else _("blocks")
            raise UsageError(
                _("The recipe wants to freeze by {count} {unit}, and {name} has {total}.").format(
                    count=self.count, unit=unit, name=name, total=total
                ),
                hint=_("Lower the number in freeze."),
            )
        return self.count if self.side == "first" else total - self.count


def parse_freeze(text: str) -> Freeze:
    """Read a recipe's ``freeze``.

    Raises:
        UsageError: it is none of the four forms.
    """
    match = _FREEZE.fullmatch(text)
    if match is None:
        raise UsageError(
            _("A backbone cannot be frozen by {text}.").format(text=repr(text)),
            hint=_('Write "first N layers", "all but N layers", "first N blocks" or "all but N blocks".'),
        )
    side, count, unit = match.groups()
    return Freeze("first" if side == "first" else "all but", int(count), "layer" if unit == "layer" else "block")


def frozen_parameters(network: nn.Module, architecture: str, freeze: Freeze) -> frozenset[str]:
    """Return the names of the parameters that ``freeze`` keeps as they are.

    Args:
        network: a model of timm's without its classifier.
        architecture: timm's name of it.

    Raises:
        UsageError: the network has fewer layers or blocks than ``freeze`` counts.
    """
    if freeze.unit == "block":
        numbers, total = block_numbers(network)
    else:
        numbers, total = layer_numbers(network, architecture)
    kept = freeze.frozen_of(total, architecture)
    return frozenset(name for name, number in numbers.items() if number < kept)


def block_numbers(network: nn.Module) -> tuple[Mapping[str, int], int]:
    """Return of each parameter its block, from 0 (the stem), and the number of blocks.

    The division is timm's own (``group_matcher``). A last group of nothing but normalisation belongs to the block
    before it.
    """
    from timm.models._manipulate import group_parameters

    parameters = dict(network.named_parameters())
    matcher: Any = network.group_matcher  # timm's networks have it, nn.Module does not
    groups: list[list[str]] = [list(names) for names in group_parameters(network, matcher(coarse=True)).values()]
    groups = [[name for name in names if name in parameters] for names in groups]
    if len(groups) > 1 and all(parameters[name].ndim <= 1 for name in groups[-1]):
        last = groups.pop()
        groups[-1] += last
    return {name: number for number, names in enumerate(groups) for name in names}, len(groups)


def layer_numbers(network: nn.Module, architecture: str) -> tuple[Mapping[str, int], int]:
    """Return of each parameter its layer, from 0, and the number of layers; see the top of this file."""
    owners = [path for path, module in network.named_modules() if any(True for _own in module.parameters(False))]
    table = keras_layers().get(architecture)
    if table is None:
        places: Sequence[int] = range(len(owners))
        total = len(owners)
    else:
        # What Keras calls the top (the dense layers of VGG, where the recipe keeps them) lies behind all it counts.
        places = [*table["places"], *[table["layers"]] * (len(owners) - len(table["places"]))]
        total = table["layers"]
    numbers = {}
    for path, place in zip(owners, places, strict=True):
        for name, _parameter in network.get_submodule(path).named_parameters(recurse=False):
            numbers[f"{path}.{name}" if path else name] = int(place)
    return numbers, total


@functools.cache
def keras_layers() -> Mapping[str, Mapping[str, Any]]:
    """Return by timm's architecture ``application`` (of Keras), ``layers`` (how many), and ``places``.

    ``places`` says of each module with weights, in timm's order, which layer it is in Keras, from 0; the two halves of
    a separable convolution are one layer there.
    """
    table: Mapping[str, Mapping[str, Any]] = json.loads(
        resources.files("anmok.models").joinpath("keras_layers.json").read_text(encoding="utf-8")
    )
    return table
