"""The scores by name, and what a score is made from. A new score is a file with one decorator, named in ``members``."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from anmok.bundle.reference import Reference
from anmok.bundle.unknown.members import MODULES
from anmok.errors import UnknownName
from anmok.i18n import _

Floats = NDArray[np.floating[Any]]


class Score(Protocol):
    """Tells how little pictures look like any class.

    Args:
        embeddings: float ``(N, D)``; logits: float ``(N, K)``, as the graph gives them, before any temperature.

    Returns:
        float64 ``(N,)``: the higher, the stranger. Each row depends on that row alone. What is no number in an
        embedding may come back as none.
    """

    def __call__(self, embeddings: Floats, logits: Floats) -> NDArray[np.float64]:
        """Return one number a picture."""
        ...


@dataclass(frozen=True, slots=True)
class Range:
    """What a setting of a score may be: any number, or a whole one, from ``low`` to ``high``; and its default."""

    default: float
    low: float
    high: float
    whole: bool = False

    def holds(self, value: float) -> bool:
        """Tell whether the value may be."""
        return self.low <= value <= self.high and (not self.whole or value == int(value))


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreSpec:
    """One registered score.

    Attributes:
        name: lower case, as stored in bundles.
        title: what people call it, marked for translation; show it through ``_``.
        source: the paper.
        uses_embeddings: it looks at embeddings, and needs what the bundle remembers; else it looks at logits alone.
        make: from what is remembered and settings, the score itself. Raises ``ValueError`` where it cannot be made of
            so little.
        settings: by name, what they may be.
    """

    name: str
    title: str
    source: str
    uses_embeddings: bool
    make: Callable[[Reference, Mapping[str, float]], Score]
    settings: Mapping[str, Range] = field(default_factory=dict)

    @property
    def defaults(self) -> dict[str, float]:
        """The settings as they are where nobody chose."""
        return {name: setting.default for name, setting in self.settings.items()}


_scores: dict[str, ScoreSpec] = {}


def register_score(spec: ScoreSpec) -> ScoreSpec:
    """Register a score; a taken name is refused."""
    if spec.name in _scores:
        raise ValueError(f"a score named {spec.name!r} is already registered")
    _scores[spec.name] = spec
    return spec


def all_scores() -> tuple[ScoreSpec, ...]:
    """Return every registered score: those of ``members.MODULES`` in its order, then those of others."""
    modules = [importlib.import_module(f"anmok.bundle.unknown.{name}").__name__ for name in MODULES]
    places = {name: place for place, name in enumerate(modules)}
    return tuple(sorted(_scores.values(), key=lambda spec: places.get(spec.make.__module__, len(places))))


def get_score(name: str) -> ScoreSpec:
    """Return one score.

    Raises:
        UnknownName: there is none of that name; the hint names those that there are.
    """
    names = [spec.name for spec in all_scores()]
    if name in names:
        return _scores[name]
    raise UnknownName(
        _('There is no score named {name} for "none of these".').format(name=repr(name)),
        hint=_("Known scores: {names}.").format(names=", ".join(names)),
    )


def unit_rows(vectors: Floats) -> NDArray[np.float32]:
    """Return float32 ``(N, D)`` rows of length 1; a row of nothing but zeros stays one."""
    rows = np.asarray(vectors, dtype=np.float32)
    # Lengths in double precision: squares of large embeddings still fit, and sums do not depend on the batch.
    lengths = np.sqrt(np.einsum("nd,nd->n", rows, rows, dtype=np.float64))
    limits = np.finfo(np.float32)
    result: NDArray[np.float32] = rows / np.clip(lengths, limits.tiny, limits.max).astype(np.float32)[:, None]
    return result
