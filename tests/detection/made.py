"""Small data sets with boxes, drawn by code: coloured rectangles on a noisy ground."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from anmok.detection.boxset import BoxedPicture, TrueBox
from anmok.detection.formats.voc import voc_xml
from pictures import encode, photo

COLOURS = {"하늘": (40, 120, 250), "red & <big>": (240, 30, 30)}


def drawn(seed: int, width: int = 96, height: int = 72) -> tuple[Image.Image, tuple[TrueBox, ...]]:
    """Return a picture with one or two coloured rectangles, and their boxes."""
    random = np.random.default_rng(seed)
    image = photo(width, height, seed)
    boxes = []
    for half in range(1 + seed % 2):
        label = list(COLOURS)[int(random.integers(2))]
        side = int(random.integers(18, 30))
        x = half * width // 2 + int(random.integers(0, width // 2 - 30))
        y = int(random.integers(0, height - side))
        image.paste(COLOURS[label], (x, y, x + side, y + side))
        boxes.append(TrueBox(label, float(x), float(y), float(x + side), float(y + side)))
    return image, tuple(boxes)


def voc_folder(folder: Path, train: int = 3, test: int = 2) -> Path:
    """Write a data set in ``train`` and ``test``, pictures and XML side by side."""
    for split, count, first in (("train", train, 0), ("test", test, 1000)):
        (folder / split).mkdir(parents=True, exist_ok=True)
        for number in range(first, first + count):
            image, boxes = drawn(number)
            path = folder / split / f"사진 {number}.png"
            path.write_bytes(encode(image, "PNG"))
            picture = BoxedPicture(path.name, image.width, image.height, boxes)
            path.with_suffix(".xml").write_text(voc_xml(picture), encoding="utf-8")
    return folder
