"""The page and the sheet of a preview of augmentation. Nothing is computed here."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from anmok import storage
from anmok.config import ResizeRule
from anmok.config.recipe import Preprocessing
from anmok.i18n import _, use_language
from anmok.report.page import render_page
from anmok.report.pictures import Thumbnail

if TYPE_CHECKING:
    from anmok.training.augmentation.preview import Given, PolicyRow, Preview

#: JPEG quality: what the model sees is to be judged, so more than a thumbnail's.
QUALITY = 92
#: Of the sheet, pixels: side of a picture, gap, height of the line that names a policy.
TILE, GAP, LINE = 128, 4, 22


@dataclass(frozen=True, slots=True)
class ShownPolicy:
    """One policy: its name, what it does, its pictures."""

    name: str
    about: str
    pictures: tuple[Thumbnail, ...]


@dataclass(frozen=True, slots=True)
class ShownSquare:
    """The picture by one resize rule."""

    own: bool
    title: str
    about: str
    picture: Thumbnail


@dataclass(frozen=True, slots=True)
class ShownGiven:
    """What a backbone is given by one way of preprocessing."""

    own: bool
    title: str
    low: str
    high: str
    picture: Thumbnail


def render_preview(found: Preview, path: Path, *, language: str, command: str = "") -> Path:
    """Draw a preview as a self-contained HTML file and return its path.

    The same values and language give the same bytes.

    Args:
        path: the file to write; it appears whole or not at all.
        language: ``"en"`` or ``"ko"``.
        command: the command line to print under "how to reproduce".

    Raises:
        StorageError: the file could not be written.
    """
    with use_language(language):
        values: dict[str, object] = {
            "found": found,
            "original": embedded(found.square),
            "policies": tuple(_policy(row) for row in found.rows),
            "squares": tuple(_square(found, rule) for rule in found.squares),
            "given": tuple(map(_given, found.seen.given)) if found.seen else (),
            "command": command,
        }
    return render_page("augment.html", path, language=language, values=values, styles=("augment.css",))


def write_sheet(found: Preview, path: Path) -> Path:
    """Write all pictures of a preview as one PNG, a line for each policy, the unchanged picture first.

    Raises:
        StorageError: the file could not be written.
    """
    columns = 1 + max((len(row.variants) for row in found.rows), default=0)
    height = GAP + len(found.rows) * (LINE + TILE + GAP)
    sheet = Image.new("RGB", (GAP + columns * (TILE + GAP), height), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    for number, row in enumerate(found.rows):
        top = GAP + number * (LINE + TILE + GAP)
        pen.text((GAP, top + 2), row.policy, fill="black", font=font)
        for column, pixels in enumerate((found.square, *row.variants)):
            tile = Image.fromarray(pixels).resize((TILE, TILE), Image.Resampling.LANCZOS)
            sheet.paste(tile, (GAP + column * (TILE + GAP), top + LINE))
    stream = io.BytesIO()
    sheet.save(stream, "PNG")
    storage.write_bytes(path, stream.getvalue())
    return path


def embedded(pixels: NDArray[np.uint8]) -> Thumbnail:
    """Return uint8 ``(H, W, 3)`` at its own size for an ``img`` element."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=QUALITY, subsampling=0, optimize=True)
    text = base64.b64encode(stream.getvalue()).decode("ascii")
    return Thumbnail(f"data:image/jpeg;base64,{text}", pixels.shape[1], pixels.shape[0])


def _policy(row: PolicyRow) -> ShownPolicy:
    return ShownPolicy(row.policy, row.about, tuple(map(embedded, row.variants)))


def _square(found: Preview, rule: ResizeRule) -> ShownSquare:
    abouts: dict[ResizeRule, str] = {
        "squash": _("The whole picture, its sides made equal: shapes are stretched."),
        "crop": _("The largest square in the middle: what lies outside is not seen."),
        "pad": _("The whole picture, the rest filled with grey: shapes stay, details become smaller."),
    }
    return ShownSquare(rule == found.rule, rule, abouts[rule], embedded(found.squares[rule]))


def _given(one: Given) -> ShownGiven:
    titles: dict[Preprocessing, str] = {
        "own": _("The backbone's own preprocessing"),
        "mistake-0-1": _("Mistake: only divided by 255"),
        "mistake-twice": _("Mistake: divided by 255 twice"),
    }
    return ShownGiven(one.own, titles[one.preprocessing], _signed(one.low), _signed(one.high), embedded(one.pixels))


def _signed(number: float) -> str:
    return f"{number:.2f}".replace("-", "−")
