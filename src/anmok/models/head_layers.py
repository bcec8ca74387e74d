"""The head ``layers``: what a recipe lists between a feature map and the last, linear layer.

    head_layers = ["average-pool", "dense 128", "dropout 0.1", "dense 128", "dropout 0.1"]

Reading the list is light; ``build_head`` imports PyTorch.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from anmok.errors import UsageError
from anmok.i18n import _

if TYPE_CHECKING:
    from torch import nn

LayerKind = Literal["average-pool", "max-pool", "flatten", "dense", "dropout", "batch-norm"]
#: Layers that make one vector of a map; the first of a head is one of them, and no other.
POOLS: tuple[LayerKind, ...] = ("average-pool", "max-pool", "flatten")
#: A larger layer than this is a slip of the keyboard.
WIDEST = 65_536
#: So is a longer list, and more weights than these (4 GiB, and four times as much while they learn).
LONGEST, MOST_WEIGHTS = 100, 2**30
_ENTRY = re.compile(r"([a-z]+(?:-[a-z]+)?)(?:\s+([0-9]{1,9}(?:\.[0-9]{1,9})?))?")


@dataclass(frozen=True, slots=True)
class HeadLayer:
    """One entry of ``head_layers``.

    Attributes:
        kind: ``dense`` is followed by ReLU.
        width: of ``dense``, its outputs; else 0.
        share: of ``dropout``, what becomes 0, 0-1; else 0.
    """

    kind: LayerKind
    width: int = 0
    share: float = 0.0

    def __str__(self) -> str:
        if self.kind == "dense":
            return f"dense {self.width}"
        return f"dropout {self.share:g}" if self.kind == "dropout" else self.kind


def parse_head_layers(entries: Sequence[str]) -> tuple[HeadLayer, ...]:
    """Read what a recipe lists; the first layer makes a vector of the map, and no other does.

    Raises:
        UsageError: the list is empty, or an entry is not one of the grammar; the message names it.
    """
    if len(entries) > LONGEST:
        raise _refusal(_("The list head_layers has {count} entries.").format(count=len(entries)))
    layers = tuple(_layer(entry) for entry in entries)
    for place, (entry, layer) in enumerate(zip(entries, layers, strict=True), start=1):
        if (layer.kind in POOLS) != (place == 1):
            raise _refusal(
                _("Entry {place} of head_layers is {entry}.").format(place=place, entry=repr(entry)),
            )
    if not layers:
        raise _refusal(_("The list head_layers is empty."))
    return layers


def vector_size(layers: Sequence[HeadLayer], shape: Sequence[int]) -> int:
    """Return the length of the vector that the first layer makes of a map ``(C, h, w)``; of a vector ``(D,)``, D."""
    return math.prod(shape) if layers[0].kind == "flatten" else int(shape[0])


def build_head(layers: Sequence[HeadLayer], shape: Sequence[int], classes: int) -> nn.Sequential:
    """Return the head as a PyTorch module: float32 ``(N, *shape)`` to logits ``(N, classes)``.

    Dense layers begin as Keras lets them: weights by Glorot's uniform rule (Glorot, Bengio: Understanding the
    difficulty of training deep feedforward neural networks, 2010), biases 0; drawn from torch's generator.

    Args:
        layers: of ``parse_head_layers``.
        shape: ``(C, h, w)`` of a feature map, or ``(D,)`` of vectors, from which the first layer is left out because
            they went through it already.
        classes: K, outputs of the last layer.

    Raises:
        UsageError: the head is so large that it can only be a mistake.
    """
    from torch import nn

    from anmok.models.batch_norm import VectorBatchNorm
    from anmok.models.dropout import SeededDropout

    modules: list[nn.Module] = []
    if len(shape) > 1:
        pool = {"average-pool": nn.AdaptiveAvgPool2d(1), "max-pool": nn.AdaptiveMaxPool2d(1)}.get(layers[0].kind)
        modules += [pool, nn.Flatten()] if pool is not None else [nn.Flatten()]
    width = vector_size(layers, shape)
    _refuse_too_large(width, layers, classes)
    for layer in layers[1:]:
        if layer.kind == "dense":
            modules += [_dense(width, layer.width), nn.ReLU()]
            width = layer.width
        elif layer.kind == "dropout":
            modules.append(SeededDropout(layer.share))
        else:
            modules.append(VectorBatchNorm(width))
    return nn.Sequential(*modules, _dense(width, classes))


def _refuse_too_large(width: int, layers: Sequence[HeadLayer], classes: int) -> None:
    """Refuse a head before memory is asked for; ``width`` is the length of the vectors that it begins with."""
    widths = [width, *(layer.width for layer in layers if layer.kind == "dense"), classes]
    weights = sum(before * after for before, after in itertools.pairwise(widths))
    if weights > MOST_WEIGHTS:
        raise UsageError(
            _("The head has {count} weights; at most {most} are possible.").format(
                count=f"{weights:,}", most=f"{MOST_WEIGHTS:,}"
            ),
            hint=_('Write smaller numbers behind "dense", or "average-pool" instead of "flatten".'),
        )


def _layer(entry: str) -> HeadLayer:
    match = _ENTRY.fullmatch(entry.strip())
    word, number = match.groups() if match else ("", None)
    if number is None:
        for kind in (*POOLS, "batch-norm"):
            if word == kind:
                return HeadLayer(kind)
    elif word == "dense" and number.isdigit() and 1 <= int(number) <= WIDEST:
        return HeadLayer("dense", width=int(number))
    elif word == "dropout" and 0 <= float(number) < 1:
        return HeadLayer("dropout", share=float(number))
    raise _refusal(_("The head layer {entry} is not known.").format(entry=repr(entry)))


def _refusal(message: str) -> UsageError:
    return UsageError(
        message,
        hint=_(
            'head_layers begins with "average-pool", "max-pool" or "flatten"; after it come any of "dense N" (N from 1 '
            'to {widest}), "dropout P" (P from 0, less than 1) and "batch-norm".'
        ).format(widest=WIDEST),
    )


def _dense(inputs: int, outputs: int) -> nn.Linear:
    from torch import nn

    layer = nn.Linear(inputs, outputs)
    nn.init.xavier_uniform_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer
