"""How long it took, and whether the exported models answer as the trained ones: values for two tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from markupsafe import Markup

from anmok.evaluation.results import Comparison
from anmok.report import words
from anmok.report.names import name


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of the whole: its name, its time, and its share of the total (0-100)."""

    title: str
    time: str
    share: float


@dataclass(frozen=True, slots=True)
class Timing:
    """Times of the whole, and of each model (rows: models, columns: stages).

    Attributes:
        spared: models whose features were at hand, in part at least.
    """

    stages: tuple[Stage, ...]
    total: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]
    spared: Markup


@dataclass(frozen=True, slots=True)
class Parity:
    """How far a bundle's answers are from the trained model's."""

    name: str
    same_class: str
    max_difference: str
    pictures: str


def build(comparison: Comparison) -> Timing:
    """Return the times of a comparison."""
    parts = [(name, seconds) for name, seconds in comparison.seconds.items() if name != "total"]
    whole = comparison.seconds.get("total", sum(seconds for _name, seconds in parts))
    columns = list(dict.fromkeys(stage for model in comparison.models for stage in model.seconds))
    return Timing(
        stages=tuple(
            Stage(words.stage_title(stage), words.duration(seconds), _share(seconds, whole)) for stage, seconds in parts
        ),
        total=words.duration(whole),
        columns=tuple(map(words.stage_title, columns)),
        rows=tuple(
            (
                model.name,
                tuple(words.duration(model.seconds[c]) if c in model.seconds else words.MISSING for c in columns),
            )
            for model in comparison.models
        ),
        spared=Markup(", ").join(name(model.name) for model in comparison.models if model.seconds_spared > 0),
    )


def parity(comparison: Comparison) -> tuple[Parity, ...]:
    """Return the parity figures of the models that have them."""
    return tuple(
        Parity(
            model.name,
            _number(model.parity, "same_class", words.percent),
            _number(model.parity, "max_difference", words.decimal),
            _number(model.parity, "pictures", words.count),
        )
        for model in comparison.models
        if model.parity
    )


def _number(figures: Mapping[str, float], key: str, form: Callable[[float], str]) -> str:
    return form(figures[key]) if key in figures else words.MISSING


def _share(seconds: float, whole: float) -> float:
    return round(min(100.0, max(0.0, 100 * seconds / whole)), 2) if whole > 0 else 0.0
