"""A photo with boxes drawn on it, as a JPEG: name and score beside each. Light."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from anmok.records import Box

#: One colour a class, told apart by most eyes (Okabe, Ito, 2008).
COLOURS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8a6d00", "#000000")
#: Fonts with Hangul that systems have, where they are; else Pillow's own, which has Latin letters alone.
FONTS = ("NotoSansCJK-Regular.ttc", "NotoSansKR-Regular.otf", "NanumGothic.ttf", "malgun.ttf", "AppleGothic.ttf")
QUALITY = 90


def draw_boxes(pixels: NDArray[np.uint8], boxes: Sequence[Box], numbers: Sequence[int]) -> bytes:
    """Return a JPEG of a picture uint8 ``(H, W, 3)`` with its boxes.

    Args:
        numbers: of each box's class; decides the colour.
    """
    image = Image.fromarray(pixels)
    draw = ImageDraw.Draw(image)
    side = max(image.size)
    line, size = max(1, side // 250), max(10, side // 40)
    font, is_whole = _font(size)
    # The surest last, so that it lies on top.
    for box, number in reversed(list(zip(boxes, numbers, strict=True))):
        colour = COLOURS[number % len(COLOURS)]
        draw.rectangle((box.x0, box.y0, max(box.x0, box.x1 - 1), max(box.y0, box.y1 - 1)), outline=colour, width=line)
        text = _printable(f"{box.label} {box.score:.2f}", latin=not is_whole)
        left, top, right, bottom = draw.textbbox((0, 0), text, font=font)
        height = bottom - top + 2 * line
        y = box.y0 - height if box.y0 >= height else box.y0
        draw.rectangle((box.x0, y, box.x0 + right - left + 4 * line, y + height), fill=colour)
        draw.text((box.x0 + 2 * line - left, y + line - top), text, fill="white", font=font)
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=QUALITY)
    return stream.getvalue()


def _font(size: int) -> tuple[ImageFont.FreeTypeFont | ImageFont.ImageFont, bool]:
    """Return a font, and whether it has other letters than Latin ones."""
    for name in FONTS:
        try:
            return ImageFont.truetype(name, size), True
        except OSError:
            continue
    return ImageFont.load_default(size), False


def _printable(text: str, *, latin: bool) -> str:
    """Return ``text`` without control characters, and where the font has ``latin`` letters alone, without others."""
    if latin:
        text = text.encode("latin-1", "replace").decode("latin-1")
    return "".join(letter if letter.isprintable() else "?" for letter in text)
