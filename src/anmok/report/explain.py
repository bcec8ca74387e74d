"""The page of explained pictures: each beside its heat map and its classes. Nothing is computed here."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from anmok.i18n import _, use_language
from anmok.inference.explain import Explanation
from anmok.inference.heat_map import HeatMap
from anmok.inference.overlay import colours, overlay, shrunk
from anmok.records import PredictionFailure
from anmok.report import words
from anmok.report.page import render_page
from anmok.report.pictures import Thumbnail

#: Pixels of the longer side of a picture on the page; JPEG quality.
SIDE, QUALITY = 400, 80


@dataclass(frozen=True, slots=True)
class ShownClass:
    """One class of an answer: its probability in words and as a share of the bar; whether the map is of it."""

    name: str
    probability: str
    share: float
    mapped: bool


@dataclass(frozen=True, slots=True)
class ShownExplanation:
    """One picture; ``where`` says in words where it speaks for ``label``."""

    path: str
    label: str
    unknown: bool
    classes: tuple[ShownClass, ...]
    picture: Thumbnail
    heat_map: Thumbnail
    method: str
    where: str


def render_explanations(
    explained: Sequence[Explanation | PredictionFailure],
    path: Path,
    *,
    bundle: str,
    left_out: int = 0,
    language: str,
    command: str = "",
) -> Path:
    """Draw explained pictures as a self-contained HTML file and return its path.

    The same values and language give the same bytes.

    Args:
        path: the file to write; it appears whole or not at all.
        bundle: name of the model.
        left_out: pictures that were given and are not shown.
        language: ``"en"`` or ``"ko"``.
        command: the command line to print under "how to reproduce".

    Raises:
        StorageError: the file could not be written.
    """
    with use_language(language):
        values: dict[str, object] = {
            "bundle": bundle,
            "shown": tuple(_shown(one) for one in explained if isinstance(one, Explanation)),
            "failures": tuple(one for one in explained if isinstance(one, PredictionFailure)),
            "left_out": left_out,
            "scale": _embedded(colours(np.tile(np.linspace(0, 1, 256), (12, 1)))),
            "command": command,
        }
    return render_page("explain.html", path, language=language, values=values, styles=("explain.css",))


def _shown(one: Explanation) -> ShownExplanation:
    small = shrunk(one.pixels, SIDE)
    return ShownExplanation(
        path=one.prediction.path,
        label=one.heat_map.label,
        unknown=one.prediction.unknown,
        classes=tuple(
            ShownClass(name, f"{words.percent(probability)}%", round(probability, 4), name == one.heat_map.label)
            for name, probability in one.prediction.top
        ),
        picture=_embedded(small),
        heat_map=_embedded(overlay(small, one.heat_map)),
        method=method_title(one.heat_map.method),
        where=where(one.heat_map),
    )


def method_title(method: str) -> str:
    """Return a method of heat maps in words."""
    titles = {
        "cam": _("class activation map"),
        "hirescam": _("class activation map through layers (HiResCAM)"),
        "occlusion": _("occlusion"),
    }
    return titles.get(method, method)


def where(heat_map: HeatMap) -> str:
    """Return in words where a map is strongest."""
    if heat_map.strongest is None:
        return _("nowhere")
    x, y = heat_map.strongest
    names = (
        (_("upper left"), _("top"), _("upper right")),
        (_("left"), _("middle"), _("right")),
        (_("lower left"), _("bottom"), _("lower right")),
    )
    return names[min(int(y * 3), 2)][min(int(x * 3), 2)]


def _embedded(pixels: NDArray[np.uint8]) -> Thumbnail:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=QUALITY, optimize=True)
    text = base64.b64encode(stream.getvalue()).decode("ascii")
    return Thumbnail(f"data:image/jpeg;base64,{text}", pixels.shape[1], pixels.shape[0])
