"""Folders and zips of small coloured pictures, with one that is damaged."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from bundle.small_bundles import LABELS, coloured_picture


def png(pixels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def coloured_files(per_class: int) -> dict[str, bytes]:
    """``red/0.png`` and so on: bytes of each picture by path, sorted."""
    files = {f"{c}/{i}.png": png(coloured_picture(c, size=20 + i, seed=i)) for c in LABELS for i in range(per_class)}
    return dict(sorted(files.items()))


def write_folder(folder: Path, files: dict[str, bytes]) -> Path:
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return folder


def write_zip(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path
