"""Mistakes as pictures: those that all models share, those that one model alone makes, and all of each model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from anmok.evaluation.results import Comparison, Mistake, ModelResult
from anmok.report.page import data_block
from anmok.report.pictures import Thumbnail, Thumbnails

#: Pictures of each gallery, and the longer side of one, pixels.
MOST_SHARED, MOST_ONLY = 24, 12
SIDE = 144
#: Mistakes that the list of one model names, and the longer side of their pictures.
MOST_LISTED = 1000
SMALL_SIDE = 72


@dataclass(frozen=True, slots=True)
class Shared:
    """A picture that no model recognised: its class, and the answers (model, class) or the one that all gave."""

    path: str
    true: str
    alike: str
    answers: tuple[tuple[str, str], ...]
    thumbnail: Thumbnail


@dataclass(frozen=True, slots=True)
class Alone:
    """Pictures that one model alone got wrong."""

    name: str
    shots: tuple[tuple[Mistake, Thumbnail], ...]
    count: int
    more: int


@dataclass(frozen=True, slots=True)
class Galleries:
    """What the section about mistakes shows."""

    shared: tuple[Shared, ...]
    shared_count: int
    shared_more: int
    alone: tuple[Alone, ...]
    models: int


def build(comparison: Comparison, thumbnails: Thumbnails) -> Galleries | None:
    """Return the section's values; None for fewer than two models, or where mistakes were not brought together."""
    if len(comparison.models) < 2 or not (comparison.shared_mistakes or comparison.only_mistakes):
        return None
    shared = tuple(
        Shared(
            path=mistake.path,
            true=mistake.true,
            alike=next(iter(mistake.predicted.values())) if len(set(mistake.predicted.values())) == 1 else "",
            answers=tuple(mistake.predicted.items()),
            thumbnail=thumbnails.of(mistake.path, SIDE),
        )
        for mistake in comparison.shared_mistakes[:MOST_SHARED]
    )
    alone = []
    for model in comparison.models:
        mistakes = comparison.only_mistakes.get(model.name, ())
        count = max(comparison.only_mistakes_count.get(model.name, 0), len(mistakes))
        shots = tuple((mistake, thumbnails.of(mistake.path, SIDE)) for mistake in mistakes[:MOST_ONLY])
        alone.append(Alone(model.name, shots, count, count - len(shots)))
    count = max(comparison.shared_mistakes_count, len(comparison.shared_mistakes))
    return Galleries(shared, count, count - len(shared), tuple(alone), len(comparison.models))


class SmallPictures:
    """Small thumbnails that a script puts into lists when they are opened: each once, whatever lists it is in.

    Args:
        thumbnails: makes them; None where there is no source.
    """

    def __init__(self, thumbnails: Thumbnails) -> None:
        self._thumbnails = thumbnails
        self._numbers: dict[str, int] = {}
        self._sources: list[str] = []

    def number(self, path: str) -> int:
        """Return the picture's number in the block, -1 where it cannot be shown."""
        if path not in self._numbers:
            source = self._thumbnails.of(path, SMALL_SIDE).src
            self._numbers[path] = len(self._sources) if source else -1
            if source:
                self._sources.append(source.partition(",")[2])
        return self._numbers[path]

    @property
    def block(self) -> Markup:
        """All pictures as data for the script (base64 of JPEGs); empty without any."""
        return data_block("small-pictures", self._sources) if self._sources else Markup("")


@dataclass(frozen=True, slots=True)
class Listed:
    """One mistake of the list: its place among the small pictures, -1 for none."""

    mistake: Mistake
    picture: int


def listed(model: ModelResult, first: int, pictures: SmallPictures) -> tuple[Listed, ...]:
    """Return the mistakes of a model after the ``first`` ones, which are shown large, the surest first."""
    rest: Sequence[Mistake] = model.evaluation.mistakes[first : first + MOST_LISTED]
    return tuple(Listed(mistake, pictures.number(mistake.path)) for mistake in rest)
