"""What is known of each picture as one number: by which names, from which columns, on which kind of axis."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One number a picture has.

    Attributes:
        name: in results and in the picture table.
        columns: of the manifest that it is made from.
        of: makes (N,) float64 from a manifest's table.
        logarithmic: ratios count, not differences: sizes, files, sharpness.
        follows: measures that say nearly the same and come first; where a class stands out in one of them, this one is
            not named too.
        compared: whether classes are looked for that stand out in it.
    """

    name: str
    columns: tuple[str, ...]
    of: Callable[[pd.DataFrame], NDArray[np.float64]]
    logarithmic: bool = False
    follows: tuple[str, ...] = ()
    compared: bool = True


def _column(name: str) -> Callable[[pd.DataFrame], NDArray[np.float64]]:
    def of(table: pd.DataFrame) -> NDArray[np.float64]:
        values: NDArray[np.float64] = table[name].to_numpy(dtype=np.float64)
        return values

    return of


def _mean_pixel(table: pd.DataFrame) -> NDArray[np.float64]:
    pixels: NDArray[np.float64] = table[["mean_r", "mean_g", "mean_b"]].to_numpy(dtype=np.float64).mean(axis=1)
    return pixels


def _aspect(table: pd.DataFrame) -> NDArray[np.float64]:
    ratios: NDArray[np.float64] = (table["width"] / table["height"]).to_numpy(dtype=np.float64)
    return ratios


def _plain(name: str, *, logarithmic: bool = False, follows: tuple[str, ...] = (), compared: bool = True) -> Measure:
    return Measure(
        name=name,
        columns=(name,),
        of=_column(name),
        logarithmic=logarithmic,
        follows=follows,
        compared=compared,
    )


#: In the order in which they are shown.
MEASURES = (
    _plain("brightness"),
    # The reference project's measure. It says what brightness says, so no class is named for it a second time.
    Measure(name="mean_pixel", columns=("mean_r", "mean_g", "mean_b"), of=_mean_pixel, compared=False),
    _plain("contrast"),
    _plain("saturation"),
    _plain("sharpness", logarithmic=True),
    _plain("entropy", follows=("contrast", "brightness")),
    Measure(name="aspect", columns=("width", "height"), of=_aspect, logarithmic=True),
    _plain("width", logarithmic=True),
    _plain("height", logarithmic=True, follows=("width",)),
    _plain("bytes", logarithmic=True, follows=("width", "height", "sharpness")),
)


def known_measures(table: pd.DataFrame) -> tuple[Measure, ...]:
    """Return the measures whose columns ``table`` has with a value for at least one picture."""
    return tuple(
        measure
        for measure in MEASURES
        if set(measure.columns) <= set(table.columns) and table[list(measure.columns)].notna().all(axis=1).any()
    )
