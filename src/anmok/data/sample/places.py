"""The five places: their names in both languages, and who paints them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from anmok.data.sample.cafe import paint_cafe
from anmok.data.sample.cave import paint_cave
from anmok.data.sample.columns import paint_columns
from anmok.data.sample.tea import paint_tea
from anmok.data.sample.view import Scene
from anmok.data.sample.waterfall import paint_waterfall

_NAMES = {
    "en": (
        "O'sulloc Tea Museum",
        "Manjanggul lava tube",
        "Monsant d'Aewol cafe",
        "Jusangjeolli columnar joints",
        "Cheonjiyeon waterfall",
    ),
    "ko": ("오설록 티 뮤지엄", "만장굴", "몽상드애월", "주상절리", "천지연 폭포"),
}

PAINTERS: tuple[Callable[[np.random.Generator, int], Scene], ...] = (
    paint_tea,
    paint_cave,
    paint_cafe,
    paint_columns,
    paint_waterfall,
)


def place_names(lang: str) -> tuple[str, ...]:
    """Give the names of places 0 to 4 in "en" or "ko" (NFC), usable as folder names everywhere."""
    if lang not in _NAMES:
        raise ValueError(f'Language "{lang}" is not known. Choose one of: {", ".join(_NAMES)}.')
    return _NAMES[lang]
