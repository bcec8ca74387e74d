"""What a bundle remembers of the pictures that it was made from: small statistics, so that a shift can be told later.

Light: NumPy only. What is measured of a picture says ``origin_measures``; what is compared,
``evaluation.measure_shift``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anmok.bundle.fields import Fields, as_integer, as_number, as_sequence, as_text, check
from anmok.i18n import _

#: Of each measure so many quantiles are kept, evenly from the least to the greatest value.
QUANTILES = 11
#: With more classes than this the statistics are of all pictures together, so that they stay small.
MOST_CLASSES = 500
MAX_MEASURES = 64


@dataclass(frozen=True, slots=True)
class Spread:
    """How a measure is distributed: of how many pictures, and quantiles from minimum to maximum; none of no picture."""

    pictures: int
    quantiles: tuple[float, ...]

    def __post_init__(self) -> None:
        check(self.pictures >= 0, "origin.pictures", self.pictures, _("a count"))
        wanted = QUANTILES if self.pictures else 0
        check(len(self.quantiles) == wanted, "origin.quantiles", len(self.quantiles), str(wanted))
        rising = all(a <= b for a, b in zip(self.quantiles, self.quantiles[1:], strict=False))
        check(rising, "origin.quantiles", str(self.quantiles[:3]), _("rising numbers"))

    @classmethod
    def of(cls, values: NDArray[np.floating]) -> Spread:
        """Summarise values ``(N,)``; what is not finite is left out."""
        known = values[np.isfinite(values)].astype(np.float64)
        if not len(known):
            return cls(0, ())
        quantiles = np.quantile(known, np.linspace(0, 1, QUANTILES))
        # Rounding to five digits keeps the order.
        return cls(len(known), tuple(float(f"{value:.5g}") for value in quantiles))

    def places(self, values: ArrayLike) -> NDArray[np.float64]:
        """Return where values ``(N,)`` stand among the summarised ones, 0 below all to 1 above all; ties in the middle.

        Values that are all like the summarised ones give places that are even between 0 and 1.
        """
        steps, at = np.linspace(0, 1, QUANTILES), np.asarray(values, dtype=np.float64)
        grid = np.array(self.quantiles)
        # Several quantiles may be one value; it then takes the middle of their places.
        unique, first, counts = np.unique(grid, return_index=True, return_counts=True)
        middles = (steps[first] + steps[first + counts - 1]) / 2
        places: NDArray[np.float64] = np.interp(at, unique, middles)
        places[at < grid[0]] = 0.0
        places[at > grid[-1]] = 1.0
        return places


@dataclass(frozen=True, slots=True)
class Origin:
    """Statistics of the pictures that a bundle was made from.

    Attributes:
        measures: by name and class in the order of the labels (or, of very many classes, one for all), of training
            pictures.
        formats: training pictures by file format (``"JPEG"``, ...).
        distances: by class like ``measures``: of validation and test pictures, the distance of the embedding to its
            nearest neighbours among the remembered ones; of none, where there was none. Training pictures would not do:
            a network knows them by heart.
    """

    measures: Mapping[str, tuple[Spread, ...]]
    formats: Mapping[str, int]
    distances: tuple[Spread, ...] = ()

    def __post_init__(self) -> None:
        check(len(self.measures) <= MAX_MEASURES, "origin.measures", len(self.measures), f"0-{MAX_MEASURES}")
        check(len(self.formats) <= MAX_MEASURES, "origin.formats", len(self.formats), f"0-{MAX_MEASURES}")
        for name, count in self.formats.items():
            check(count >= 0, f"origin.formats.{name}", count, _("a count"))

    def check_classes(self, classes: int) -> None:
        """Raise ``ValueError`` unless there is one spread for each class, or one for all."""
        for name, spreads in (*self.measures.items(), ("distances", self.distances)):
            fits = len(spreads) in (1, classes) or (name == "distances" and not spreads)
            check(fits, f"origin.{name}", len(spreads), _("one summary for each class"))


def spreads_of(values: NDArray[np.floating], labels: NDArray[np.integer], classes: int) -> tuple[Spread, ...]:
    """Summarise values ``(N,)`` by class, or all together where there are very many classes."""
    if classes > MOST_CLASSES:
        return (Spread.of(values),)
    return tuple(Spread.of(values[labels == number]) for number in range(classes))


def origin_to_json(origin: Origin) -> dict[str, Any]:
    """Return plain JSON values; ``origin_from_json`` reads them back."""
    return {
        "measures": {name: _spreads_to_json(spreads) for name, spreads in origin.measures.items()},
        "formats": dict(origin.formats),
        "distances": _spreads_to_json(origin.distances),
    }


def origin_from_json(values: Mapping[str, Any]) -> Origin:
    """Read what ``origin_to_json`` wrote.

    Raises:
        ValueError: anything that is wrong with it.
    """
    fields = Fields(values, "origin.")
    origin = Origin(
        measures={
            as_text(name, "origin.measures"): _spreads_from_json(rows, f"origin.measures.{name}")
            for name, rows in fields.mapping("measures").items()
        },
        formats={
            as_text(name, "origin.formats"): as_integer(count, f"origin.formats.{name}")
            for name, count in fields.mapping("formats").items()
        },
        distances=_spreads_from_json(fields.sequence("distances"), "origin.distances"),
    )
    fields.end()
    return origin


def _spreads_to_json(spreads: Sequence[Spread]) -> list[list[float]]:
    # One list a class, the count first: an object each would be twice as long.
    return [[spread.pictures, *spread.quantiles] for spread in spreads]


def _spreads_from_json(rows: Any, where: str) -> tuple[Spread, ...]:
    spreads = []
    for row in as_sequence(rows, where):
        numbers = as_sequence(row, where)
        check(1 <= len(numbers) <= QUANTILES + 1, where, len(numbers), f"1-{QUANTILES + 1}")
        spreads.append(Spread(as_integer(numbers[0], where), tuple(as_number(value, where) for value in numbers[1:])))
    return tuple(spreads)
